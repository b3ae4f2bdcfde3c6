"""Each variable with the usual mistakes in its value: catalogue C7 to C9."""

import os
import runpy
from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.conftest import settings_for
from tests.settings import SITE_VARIABLES
from tests.support.deployed import ENVIRONMENT as DEPLOYED

ROOT = Path(__file__).parents[2]
WITHOUT_S3 = {name: value for name, value in DEPLOYED.items() if not name.startswith("AWS_")}
BUCKETEER = WITHOUT_S3 | {
    "BUCKETEER_BUCKET_NAME": "bucketeer-1234",
    "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
    "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
    "BUCKETEER_AWS_REGION": "eu-west-1",
}
CLOUDCUBE = WITHOUT_S3 | {
    "CLOUDCUBE_URL": "https://cloud-cube-eu.s3.amazonaws.com/cube",
    "CLOUDCUBE_ACCESS_KEY_ID": "AKIACUBE",
    "CLOUDCUBE_SECRET_ACCESS_KEY": "secret",
}
LIVE = DEPLOYED | {
    "LIVE_STORAGE_BUCKET_NAME": "live-files",
    "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
    "LIVE_READ_ONLY_SECRET_KEY": "secret",
    "LIVE_S3_REGION_NAME": "eu-west-1",
}
ASSETS = DEPLOYED | {"ASSETS_ACCESS_KEY_ID": "AKIA", "ASSETS_SECRET_ACCESS_KEY": "secret"}
KEY = "canary-Vq9-4fJmB7wKd3RzYtLh8sNc5gPe6uQa1"
GUNICORN = {"PORT", "WEB_CONCURRENCY"}  # read by gunicorn.conf.py

