"""Rooms in a project of somebody else's: its own models and user, with stock S3Storages.

docs/reuse.md has the same steps for people. Its examples are what this project is made of.
"""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
import requests

from tests.conftest import s3_client
from tests.support.strict_s3 import StrictS3, read_only

from .test_rooms import ROOT
from .test_rooms_lift_out import with_what_they_use

pytestmark = [pytest.mark.whole, pytest.mark.any_database]

REGION = "eu-west-1"
KEYS = {"AKIALIVE": "live-secret", "AKIASTAGING": "staging-secret"}
COVERS, SCANS, CONTRACTS = "covers", "scans", "contracts"  # where the files of each storage are

# What people paste: the apps, the settings of a staging site (without its buckets), the rules.
APPS, STAGING, RULES = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs/reuse.md").read_text(), re.MULTILINE | re.DOTALL
)

SETTINGS = """
import os

INSTALLED_APPS += ["library"]
SITE_ENVIRONMENT = os.environ.get("SITE_ENVIRONMENT", SITE_ENVIRONMENT)


def bucket(name, access_key, secret_key, location, **options):
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": name, "location": location, "access_key": access_key,
            "secret_key": secret_key, "region_name": "eu-west-1", "endpoint_url": ENDPOINT,
            "addressing_style": "path", "signature_version": "s3v4", **options,
        },
    }


def buckets(*key):
    return {
        "default": bucket(*key, "covers", querystring_auth=False),
        "scans": bucket(*key, "scans"),
        "contracts": bucket(*key, "contracts", querystring_expire=60),
    }


STORAGES = buckets("library-staging", "AKIASTAGING", "staging-secret") | {
    "staticfiles": STORAGES["staticfiles"]
    if "STORAGES" in globals()
    else {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
LIVE_STORAGES = buckets("library-live", "AKIALIVE", "live-secret")
"""

# Modules of settings, each with a mistake in an option of a storage.
MISTAKES = {
    "opened": 'STORAGES["default"]["OPTIONS"]["location"] = ""',
    "with_acls": 'STORAGES["default"]["OPTIONS"]["default_acl"] = "public-read"',
    "unbuilt": """DEBUG, ALLOWED_HOSTS = False, ["library.example.org"]
STATIC_ROOT = BASE_DIR / "not-collected"
STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
)""",
}

MODELS = """
from django.conf import settings
from django.core.files.storage import storages
from django.db import models


def scans():
    return storages["scans"]


def contracts():
    return storages["contracts"]


class Book(models.Model):
    title = models.CharField(max_length=100)
    cover = models.FileField(upload_to="books")
    scan = models.FileField(upload_to="books", storage=scans, blank=True)


class Loan(models.Model):
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    book = models.ForeignKey(Book, models.CASCADE)
    contract = models.FileField(storage=contracts)
"""

ROWS = """
from django.contrib.auth.models import User
from library.models import Book, Loan

clerk = User.objects.create_user("clerk", is_staff=True)
reader = User.objects.create_user("reader", "reader@example.org")
for number in range(3):
    book = Book.objects.create(
        title=str(number), cover=f"books/{number}.png", scan=f"books/{number}.pdf"
    )
    Loan.objects.create(reader=reader, book=book, contract=f"reader-{number}.pdf")
Loan.objects.create(reader=clerk, book=book, contract="clerk.pdf")
"""


