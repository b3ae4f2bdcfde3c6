"""The rooms files, buckets and exposure in a stock project, which has none of their settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from portal.files import conf

ROOT = Path(__file__).parents[2]

STOCK_PROJECT = """
import io, json, sys
import django
from django.conf import settings

connection = {
    "bucket_name": "stock", "region_name": "eu-west-1", "access_key": "AKIA", "secret_key": "no",
}
policies = "portal.files.storages."
settings.configure(
    SECRET_KEY="stock",
    INSTALLED_APPS=["portal.files", "portal.buckets", "portal.exposure"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    STATIC_URL="/static/",
    STORAGES={
        "default": {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {**connection, "location": "uploads"},
        },
        "contracts": {
            "BACKEND": policies + "ProtectedMediaStorage",
            "OPTIONS": {**connection, "location": "contracts"},
        },
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    },
)
django.setup()
from django.core.management import call_command

out = {}
for command in (
    ["check"], ["check", "--deploy"], ["sweep_media"], ["check_storage", "--show", "--json"],
    ["setup_bucket", "--dry-run"], ["setup_bucket", "--print-iam", "app"],
):
    printed = io.StringIO()
    call_command(*command, stdout=printed, stderr=io.StringIO())
    out[" ".join(command)] = printed.getvalue()
rooms = {name.split(".")[1] for name in sys.modules if name.startswith("portal.")}
ours = [name for name in sys.modules if name.startswith("profiles")]
print(json.dumps({"out": out, "rooms": sorted(rooms), "profiles": ours}))
"""


@pytest.fixture(scope="module")
def stock():
    done = subprocess.run(
        [sys.executable, "-c", STOCK_PROJECT],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_its_commands_run_without_one_setting_of_this_site(stock):
    out = stock["out"]

    assert "no issues" in out["check"]
    assert json.loads(out["check_storage --show --json"])["contracts"]["links"] == (
        f"signed, valid for {conf.DEFAULTS['PROTECTED_URL_SECONDS']} s"
    )
    statements = json.loads(out["setup_bucket --dry-run"])["stock"]["Policy"]["Statement"]
    sids = [each["Sid"] for each in statements]
    assert sids == ["PortalLinkAgeUploads", "PortalLinkAgeContracts", "PortalTlsOnly"]
    assert "stock/contracts/*" in out["setup_bucket --print-iam app"]


def test_it_needs_no_other_room(stock):
    """The arrows: buckets and exposure use files, all three use s3."""
    assert stock["rooms"] == ["buckets", "exposure", "files", "s3"]
    assert stock["profiles"] == []


def test_a_setting_that_has_no_default_is_a_mistake():
    with pytest.raises(AttributeError, match="no setting NO_SUCH_THING"):
        _ = conf.NO_SUCH_THING