# The slips whose outcome is the same for every variable ...
REPAIRED = {"blank before": " {}", "blanks behind": "{}\t ", "line break behind": "{}\r\n"}
REFUSED = {"quotes": '"{}"', "single quotes": "'{}'", "line break inside": "{}\nmore"}
# ... and those whose outcome is in a row's code, a letter for each: (R)efused, by name; the (S)ame
# as without the slip, (K)ept as it stands, or the same as if the variable were (A)bsent.
OTHERS = ("https://{}", "{}/", "{}:8000", "other case", "nonsense", "-5", "")
ROWS = {
    # variable: (a good value, the code, the environment around it)
    "SITE_ENVIRONMENT": ("staging", "RRRSRRA", LIVE),
    "SITE_NAME": ("Canary Society", "KKKKKKA", DEPLOYED),
    "SECRET_KEY": (KEY, "KKKKRRR", DEPLOYED),
    "SECRET_KEY_FALLBACKS": (KEY, "KKKKRRA", DEPLOYED),
    "DEBUG": ("off", "RRRSRRA", DEPLOYED),
    "ALLOWED_HOSTS": ("canary.example.net", "RRRSKRR", DEPLOYED),
    "INVITATION_DAYS": ("30", "RRRSRRA", DEPLOYED),
    "LEAVING_DAYS": ("30", "RRRSRRA", DEPLOYED),
    "OPENINGS_KEPT_DAYS": ("30", "RRRSRRA", DEPLOYED),
    "DATABASE_URL": ("postgres://canary:canary@db.example.net/canary", "RRKKRRR", DEPLOYED),
    "TRUSTED_PROXY_COUNT": ("2", "RRRSRRA", DEPLOYED),
    "LOG_FORMAT": ("json", "RRRSRRA", DEPLOYED),
    "SENTRY_DSN": ("https://canary@o1.ingest.example.net/2", "RRRKRRA", DEPLOYED),
    "SENTRY_RELEASE": ("canary-1", "RRKKKKA", DEPLOYED),
    "TIME_ZONE": ("Europe/London", "RRRSRRA", DEPLOYED),
    "LANGUAGE_CODE": ("de", "RRRSRRA", DEPLOYED),
    "EMAIL_URL": ("smtp+tls://canary:canary@mail.example.net", "RSKKRRA", DEPLOYED),
    "OUTBOX_IN_WEB": ("no", "RRRSRRA", DEPLOYED),
    "DEFAULT_FROM_EMAIL": ("Canary <canary@example.net>", "RRRKRRA", DEPLOYED),
    "AWS_STORAGE_BUCKET_NAME": ("canary-files", "RRRRKRR", DEPLOYED),
    "AWS_ACCESS_KEY_ID": ("AKIACANARY", "RRKKKKR", DEPLOYED),
    "AWS_SECRET_ACCESS_KEY": ("canary/secret", "KKKKKKR", DEPLOYED),
    "AWS_S3_REGION_NAME": ("eu-west-2", "RRRSRRR", DEPLOYED),
    "AWS_S3_ENDPOINT_URL": ("https://s3.canary.example.net", "RSKSRRA", DEPLOYED),
    "AWS_S3_ADDRESSING_STYLE": ("path", "RRRSRRA", DEPLOYED),
    "AWS_S3_CUSTOM_DOMAIN": ("cdn.canary.example.net", "RRKSKRA", DEPLOYED),
    "MEDIA_PREFIX": ("canary/media", "RSRKKKA", DEPLOYED),
    "PROTECTED_PREFIX": ("canary/protected", "RSRKKKA", DEPLOYED),
    "ASSETS_PREFIX": ("canary/assets", "RSRKKKA", DEPLOYED),
    "FILES_FOLDER": ("canary", "RSRKKKA", DEPLOYED),
    "PROTECTED_BUCKET_NAME": ("canary-files", "RRRRKRA", DEPLOYED),
    "ASSETS_BUCKET_NAME": ("canary-files", "RRRRKRA", DEPLOYED),
    "ASSETS_ACCESS_KEY_ID": ("AKIACANARY", "RRKKKKR", ASSETS),
    "ASSETS_SECRET_ACCESS_KEY": ("canary/secret", "KKKKKKR", ASSETS),
    "ASSETS_SERVED_BY": ("site", "RRRSRRA", DEPLOYED),
    "ASSETS_CUSTOM_DOMAIN": ("cdn.canary.example.net", "RRKSKRA", DEPLOYED),
    "BUCKETEER_BUCKET_NAME": ("canary-files", "RRRRKRA", BUCKETEER),
    "BUCKETEER_AWS_ACCESS_KEY_ID": ("AKIACANARY", "RRKKKKR", BUCKETEER),
    "BUCKETEER_AWS_SECRET_ACCESS_KEY": ("canary/secret", "KKKKKKR", BUCKETEER),
    "BUCKETEER_AWS_REGION": ("eu-west-2", "RRRSRRR", BUCKETEER),
    "CLOUDCUBE_URL": ("https://cloud-cube-us.s3.amazonaws.com/canary", "RSRKRRA", CLOUDCUBE),
    "CLOUDCUBE_ACCESS_KEY_ID": ("AKIACANARY", "RRKKKKR", CLOUDCUBE),
    "CLOUDCUBE_SECRET_ACCESS_KEY": ("canary/secret", "KKKKKKR", CLOUDCUBE),
    "LIVE_STORAGE_BUCKET_NAME": ("canary-files", "RRRRKRR", LIVE),
    "LIVE_PROTECTED_BUCKET_NAME": ("canary-files", "RRRRKRA", LIVE),
    "LIVE_READ_ONLY_ACCESS_KEY_ID": ("AKIACANARY", "RRKKKKR", LIVE),
    "LIVE_READ_ONLY_SECRET_KEY": ("canary/secret", "KKKKKKR", LIVE),
    "LIVE_S3_REGION_NAME": ("eu-west-2", "RRRSRRR", LIVE),
    "LIVE_S3_ENDPOINT_URL": ("https://s3.canary.example.net", "RSKSRRA", LIVE),
    "LIVE_S3_ADDRESSING_STYLE": ("path", "RRRSRRA", LIVE),
    "LIVE_MEDIA_PREFIX": ("canary/media", "RSRKKKA", LIVE),
    "LIVE_PROTECTED_PREFIX": ("canary/protected", "RSRKKKA", LIVE),
    "BATCH_ROLE_ARN": ("arn:aws:iam::123456789012:role/canary", "RKRRRRA", DEPLOYED),
    "BATCH_REPORT_PREFIX": ("canary/batch", "RSRKKKA", DEPLOYED),
    "PROTECTED_URL_SECONDS": ("60", "RRRSRRA", DEPLOYED),
    "MEDIA_CACHE_SECONDS": ("60", "RRRSRRA", DEPLOYED),
    "AVATAR_MAX_BYTES": ("60000", "RRRSRRA", DEPLOYED),
    "RESUME_MAX_BYTES": ("60000", "RRRSRRA", DEPLOYED),
    "MEDIA_ROOT": ("/srv/canary", "RSKKKKA", DEPLOYED),
    "STATIC_ROOT": ("/srv/canary", "RSKKKKA", DEPLOYED),
    "SECURE_HSTS_SECONDS": ("60", "RRRSRRA", DEPLOYED),
    "SECURE_HSTS_INCLUDE_SUBDOMAINS": ("on", "RRRSRRA", DEPLOYED),
    "SECURE_HSTS_PRELOAD": ("on", "RRRSRRA", DEPLOYED),
    "DYNO": ("web.1", "SSSSSSA", DEPLOYED),  # only its being there counts
    "HEROKU_BUILD_COMMIT": ("canary1", "RRKKKKA", DEPLOYED),
    "PORT": ("8001", "RRRSRRA", {}),
    "WEB_CONCURRENCY": ("3", "RRRSRRA", {}),
}  # fmt: skip