class Project:
    """What `django-admin startproject` makes, with an app, the rooms, and files on a server."""

    def __init__(self, folder: Path, server: StrictS3):
        self.folder, self.server = folder, server
        self.run("-m", "django", "startproject", "theirs", ".")
        rooms = {"files", "staging", "exposure", "buckets"}
        rooms = rooms.union(*map(with_what_they_use, rooms))
        (folder / "portal").mkdir()
        (folder / "portal/__init__.py").touch()
        for room in rooms:
            copytree(ROOT / "portal" / room, folder / "portal" / room)
        (folder / "library").mkdir()
        (folder / "library/__init__.py").touch()
        (folder / "library/models.py").write_text(MODELS)
        (folder / "library/scrub_rules.py").write_text(RULES)
        with (folder / "theirs/settings.py").open("a") as settings:
            settings.write(f"\nENDPOINT = {server.endpoint_url!r}\n{APPS}{STAGING}{SETTINGS}")
        for name, change in MISTAKES.items():
            text = f"from .settings import *\n\n{change}\n"
            (folder / f"theirs/{name}.py").write_text(text)

    def run(self, *arguments, environment=None, **options) -> str:
        environment = {"PATH": os.environ["PATH"], **(environment or {})}
        ran = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60, **options,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def manage(self, *arguments, **options) -> str:
        return self.run("manage.py", *arguments, **options)

    def refused(self, words: str, *arguments, settings: str = "settings") -> None:
        environment = {"DJANGO_SETTINGS_MODULE": f"theirs.{settings}"}
        with pytest.raises(AssertionError, match=words):
            self.manage(*arguments, environment=environment)

    def keys(self, bucket: str) -> set[str]:
        listed = s3_client(self.server, "AKIASTAGING").list_objects_v2(Bucket=bucket)
        return {item["Key"] for item in listed.get("Contents", [])}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Somebody's project, with three books and four loans; their files are on the live site."""
    with StrictS3(KEYS, permissions={"AKIALIVE": read_only}, region=REGION) as server:
        for bucket in ("library-live", "library-staging"):
            server._backend.create_bucket(bucket, REGION)
        project = Project(tmp_path_factory.mktemp("project"), server)
        project.manage("makemigrations", "library")
        project.manage("migrate", "--verbosity=0")
        project.manage("shell", "--verbosity=0", input=ROWS)
        client = s3_client(server, "AKIASTAGING")
        names = [f"reader-{number}.pdf" for number in range(3)]
        for key in (
            *(f"{COVERS}/books/{number}.png" for number in range(3)),
            *(f"{SCANS}/books/{number}.pdf" for number in range(3)),
            *(f"{CONTRACTS}/{name}" for name in ("clerk.pdf", *names)),
        ):
            client.put_object(Bucket="library-live", Key=key, Body=key.encode())
        yield project
        server.wipe()


@pytest.fixture(scope="module")
def refreshed(project):
    """Set its bucket up, refresh its staging copy, and return the output of that."""
    project.manage("setup_bucket")
    return project.manage("refresh_staging", "--keep", "1")


def test_its_bucket_is_set_up_and_proven(project):
    project.manage("setup_bucket")

    # In development, because the server of this test has no TLS.
    proven = project.manage("check_storage", environment={"SITE_ENVIRONMENT": "development"})

    for alias in ("default", "scans", "contracts"):
        assert alias in proven
    assert "0 failed" in proven
    client = s3_client(project.server, "AKIASTAGING")
    for folder, status in ((COVERS, 200), (SCANS, 403), (CONTRACTS, 403)):
        client.put_object(Bucket="library-staging", Key=f"{folder}/x.txt", Body=b"x")
        address = f"{project.server.endpoint_url}/library-staging/{folder}/x.txt"
        assert requests.get(address, timeout=5).status_code == status
        client.delete_object(Bucket="library-staging", Key=f"{folder}/x.txt")


def test_its_staging_copy_is_refreshed(project, refreshed):
    """Rows by its own rules, and only the files of those that are left, of all three storages.

    The reader stays, as somebody else; what is in the place of the reader's contracts is drawn.
    """
    assert "library.Loan" in refreshed
    covers = {f"{COVERS}/books/{number}.png" for number in range(3)}
    scans = {f"{SCANS}/books/{number}.pdf" for number in range(3)}
    keys = project.keys("library-staging")
    drawn = {key for key in keys if key.startswith(f"{CONTRACTS}/replaced/")}
    assert keys - drawn == covers | scans | {f"{CONTRACTS}/clerk.pdf"}
    assert len(drawn) == 3
    with closing(sqlite3.connect(project.folder / "db.sqlite3")) as database:
        people = "SELECT username, email FROM auth_user ORDER BY id"
        clerk, (username, email) = database.execute(people).fetchall()
    assert clerk == ("clerk", "")
    assert re.fullmatch("reader-[0-9a-f]{32}", username)
    assert email.endswith(".example")
    assert project.manage("copy_live_media").count("unchanged")


