"""Fixtures: the storages, the S3 server and the members of a test."""

import gc
import importlib
import importlib.util
import io
import itertools
import os
from functools import cache
from unittest import mock

import boto3
import django
import pytest
from botocore.config import Config
from botocore.loaders import create_loader
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.core.cache import cache as site_cache
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import override_settings

from portal.buckets import documents as buckets
from portal.files.references import file_fields
from portal.middleware import policy_header
from portal.outbox import sender
from portal.storage_settings import storages_without_s3
from profiles.models import Profile
from profiles.society import current
from profiles.society.models import Society
from profiles.uploads import sandbox
from tests.support import samples
from tests.support.members import write_member
from tests.support.strict_s3 import StrictS3

from .settings import without_site_variables

pytest_plugins = [
    "tests.support.addresses",
    "tests.support.flush",
    "tests.support.log",
    "tests.support.served",
]

S3_KEYS = {"AKIAPORTAL": "portal-secret"}
BUCKET = "portal-files"


def settings_for(environment: dict[str, str]) -> dict:
    """Return the settings of an environment, from the real portal/settings.py, run anew."""
    others = without_site_variables()
    module = importlib.util.module_from_spec(importlib.util.find_spec("portal.settings"))
    with mock.patch.dict(os.environ, others | environment, clear=True):
        exec(settings_code(), vars(module))
    return {name: value for name, value in vars(module).items() if name.isupper()}


@cache
def settings_code():
    return importlib.util.find_spec("portal.settings").loader.get_code("portal.settings")


def use_settings(settings, monkeypatch, values: dict) -> None:
    """Serve the rest of the test with these settings, model fields and routes included."""
    for name, value in values.items():
        setattr(settings, name, value)
    policy_header.cache_clear()
    for _, field in file_fields():
        monkeypatch.setattr(field, "storage", field._storage_callable())
    # Not through the fixture: it tells Django, which would forget all it knows of addresses.
    if settings.AWS_AVAILABLE:
        monkeypatch.setattr(django_settings, "ROOT_URLCONF", routes_on_s3())
    elif django_settings.ROOT_URLCONF is routes_on_s3():
        monkeypatch.setattr(django_settings, "ROOT_URLCONF", "portal.urls")


@cache
def routes_on_s3():
    """Return the addresses of the site where S3 serves the files, as a ROOT_URLCONF can be."""
    spec = importlib.util.find_spec("portal.urls")
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(django_settings, "AWS_AVAILABLE", True):
        spec.loader.exec_module(module)
    return module


# Fixtures that start a browser, or gunicorn: a test that uses one is one of the whole site.
PROGRAMS = {"browser", "first_dyno"}


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config, items):
    """Mark tests of the whole site, and skip tests without a database in the run on PostgreSQL."""
    for item in items:
        if PROGRAMS & set(item.fixturenames):
            item.add_marker("whole")
    if "TEST_DATABASE_URL" in os.environ:
        needing = [item for item in items if depends_on_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in needing])
        items[:] = needing


def depends_on_database(item) -> bool:
    """Return True if it makes a difference to a test which database it runs on."""
    if item.get_closest_marker("any_database"):
        return False
    names = {"db", "transactional_db", "live_server"}
    return bool(names & set(item.fixturenames) or item.get_closest_marker("django_db"))


def pytest_collection_finish():
    """Let the garbage collector pass over the libraries: nothing of them is thrown away."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _load_once():
    """Read the descriptions of AWS's services once: without this, each session of boto3 does."""
    with mock.patch("botocore.session.create_loader", cache(create_loader)):
        yield


@pytest.fixture(scope="session", autouse=True)
def _inspect_once():
    """A file that was parsed once in this run need not be again: each time is a new Python."""
    parse, parsed = sandbox.parse, {}

    def parse_once(child, file, **request):
        file.seek(0)
        key = child, file.read(), repr(request)
        if key not in parsed:
            parsed[key] = parse(child, file, **request)
        report, parts = parsed[key]
        return sandbox.Parsed(
            dict(report),
            {name: ContentFile(part.file.getvalue(), name=name) for name, part in parts.items()},
        )

    queue = f"{sandbox.QUEUE}-{os.environ.get('PYTEST_XDIST_WORKER', '')}"  # no turns among tests
    with mock.patch.multiple(sandbox, parse=parse_once, QUEUE=queue):
        yield


