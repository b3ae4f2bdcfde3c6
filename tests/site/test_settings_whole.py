"""The settings as a whole: settings.txt is the committed list, and a change of it is meant.

settings.txt has each setting of a deployed site, and those that a dyno and a laptop have instead.
A setting that has changed fails the test, which prints the rows.
"""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED

LIST = Path(__file__).with_name("settings.txt")
ROOT = str(Path(__file__).parents[2])
OF_DJANGO = {"MAILERS", "EMAIL_BACKEND"}  # one of them, by Django's version
DYNO = {name: value for name, value in DEPLOYED.items() if name != "ALLOWED_HOSTS"}
SITES = {"deployed": DEPLOYED, "dyno": DYNO | {"DYNO": "web.1"}, "laptop": {}}


def rows(values: dict) -> list[str]:
    """A row for each setting, and for each entry of one that holds many."""
    found = []
    for name, value in sorted(values.items()):
        if isinstance(value, dict) and value:
            found += [f"{name}.{row}" for row in rows({str(key): value[key] for key in value})]
        elif isinstance(value, list) and len(repr(value)) > 80:
            found += [f"{name}[{number}] {entry!r}" for number, entry in enumerate(value)]
        else:
            found.append(f"{name} {value!r}")
    return [row.replace(ROOT, "") for row in found]


def test_every_setting_is_as_the_list_says():
    """C1, C8."""
    actual = []
    for site, environment in SITES.items():
        values = settings_for(environment)
        found = rows({name: values[name] for name in values.keys() - OF_DJANGO})
        usual = {row.removeprefix("deployed ") for row in actual if row.startswith("deployed ")}
        actual += [f"{site} {row}" for row in found if row not in usual]
    expected = [row for row in LIST.read_text().splitlines() if row]

    assert [row for row in actual if row not in expected] == [], "not in tests/site/settings.txt"
    assert actual == expected, "in tests/site/settings.txt, but not so"


def test_a_switch_is_on_or_off_in_the_usual_words():
    """C3."""
    for word in ("on", "true", "t", "yes", "y", "1", "ON", "True"):
        assert settings_for({"DEBUG": word})["DEBUG"] is True, word
    for word in ("off", "false", "f", "no", "n", "0", "OFF", "False"):
        assert settings_for({"DEBUG": word})["DEBUG"] is False, word