@pytest.mark.usefixtures("refreshed")
def test_its_orphans_are_swept(project):
    client = s3_client(project.server, "AKIASTAGING")
    client.put_object(Bucket="library-staging", Key=f"{CONTRACTS}/nobodys.pdf", Body=b"x")
    for stored in project.server._backend.buckets["library-staging"].keys.values():
        stored.last_modified -= timedelta(days=2)
    before = project.keys("library-staging")

    project.manage("sweep_media", "--delete")

    assert before - project.keys("library-staging") == {f"{CONTRACTS}/nobodys.pdf"}


def test_a_column_without_a_decision_is_refused(project):
    rules = project.folder / "library/scrub_rules.py"
    whole = rules.read_text()
    rules.write_text(whole.replace('"id title cover scan"', '"id cover scan"'))
    try:
        with pytest.raises(AssertionError, match=r"library\.Book\.title"):
            project.manage("scrub_members")
    finally:
        rules.write_text(whole)


def test_what_is_there_is_left_as_it_is(project):
    """Its own storages stay what they were: the rooms give them no other class."""
    said = project.manage(
        "shell", "--verbosity=0",
        input="from django.core.files.storage import storages\n"
        "print(type(storages['scans']).__module__)\n",
    )  # fmt: skip

    assert "storages.backends.s3" in said


@pytest.mark.usefixtures("refreshed")
@pytest.mark.parametrize("source", ["contracts", "live contracts"])
def test_its_protected_files_are_not_copied_to_where_everybody_reads(project, source):
    before = project.keys("library-staging")

    words = f"default is public, and the files of {source} are not"
    project.refused(words, "copy_media", "--from", source, "--to", "default", "--all")

    assert project.keys("library-staging") == before
    project.manage("copy_media", "--from", source, "--to", "scans", "--all", "--dry-run")


@pytest.mark.usefixtures("refreshed")
def test_a_bucket_is_not_opened_where_its_protected_files_are(project):
    """By the checks of every command, and by setup_bucket where they are skipped."""
    checked = r'(?s)portal.E003.*storage "contracts" keeps protected files where "default" opens'
    for command in (["check"], ["setup_bucket"], ["setup_bucket", "--dry-run"]):
        project.refused(checked, *command, settings="opened")
    for command in (["setup_bucket"], ["setup_bucket", "--dry-run"]):
        words = "would open the protected files of scans and contracts to everyone"
        project.refused(words, *command, "--skip-checks", settings="opened")

    address = f"{project.server.endpoint_url}/library-staging/{CONTRACTS}/clerk.pdf"
    assert requests.get(address, timeout=5).status_code == 403


def test_uploads_with_an_acl_are_found_before_and_after_a_bucket_is_set_up(project):
    project.refused("gives each upload an ACL, public-read", "setup_bucket", settings="with_acls")
    project.manage("setup_bucket")

    with pytest.raises(AssertionError, match="default_acl") as failed:
        project.manage(
            "check_storage",
            environment={
                "SITE_ENVIRONMENT": "development", "DJANGO_SETTINGS_MODULE": "theirs.with_acls"
            },
        )  # fmt: skip

    assert "AccessControlListNotSupported" in str(failed.value)


def test_its_assets_have_to_be_collected_before_it_is_deployed(project):
    project.refused("portal.E005", "check", "--deploy", settings="unbuilt")
    environment = {"DJANGO_SETTINGS_MODULE": "theirs.unbuilt"}
    project.manage("check", environment=environment)
    project.manage("collectstatic", "--no-input", environment=environment)

    assert "E005" not in project.manage("check", "--deploy", environment=environment)