@pytest.fixture(scope="session")
def _folders(tmp_path_factory):
    """Names of folders, one a test; few tests make theirs, and tmp_path would make each."""
    parent = tmp_path_factory.mktemp("tests")
    return (parent / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def on_disk(settings, monkeypatch, _folders):
    """Give each test folders of its own, as in development, and an empty cache."""
    site_cache.clear()
    folder = next(_folders)
    settings.STATIC_ROOT = folder / "static"
    media_root = folder / "media-root"
    stores = storages_without_s3(media_root, is_development=True)
    stores["staticfiles"] = settings.STORAGES["staticfiles"]
    use_settings(settings, monkeypatch, {"MEDIA_ROOT": media_root, "STORAGES": stores})


@pytest.fixture(autouse=True)
def unnamed_society(monkeypatch):
    """Begin each test with a society that nobody has named, and remembered: it costs no query."""
    monkeypatch.setattr(current, "_remembered", (float("inf"), Society.unnamed()))


@pytest.fixture(scope="session", autouse=True)
def _delivered_at_once(django_test_environment):
    """Deliver messages at once to mail.outbox, although a test's transaction is never committed.

    Set OUTBOX_AT_ONCE = False in a test whose messages are to wait.
    """
    queue = "portal.outbox.backend.EmailBackend"
    if django.VERSION >= (6, 1):
        queued = {"MAILERS": {"default": {"BACKEND": queue}}}
    else:
        queued = {"EMAIL_BACKEND": queue}
    with (
        override_settings(**queued, OUTBOX_BACKEND="django.core.mail.backends.locmem.EmailBackend"),
        mock.patch.object(sender, "announce_on_commit", sender.announce),
    ):
        yield


@pytest.fixture(scope="session")
def s3_server():
    """An S3 server over HTTP that checks signatures, expiry and policies as AWS does."""
    with StrictS3(credentials=S3_KEYS, region="eu-west-1") as server:
        yield server


@pytest.fixture
def s3(s3_server):
    """The S3 server, empty and with its clock right."""
    yield s3_server
    s3_server.wipe()


@cache
def s3_client(server, access_key="AKIAPORTAL"):
    """A client to fill and to read the buckets with: by the site's own keys, or others."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=access_key,
        aws_secret_access_key=server.credentials[access_key],
        region_name=server.region,
        config=Config(signature_version="s3v4"),
    )


@pytest.fixture
def s3_environment(s3):
    return {
        "AWS_STORAGE_BUCKET_NAME": BUCKET,
        "AWS_ACCESS_KEY_ID": "AKIAPORTAL",
        "AWS_SECRET_ACCESS_KEY": S3_KEYS["AKIAPORTAL"],
        "AWS_S3_REGION_NAME": "eu-west-1",
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }


@pytest.fixture(scope="session")
def set_up_once(s3_server):
    """A function that makes the buckets of the settings with setup_bucket, or as it made them."""
    made = {}

    def set_up():
        storages = repr(django_settings.STORAGES)
        if storages in made:
            s3_server.restore(made[storages])
        else:
            call_command("setup_bucket", stdout=io.StringIO())
            made[storages] = s3_server.state()

    return set_up


@pytest.fixture
def on_s3(s3, s3_environment, set_up_once, on_disk, settings, monkeypatch):
    """The site with its files on S3, in a bucket made by setup_bucket as on AWS itself."""
    values = settings_for(s3_environment)
    values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
    names = ("AWS_AVAILABLE", "MEDIA_URL", "STORAGES", "CONTENT_SECURITY_POLICY")
    use_settings(settings, monkeypatch, {name: values[name] for name in names})
    monkeypatch.setattr(buckets, "is_aws", lambda storage: True)
    set_up_once()
    s3.clear()
    return s3


@pytest.fixture
def member(db):
    return make_member("ada@example.org", name="Ada Lovelace")


@pytest.fixture
def other_member(db):
    return make_member("grace@example.org", name="Grace Hopper")


@pytest.fixture
def staff(db):
    return make_member("staff@example.org", name="Staff", is_staff=True, is_superuser=True)


@pytest.fixture
def owner(db):
    """A member with an avatar and a resume."""
    owner = make_member("mary@example.org", name="Mary Somerville")
    owner.profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    owner.profile.resume = ContentFile(samples.pdf(), name="cv.pdf")
    owner.profile.save()
    return owner


PASSWORD = "a long enough passphrase"


def make_member(email, *, name="", visibility=Profile.Visibility.MEMBERS, **fields):
    """Make a member, with the rows that saving one through the models would write."""
    return write_member(email, PASSWORD, name=name, visibility=visibility, **fields)


def make_clerk(codename):
    """Make one of the staff who has this right, and no other."""
    clerk = make_member("clerk@example.org", name="Clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename=codename))
    return clerk
