"""A site of each release, made by the release's own code, and this code put in its place."""

import json
import os
import re
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from django.db import connection

from tests.conftest import s3_client
from tests.settings import without_site_variables
from tests.support.strict_s3 import StrictS3

ROOT = Path(__file__).parents[2]
# The commit of each release's tag. From 1.0 on, migrations that a release has are not changed.
RELEASES = {"1.0": "9609e359365cbaa0797bf657f29b85bd292012b5"}
AFTERWARDS = [  # what CHANGELOG says to run after an upgrade
    ["migrate", "--no-input"],
    ["describe_uploads"],
    ["index_profiles"],
]
# Run by the release: makes the links that its messages have. Run by this code: opens them.
MAKE_LINKS = """
import django; django.setup()
from portal.accounts.invitations import invitation_url
from portal.accounts.messages import set_password_url
from profiles.models import User
invited = User.objects.create_user("invited@example.org")
print(invitation_url(invited, ""), set_password_url(User.objects.exclude(password="").last(), ""))
"""
OPEN_LINKS = """
import sys, django; django.setup()
from django.test import Client
for link in sys.argv[1:]:
    page = Client(SERVER_NAME="127.0.0.1").get(link, follow=True, secure=True).content.decode()
    print("asks for a password:", 'type="password"' in page)
"""
KEY, SECRET, BUCKET = "AKIAUPGRADE", "a-secret-for-this-test", "society-files"

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@dataclass
class Site:
    """A checkout with the Python that has its libraries, and the variables of a deployed site."""

    tree: Path
    python: str
    environment: dict

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.tree,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{arguments}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture
def s3():
    with StrictS3({KEY: SECRET}) as server:
        yield server


@pytest.fixture
def environment(s3, tmp_path):
    others = without_site_variables()
    return others | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEBUG": "off",
        "DATABASE_URL": new_database(tmp_path),
        "STATIC_ROOT": str(tmp_path / "static"),
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_S3_REGION_NAME": "eu-west-1",
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }


def new_database(folder: Path) -> str:
    """Return the URL of an empty database of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        return f"sqlite:///{folder}/db.sqlite3"
    name = f"{connection.settings_dict['NAME']}_upgraded"
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name}")
    before, _, query = os.environ["TEST_DATABASE_URL"].partition("?")
    return f"{before.rpartition('/')[0]}/{name}?{query}"


def checkout(commit: str, folder: Path) -> Path:
    """Write the files of a commit into a folder. Skips where the history is not here."""
    done = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True)
    if done.returncode:
        pytest.skip(f"commit {commit} is not in this clone: {done.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def python_for(tree: Path, folder: Path) -> str:
    """Return a Python with the libraries of a checkout: this one, if they are the same."""
    lock = "requirements.txt"
    if (tree / lock).read_bytes() == (ROOT / lock).read_bytes():
        return sys.executable
    python = folder / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True)
    install = [uv, "pip", "install", "-q", "--require-hashes", "-p", str(python), "-r", lock]
    subprocess.run(install, cwd=tree, check=True)
    return str(python)


def objects(s3) -> dict[str, str]:
    """Return the ETag of each object but the assets, which a build writes anew."""
    client = s3_client(s3, KEY)
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    found = {each["Key"]: each["ETag"] for page in pages for each in page.get("Contents", [])}
    return {key: tag for key, tag in found.items() if not key.startswith("assets/")}


@pytest.mark.parametrize("release", RELEASES)
def test_a_site_of_a_release_opens_every_page_and_file_after_the_upgrade(
    release, s3, environment, tmp_path
):
    tree = checkout(RELEASES[release], tmp_path / "release")
    before = Site(tree, python_for(tree, tmp_path / "venv"), environment)
    for line in ("setup_bucket", "collectstatic --no-input", "migrate --no-input", "seed_demo"):
        before.manage(*line.split())
    stored = objects(s3)
    links = before.run("-c", MAKE_LINKS).split()[-2:]

    after = Site(ROOT, sys.executable, environment)
    after.manage("collectstatic", "--no-input")
    for arguments in AFTERWARDS:
        after.manage(*arguments)

    walked = json.loads(after.run("-m", "tests.support.walk").splitlines()[-1])  # below the log
    assert walked["faults"] == {}
    assert stored.items() <= objects(s3).items()
    opened = {name.partition(f"/{BUCKET}/")[2] for name in walked["files"]}
    assert stored.keys() - opened == set()
    for role, pages in {"visitor": 10, "member": 30, "staff": 60}.items():
        assert sum(page.startswith(role) for page in walked["pages"]) > pages, role
    said = after.run("-c", OPEN_LINKS, *links, f"{links[0]}x", f"{links[1]}x")
    assert re.findall(r"^asks for a password: (\w+)$", said, re.MULTILINE) == [
        "True", "True", "False", "False",
    ], "links under way, and ones that nobody has sent"  # fmt: skip
    assert "No planned migration operations" in after.manage("migrate", "--plan")