each_variable = pytest.mark.parametrize("name", ROWS)


def outcome(name: str, environment: dict) -> dict | str:
    """The settings with an environment, or the refusal in words."""
    environment = {other: value for other, value in environment.items() if value is not None}
    if name not in GUNICORN:
        try:
            return settings_for(environment)
        except ImproperlyConfigured as error:
            return str(error)
    with mock.patch.dict(os.environ, environment, clear=True):
        try:
            found = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
        except SystemExit as error:
            return str(error)
    return {what: found[what] for what in ("bind", "workers")}


def assert_refused(name: str, environment: dict) -> None:
    """By its name, in one sentence, without its value."""
    message = outcome(name, environment)

    assert isinstance(message, str), f"{name} was accepted"
    assert name in message
    assert "canary" not in message.lower()
    assert message.count("\n") == (0 if name in GUNICORN else 1), message


def test_every_variable_has_a_row():
    assert set(ROWS) == set(SITE_VARIABLES)
    assert {len(code) for _, code, _ in ROWS.values()} == {len(OTHERS)}


@each_variable
def test_blanks_around_a_value_are_removed(name):
    """C7, C8."""
    good, _, around = ROWS[name]
    without_slip = outcome(name, around | {name: good})

    assert isinstance(without_slip, dict), without_slip
    for slip, pattern in REPAIRED.items():
        assert outcome(name, around | {name: pattern.format(good)}) == without_slip, slip


@each_variable
@pytest.mark.parametrize("slip", REFUSED)
def test_quotes_and_line_breaks_are_refused(name, slip):
    """C7, C8: docker's --env-file hands on the quotes that a shell takes off."""
    good, _, around = ROWS[name]

    assert_refused(name, around | {name: REFUSED[slip].format(good)})


@each_variable
def test_every_other_slip_has_the_outcome_of_its_row(name):
    """C7, C8."""
    good, code, around = ROWS[name]
    same, absent = (outcome(name, around | {name: value}) for value in (good, None))

    for pattern, expected in zip(OTHERS, code, strict=True):
        text = good.swapcase() if pattern == "other case" else pattern.format(good)
        environment = around | {name: text}
        found = outcome(name, environment)
        if expected == "R":
            assert_refused(name, environment)
        elif expected == "S":
            assert found == same, text
        elif expected == "A":
            assert found == absent, text
        else:
            assert isinstance(found, dict), found
            assert found not in (same, absent), text