LIMITS = {
    "INVITATION_DAYS": (1, 365),
    "LEAVING_DAYS": (1, 365),
    "OPENINGS_KEPT_DAYS": (1, 3650),
    "TRUSTED_PROXY_COUNT": (0, 10),
    "PROTECTED_URL_SECONDS": (1, 604_800),  # S3's own limit: a week
    "MEDIA_CACHE_SECONDS": (0, 31_536_000),
    "AVATAR_MAX_BYTES": (1, 1_000_000_000),
    "RESUME_MAX_BYTES": (1, 1_000_000_000),
    "SECURE_HSTS_SECONDS": (0, 315_360_000),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_number_is_taken_from_the_least_to_the_most(name):
    """C8."""
    least, most = LIMITS[name]
    setting = {"TRUSTED_PROXY_COUNT": "ALLAUTH_TRUSTED_PROXY_COUNT"}.get(name, name)

    for number in (least, most):
        assert settings_for(DEPLOYED | {name: str(number)})[setting] == number
    for number in (least - 1, most + 1):
        with pytest.raises(ImproperlyConfigured) as caught:
            settings_for(DEPLOYED | {name: str(number)})
        assert f"{name} must be a whole number from {least} to {most}." in str(caught.value)


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL"])
def test_what_a_deployed_site_cannot_do_without_is_asked_for(name):
    """C8: in these words alone; a laptop has a value of its own."""
    others = {other: value for other, value in DEPLOYED.items() if other != name}

    with pytest.raises(ImproperlyConfigured) as caught:
        settings_for(others)

    assert str(caught.value).splitlines()[1:] == [f"  - {name} must be set."]
    assert settings_for({})["SECRET_KEY"] == "insecure-and-public-for-development-only"


WITHOUT_S3 = {name: value for name, value in DEPLOYED.items() if not name.startswith("AWS_")}


def test_values_are_repaired_and_variables_of_add_ons_understood():
    """C7 to C9: each with the value that the site uses."""
    for given, setting, expected in (
        ({"SITE_NAME": " \u200b 'Ours' & co \ufeff "}, "SITE_NAME", "'Ours' & co"),
        ({"SITE_NAME": "x" * 80}, "SITE_NAME", "x" * 80),
        ({"SITE_NAME": "'"}, "SITE_NAME", "'"),
        ({"SITE_NAME": "'Ours' & 'Yours"}, "SITE_NAME", "'Ours' & 'Yours"),
        ({"ALLOWED_HOSTS": ".Example.org., [::1],"}, "ALLOWED_HOSTS", [".example.org", "[::1]"]),
        ({"SECRET_KEY": "abcde" * 7}, "SECRET_KEY", "abcde" * 7),
        ({"SECRET_KEY": "abcde" + "a" * 27}, "SECRET_KEY", "abcde" + "a" * 27),
        ({"TIME_ZONE": "europe/LONDON"}, "TIME_ZONE", "Europe/London"),
        ({"LANGUAGE_CODE": "DE"}, "LANGUAGE_CODE", "de"),
        ({"LOG_FORMAT": "JSON"}, "LOG_FORMAT", "json"),
        ({"SENTRY_RELEASE": "v1", "HEROKU_BUILD_COMMIT": "c"}, "SENTRY_RELEASE", "v1"),
        ({"HEROKU_BUILD_COMMIT": "c" * 200}, "SENTRY_RELEASE", "c" * 200),
        ({"AVATAR_MAX_BYTES": "3", "RESUME_MAX_BYTES": "4"}, "UPLOAD_MAX_BODY_BYTES", 10),
        ({"EMAIL_URL": ""}, "OUTBOX_BACKEND", None),
        ({"EMAIL_URL": ""}, "OUTBOX_AT_ONCE", False),
        ({"OUTBOX_IN_WEB": "off"}, "OUTBOX_IN_WEB", False),
        ({"SITE_ENVIRONMENT": "staging"}, "SESSION_COOKIE_NAME", "__Host-sessionid"),
        ({"FILES_FOLDER": "/pr-${PR}/", "PR": "7"}, "FILES_FOLDER", "/pr-7"),
        ({"AWS_S3_ENDPOINT_URL": "https://S3.example.org:9/x/"}, "AWS_S3_ENDPOINT_URL",
         "https://s3.example.org:9/x"),
    ):  # fmt: skip
        assert settings_for(DEPLOYED | given)[setting] == expected, given
    for apart in ({"PROTECTED_PREFIX": "media/x"}, {"MEDIA_PREFIX": "protected/x"}):
        other = {"PROTECTED_BUCKET_NAME": "another-bucket"}
        assert settings_for(DEPLOYED | apart | other)["AWS_AVAILABLE"], apart
    assert settings_for({"EMAIL_URL": "console:"})["OUTBOX_AT_ONCE"] is False
    assert settings_for({"ALLOWED_HOSTS": "."})["ALLOWED_HOSTS"] == ["."]
    assert settings_for({"ALLOWED_HOSTS": "a.example, b"})["ALLOWED_HOSTS"] == ["a.example", "b"]


def s3_variables(given: dict) -> dict:
    """Those that differ from the ones of a deployment."""
    usual = settings_for(DEPLOYED)["S3_VARIABLES"]
    found = settings_for(given)["S3_VARIABLES"]
    return {name: found[name] for name in found if found[name] != usual[name]}


def test_a_folder_divides_a_bucket_among_sites_and_the_live_one_has_none():
    """C6: a folder below each prefix; the reports of a copy lie below the protected one."""
    assert s3_variables(
        DEPLOYED | {"FILES_FOLDER": "$PR", "PR": "pr-7", "MEDIA_PREFIX": "/m/"}
    ) == {
        "FILES_FOLDER": "/pr-7",
        "MEDIA_PREFIX": "m/pr-7",
        "ASSETS_PREFIX": "assets/pr-7",
        "PROTECTED_PREFIX": "protected/pr-7",
        "BATCH_REPORT_PREFIX": "protected/pr-7/batch",
        "LIVE_MEDIA_PREFIX": "m",
    }


def test_an_add_on_lends_its_bucket_with_prefixes_that_it_opens():
    """C2: only what is below public/ can be opened in it."""
    bucketeer = {
        "BUCKETEER_BUCKET_NAME": "bucketeer-1234",
        "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
        "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
        "BUCKETEER_AWS_REGION": "us-east-1",
    }
    cloudcube = {
        "CLOUDCUBE_URL": "https://cloud-cube-us2.s3.amazonaws.com/cube1",
        "CLOUDCUBE_ACCESS_KEY_ID": "AKIACUBE",
        "CLOUDCUBE_SECRET_ACCESS_KEY": "cube-secret",
    }

    assert s3_variables(WITHOUT_S3 | bucketeer) == {
        "AWS_STORAGE_BUCKET_NAME": "bucketeer-1234",
        "AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_S3_REGION_NAME": "us-east-1",
        "MEDIA_PREFIX": "public/media",
        "ASSETS_PREFIX": "public/assets",
        "LIVE_MEDIA_PREFIX": "public/media",
    }
    assert s3_variables(WITHOUT_S3 | cloudcube) == {
        "AWS_STORAGE_BUCKET_NAME": "cloud-cube-us2",
        "AWS_ACCESS_KEY_ID": "AKIACUBE",
        "AWS_SECRET_ACCESS_KEY": "cube-secret",
        "AWS_S3_REGION_NAME": "us-east-1",
        "MEDIA_PREFIX": "cube1/public/media",
        "ASSETS_PREFIX": "cube1/public/assets",
        "PROTECTED_PREFIX": "cube1/protected",
        "BATCH_REPORT_PREFIX": "cube1/protected/batch",
        "LIVE_MEDIA_PREFIX": "cube1/public/media",
        "LIVE_PROTECTED_PREFIX": "cube1/protected",
    }
    of_its_own = settings_for(WITHOUT_S3 | bucketeer | {"AWS_S3_REGION_NAME": "eu-north-1"})
    assert of_its_own["S3_VARIABLES"]["AWS_S3_REGION_NAME"] == "eu-north-1"
    for own in ("AWS_STORAGE_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        with pytest.raises(ImproperlyConfigured, match="S3 is only partly configured"):
            settings_for(WITHOUT_S3 | bucketeer | {own: DEPLOYED[own]})
