"""The site as gunicorn serves it, on the tests' own PostgreSQL and S3, for tests of processes.

It runs with the Procfile's line and the settings of a deployed site, from a tree that cannot be
written to, and reaches its database by a line that can fail.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.conftest import BUCKET, PASSWORD, S3_KEYS
from tests.support.deployed import ENVIRONMENT
from tests.support.dyno import Answer, Visitor, Web, eventually, procfile
from tests.support.line import Line

ROOT = Path(__file__).parents[2]
SLUG = ["portal", "profiles", "static", "templates"]
HOST = ENVIRONMENT["ALLOWED_HOSTS"]
WORKERS, THREADS = 2, 3  # of a dyno
ANSWER_SECONDS = 1  # that a request waits for the database; in real life 10
CONNECT_SECONDS = 2  # the least that there is; in real life 5


class Dyno(Web):
    """The web line's processes, and whoever visits them."""

    def __init__(self, environment: dict, folder: Path):
        tree = Path(environment["HOME"])
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.visitors: list[Visitor] = []
        environment = environment | {"TMPDIR": str(self.temporary)}
        super().__init__(procfile(tree)["web"], tree, environment, folder / "log")

    def visitor(self, user=None) -> Visitor:
        """A browser, in which this user is logged in."""
        visitor = Visitor(self.port, HOST)
        self.visitors.append(visitor)
        if user:
            client = Client()
            client.force_login(user)
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            visitor.cookies["__Host-sessionid"] = session
        return visitor

    def hang_up(self) -> None:
        while self.visitors:
            self.visitors.pop().connection.close()

    def workers(self):
        return [process for process in self.processes() if process.pid != self.process.pid]


def save_profile(visitor: Visitor, **fields) -> Answer:
    """Post the form of one's own profile, files included."""
    return post_multipart(visitor, "/me/edit/", {"name": "Ada", "visibility": "members", **fields})


def post_multipart(visitor: Visitor, path: str, fields: dict) -> Answer:
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', visitor.get(path).text)[1]
    body = encode_multipart(BOUNDARY, {"csrfmiddlewaretoken": token, **fields})
    return send(visitor, path, body)


def send(visitor: Visitor, path: str, body, **headers) -> Answer:
    """Post a body, or its parts one after the other.

    If it is answered before all was sent, gunicorn closes the connection, and the visitor is
    useless from then on.
    """
    sent = {"Origin": f"https://{HOST}", "Content-Type": MULTIPART_CONTENT, **headers}
    try:
        return visitor.request("POST", path, body=body, headers=sent)
    except (BrokenPipeError, ConnectionResetError):
        return Answer(visitor.connection.getresponse(), request_id="")


def give_a_real_password(user) -> None:
    """Have a user log in with PASSWORD at a dyno, which has no fast hashers as the tests have."""
    user.password = PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1)
    user.save()


@pytest.fixture(scope="session")
def database_line(django_db_setup):
    """The line by which dynos reach the test's own database."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    parameters = connection.get_connection_params()
    with Line(f"{parameters['host']}/.s.PGSQL.{parameters.get('port', 5432)}") as line:
        yield line


@pytest.fixture(scope="session")
def s3_line(s3_server):
    """The line by which dynos reach S3."""
    with Line((s3_server.host, s3_server.port)) as line:
        line.up()
        yield line


@pytest.fixture(scope="session")
def dyno_environment(database_line, s3_line, tmp_path_factory) -> dict:
    """All that a dyno's processes know, as after a release; HOME is where the code is."""
    tree = tmp_path_factory.mktemp("app")
    for name in SLUG:
        shutil.copytree(ROOT / name, tree / name)
    for name in ("Procfile", "gunicorn.conf.py"):
        shutil.copy2(ROOT / name, tree)
    names = [name for finder in get_finders() for name, _ in finder.list(None)]
    manifest = {"version": "1.1", "hash": "", "paths": {name: name for name in names}}
    (tree / "staticfiles").mkdir()
    (tree / "staticfiles" / "staticfiles.json").write_text(json.dumps(manifest))
    for path in [tree, *tree.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    database, line = connection.settings_dict, database_line
    [(key, secret)] = S3_KEYS.items()
    yield ENVIRONMENT | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tree),
        "STATIC_ROOT": str(tree / "staticfiles"),
        "DYNO": "web.1",
        "SECRET_KEY": settings.SECRET_KEY,
        "WEB_CONCURRENCY": str(WORKERS),
        "DATABASE_URL": f"postgres://{database['USER']}@127.0.0.1:{line.port}/{database['NAME']}"
        f"?sslmode=disable&answer_timeout={ANSWER_SECONDS}&connect_timeout={CONNECT_SECONDS}"
        "&application_name=dyno",
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_S3_ENDPOINT_URL": f"http://127.0.0.1:{s3_line.port}",
    }
    for path in [tree, *tree.rglob("*")]:  # or pytest could not clear it away
        path.chmod(path.stat().st_mode | 0o200)


@pytest.fixture(scope="session")
def first_dyno(dyno_environment, database_line, django_db_blocker, tmp_path_factory):
    """A dyno that has started while its database was down."""
    with django_db_blocker.unblock():
        call_command("createcachetable", "portal_cache", verbosity=0)
    with Dyno(dyno_environment, tmp_path_factory.mktemp("web.1")) as dyno:
        assert dyno.serves(), dyno.said()
        dyno.answers_without_database = {
            path: dyno.visitor().get(path) for path in ("/healthz", "/readyz", "/")
        }
        assert eventually(lambda: len(dyno.workers()) == WORKERS, 5)
        dyno.first_workers = {process.pid for process in dyno.workers()}
        dyno.hang_up()
        database_line.up()
        yield dyno


@pytest.fixture
def dyno(first_dyno, on_s3, transactional_db):
    """A dyno at work, on the test's database and bucket, with nothing throttled."""
    yield first_dyno
    first_dyno.hang_up()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM portal_cache")
        # A dyno is production, and has marked the tests' database as its own.
        cursor.execute("DROP TABLE IF EXISTS portal_identity")


@pytest.fixture
def short_lived_dyno(dyno, dyno_environment, on_s3, tmp_path):
    """A dyno for one test, which may stop it or replace its workers."""
    with Dyno(dyno_environment | {"DYNO": "web.9"}, tmp_path) as short_lived:
        assert short_lived.serves(), short_lived.said()
        assert eventually(lambda: len(short_lived.workers()) == WORKERS, 5)
        yield short_lived
        short_lived.hang_up()


@pytest.fixture(scope="session")
def second_dyno(first_dyno, dyno_environment, tmp_path_factory):
    environment = dyno_environment | {"DYNO": "web.2", "WEB_CONCURRENCY": "1"}
    with Dyno(environment, tmp_path_factory.mktemp("web.2")) as dyno:
        assert dyno.serves(), dyno.said()
        yield dyno


@pytest.fixture
def another_dyno(second_dyno, dyno):
    """A second dyno of the same site, beside the first."""
    yield second_dyno
    second_dyno.hang_up()
