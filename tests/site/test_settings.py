"""The environment: the values that are accepted, and those that are refused."""

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.conftest import settings_for
from tests.settings import SITE_VARIABLES, without_site_variables
from tests.support.deployed import ENVIRONMENT as DEPLOYED

ROOT = Path(__file__).parents[2]
S3_NAMES = [
    "AWS_STORAGE_BUCKET_NAME",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_S3_REGION_NAME",
]
S3 = {name: DEPLOYED[name] for name in S3_NAMES}
DEPLOYED_WITHOUT_S3 = {name: value for name, value in DEPLOYED.items() if name not in S3}


def refusal(environment) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_for(environment)
    return str(caught.value)


def manage(*arguments, environment):
    others = without_site_variables()
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=others | {"DJANGO_SETTINGS_MODULE": "portal.settings"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_needs_nothing_on_a_laptop():
    values = settings_for({})

    assert values["SITE_ENVIRONMENT"] == "development"
    assert values["DATABASES"]["default"]["ENGINE"] == "django.db.backends.sqlite3"
    assert values["AWS_AVAILABLE"] is False


def test_it_accepts_a_whole_deployment():
    values = settings_for(DEPLOYED)

    assert values["SITE_ENVIRONMENT"] == "production"
    assert values["DEBUG"] is False
    assert values["AWS_AVAILABLE"] is True
    assert values["DATABASES"]["default"]["OPTIONS"]["sslmode"] == "require"


def test_it_names_all_that_is_missing_at_once():
    """C1."""
    message = refusal({"SITE_ENVIRONMENT": "production", "AWS_ACCESS_KEY_ID": "AKIASECRET"})

    for name in ["SECRET_KEY", "DATABASE_URL", "ALLOWED_HOSTS", "AWS_STORAGE_BUCKET_NAME"]:
        assert name in message
    assert "AKIASECRET" not in message


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_s3_is_among_what_is_missing_at_once(environment):
    """C1: where S3 alone is missing, the site can be built, so that is the control."""
    sentence = (
        "  - S3 is not configured: also set AWS_STORAGE_BUCKET_NAME, AWS_ACCESS_KEY_ID,"
        " AWS_SECRET_ACCESS_KEY, AWS_S3_REGION_NAME."
    )
    site = DEPLOYED_WITHOUT_S3 | {"SITE_ENVIRONMENT": environment}

    assert refusal(site | {"DATABASE_URL": ""}).endswith(f"must be set.\n{sentence}")
    assert "S3" not in refusal(DEPLOYED | {"DATABASE_URL": ""})
    assert "S3" not in refusal({"INVITATION_DAYS": "none"}), "on a laptop files are on its disk"
    assert not settings_for(site)["AWS_AVAILABLE"]


def test_a_command_says_what_is_missing_and_fails():
    """C1: the operator reads the sentence, not a traceback."""
    done = manage("check", environment={"SITE_ENVIRONMENT": "production"})

    assert done.returncode != 0
    assert "DATABASE_URL" in done.stderr
    assert "SECRET_KEY" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
@pytest.mark.parametrize("count", range(5))
def test_s3_is_complete_or_refused(environment, count):
    """C2: every subset of the variables, in every environment."""
    base = {} if environment == "development" else DEPLOYED_WITHOUT_S3
    for names in itertools.combinations(S3_NAMES, count):
        given = {**base, "SITE_ENVIRONMENT": environment, **{name: S3[name] for name in names}}
        if 0 < count < 4:
            message = refusal(given)
            assert all(name in message for name in set(S3_NAMES) - set(names))
            assert not any(S3[name] in message for name in names if "REGION" not in name)
        else:
            assert settings_for(given)["AWS_AVAILABLE"] is (count == 4)


@pytest.mark.parametrize(
    "name",
    [
        "AWS_S3_ENDPOINT_URL",
        "PROTECTED_BUCKET_NAME",
        "ASSETS_BUCKET_NAME",
        "AWS_S3_CUSTOM_DOMAIN",
        "ASSETS_ACCESS_KEY_ID",
    ],
)
def test_an_s3_variable_without_the_bucket_is_refused(name):
    """C2."""
    value = "https://s3.example.org" if name.endswith("URL") else "example"

    assert "AWS_STORAGE_BUCKET_NAME" in refusal({name: value})


def test_half_a_key_pair_for_assets_is_refused():
    """C2."""
    assert "ASSETS_SECRET_ACCESS_KEY" in refusal(DEPLOYED | {"ASSETS_ACCESS_KEY_ID": "AKIA"})


@pytest.mark.whole
def test_uploads_never_land_on_a_deployed_disk():
    """C2: without S3 the storages refuse, the checks fail, and only collectstatic works."""
    values = settings_for(DEPLOYED_WITHOUT_S3)
    check = manage("check", environment=DEPLOYED_WITHOUT_S3)
    served = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"],
        cwd=ROOT,
        env=os.environ | DEPLOYED_WITHOUT_S3 | {"DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert values["STORAGES"]["protected"]["BACKEND"] == "portal.files.storages.UnconfiguredStorage"
    assert values["STORAGES"]["default"]["BACKEND"] == "portal.files.storages.UnconfiguredStorage"
    assert check.returncode != 0
    assert all(name in check.stderr for name in S3_NAMES)
    assert served.returncode != 0
    assert "AWS_STORAGE_BUCKET_NAME" in served.stderr


@pytest.mark.whole
def test_a_build_without_s3_collects_its_assets():
    done = manage("collectstatic", "--no-input", "--dry-run", environment=DEPLOYED_WITHOUT_S3)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("value", ["False", "false", "0", "off", "no"])
def test_debug_is_off_when_it_says_so(value):
    """C3."""
    assert settings_for({"DEBUG": value})["DEBUG"] is False
    assert settings_for(DEPLOYED | {"DEBUG": value})["DEBUG"] is False


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_debug_says_nothing(value):
    """C3: a copy of .env.example is a laptop, and off wherever others can see the pages."""
    assert settings_for({"DEBUG": value})["DEBUG"] is True
    assert settings_for(DEPLOYED | {"DEBUG": value})["DEBUG"] is False


def test_a_copy_of_the_example_changes_nothing():
    empty = dict.fromkeys(SITE_VARIABLES, "")

    assert settings_for(empty) == settings_for({})


@pytest.mark.parametrize("value", ["True", "1", "on"])
def test_debug_is_for_development_alone(value):
    """C3."""
    assert settings_for({"DEBUG": value})["DEBUG"] is True
    assert "DEBUG must be off" in refusal(DEPLOYED | {"DEBUG": value})


@pytest.mark.parametrize("value", ["maybe", "2", "Truee", "none"])
def test_junk_for_debug_is_refused(value):
    """C3."""
    assert "DEBUG" in refusal({"DEBUG": value})


@pytest.mark.parametrize(
    "url",
    [
        "garbage-s3cret",
        "postgres://",
        "postgres://user:s3cret@host",
        "postgres://user:s3cret@host:port/name",
        "mysql://user:s3cret@host/name",
        "sqlite:////tmp/s3cret.sqlite3",
        "://s3cret",
    ],
)
def test_a_bad_database_is_refused_and_not_shown(url):
    """C4."""
    message = refusal(DEPLOYED | {"DATABASE_URL": url})

    assert "DATABASE_URL" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("url", "sslmode"),
    [
        ("postgres://user:password@host/name", "require"),
        ("postgres://user:password@host/name?sslmode=verify-full", "verify-full"),
        ("postgres://user:password@host/name?sslmode=disable", "disable"),
        ("postgresql:///name?host=/var/run/postgresql", None),
    ],
)
def test_the_database_is_reached_over_tls_unless_its_address_says_otherwise(url, sslmode):
    database = settings_for(DEPLOYED | {"DATABASE_URL": url})["DATABASES"]["default"]

    assert database["OPTIONS"].get("sslmode") == sslmode
    assert database["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize("hosts", ["*", "portal.example.org,*", " * "])
def test_a_wildcard_host_is_refused(hosts):
    """C5."""
    assert "ALLOWED_HOSTS" in refusal(DEPLOYED | {"ALLOWED_HOSTS": hosts})


def test_hosts_are_required_when_deployed():
    """C5."""
    assert "ALLOWED_HOSTS" in refusal(DEPLOYED | {"ALLOWED_HOSTS": ""})


def test_a_dyno_is_production_under_herokus_own_host():
    given = {name: value for name, value in DEPLOYED.items() if name != "SITE_ENVIRONMENT"}

    values = settings_for(given | {"DYNO": "web.1", "ALLOWED_HOSTS": ""})

    assert values["SITE_ENVIRONMENT"] == "production"
    assert values["ALLOWED_HOSTS"] == [".herokuapp.com"]


@pytest.mark.django_db
def test_a_forged_host_is_turned_away(client, settings):
    """C5."""
    settings.ALLOWED_HOSTS = ["portal.example.org"]

    for address in ["/", "/healthz", "/accounts/login/"]:
        assert client.get(address, headers={"host": "portal.example.org"}).status_code == 200
        assert client.get(address, headers={"host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "prefixes",
    [
        {"PROTECTED_PREFIX": "media"},
        {"PROTECTED_PREFIX": "media/protected"},
        {"PROTECTED_PREFIX": "/assets/"},
        {"MEDIA_PREFIX": "protected/media"},
        {"MEDIA_PREFIX": "assets"},
        {"ASSETS_PREFIX": "protected/x", "MEDIA_PREFIX": "m"},
    ],
)
def test_prefixes_that_overlap_are_refused(prefixes):
    """C6: what lies below a public prefix is public."""
    assert "must not lie within" in refusal(DEPLOYED | prefixes)


@pytest.mark.parametrize(
    "fine",
    [
        {"PROTECTED_PREFIX": "media-protected"},
        {"PROTECTED_PREFIX": "media", "PROTECTED_BUCKET_NAME": "another-bucket"},
        {"MEDIA_PREFIX": "site/media", "ASSETS_PREFIX": "site/assets"},
    ],
)
def test_prefixes_that_do_not_overlap_are_accepted(fine):
    """C6's control."""
    assert settings_for(DEPLOYED | fine)["AWS_AVAILABLE"]


@pytest.mark.parametrize("prefix", ["/", "..", "media/../protected", "a b", "ä"])
def test_a_prefix_that_s3_would_read_differently_is_refused(prefix):
    assert "MEDIA_PREFIX" in refusal(DEPLOYED | {"MEDIA_PREFIX": prefix})


def test_bucketeers_names_are_understood():
    addon = {
        "BUCKETEER_BUCKET_NAME": "bucketeer-1234",
        "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
        "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
        "BUCKETEER_AWS_REGION": "us-east-1",
    }

    values = settings_for(DEPLOYED_WITHOUT_S3 | addon)

    assert values["S3_VARIABLES"]["AWS_STORAGE_BUCKET_NAME"] == "bucketeer-1234"
    assert values["S3_VARIABLES"]["MEDIA_PREFIX"] == "public/media"
    assert values["S3_VARIABLES"]["PROTECTED_PREFIX"] == "protected"


def test_cloudcubes_names_are_understood():
    addon = {
        "CLOUDCUBE_URL": "https://cloud-cube-eu.s3.amazonaws.com/abc123",
        "CLOUDCUBE_ACCESS_KEY_ID": "AKIACUBE",
        "CLOUDCUBE_SECRET_ACCESS_KEY": "secret",
    }

    values = settings_for(DEPLOYED_WITHOUT_S3 | addon)

    assert values["S3_VARIABLES"]["AWS_STORAGE_BUCKET_NAME"] == "cloud-cube-eu"
    assert values["S3_VARIABLES"]["AWS_S3_REGION_NAME"] == "eu-west-1"
    assert values["S3_VARIABLES"]["ASSETS_PREFIX"] == "abc123/public/assets"
    assert values["S3_VARIABLES"]["PROTECTED_PREFIX"] == "abc123/protected"


def test_plain_names_beat_an_add_on():
    values = settings_for(DEPLOYED | {"BUCKETEER_BUCKET_NAME": "bucketeer-1234"})

    assert values["S3_VARIABLES"]["AWS_STORAGE_BUCKET_NAME"] == "portal-files"
    assert values["S3_VARIABLES"]["MEDIA_PREFIX"] == "media"


def test_half_an_add_on_is_refused():
    message = refusal(DEPLOYED_WITHOUT_S3 | {"BUCKETEER_BUCKET_NAME": "bucketeer-1234"})

    assert "BUCKETEER_AWS_SECRET_ACCESS_KEY" in message


@pytest.mark.parametrize("seconds", ["0", "-1", "604801", "ten"])
def test_a_link_lives_between_a_second_and_a_week(seconds):
    """A week is the longest that SigV4 signs for."""
    assert "PROTECTED_URL_SECONDS" in refusal({"PROTECTED_URL_SECONDS": seconds})


def test_the_example_lists_every_variable_that_is_read():
    """A variable is read by the settings, or by gunicorn's configuration."""
    rooms = ("settings", "storage_settings", "bucket_rules")
    names = (*(f"portal/{name}.py" for name in rooms), "gunicorn.conf.py")
    read = set()
    for source in (ROOT / name for name in names):
        read |= set(re.findall(r"(?:env\.\w+|number)\(\s*[\"']([A-Z0-9_]+)", source.read_text()))

    assert read == set(SITE_VARIABLES)


def test_the_example_says_something_about_every_variable():
    lines = (ROOT / ".env.example").read_text().splitlines()

    for before, line in itertools.pairwise(lines):
        if re.match(r"[A-Z]", line):
            assert before.startswith("# "), f"{line} has no comment"
            assert line.endswith("="), f"{line} should hold no value"


def test_nothing_but_the_settings_reads_the_environment():
    readers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("portal", "profiles")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"os\.environ|getenv|expandvars", path.read_text())
    }

    passes_on = {"profiles/uploads/sandbox.py"}  # to a child, and reads nothing of it
    assert readers == {"portal/environment.py", "portal/wsgi.py"} | passes_on
