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
