"""The errors that are sent to Sentry, and what is left out of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import settings_for
from tests.settings import without_site_variables
from tests.site.test_settings import refusal

ROOT = Path(__file__).parents[2]
DSN = "https://abcdef0123456789@o1.ingest.sentry.example/42"
SECRETS = ["5ecre7", "ada@example.org"]

# A site with a view that fails, asked by somebody who says a lot, and a Sentry on this machine.
SCRIPT = """
import portal.wsgi
import logging
import sentry_sdk
import portal.urls
from django.urls import path
from werkzeug.test import Client

SECRET = bytes.fromhex("356563726537").decode()  # not as it is: Sentry is told lines of source
LINK = f"https://files.example/protected/x.pdf?X-Amz-Expires=600&X-Amz-Signature={SECRET}"

class Transport(sentry_sdk.transport.Transport):
    def capture_envelope(self, envelope):
        print(envelope.serialize().decode())

sentry_sdk.get_client().transport = Transport()

def fail(request, token):
    link, people = LINK, ["ada@example.org"]
    logging.getLogger("site").warning("Looked at %s for %s", link, people, extra={"link": link})
    raise ValueError(f"Nothing at {link} for {people}, Cookie: __Host-sessionid={SECRET}")

portal.urls.urlpatterns.append(path("protected/x/<str:token>/", fail))
client = Client(portal.wsgi.application)
client.set_cookie("sessionid", SECRET)
client.set_cookie("csrftoken", SECRET * 5 + "ab")
answer = client.post(
    f"/protected/x/{SECRET}/?email=ada@example.org&next=/protected/{SECRET}",
    data={"password": SECRET, "csrfmiddlewaretoken": SECRET * 5 + "ab"},
    headers={"Authorization": f"Bearer {SECRET}", "Referer": LINK, "X-Request-ID": "a" * 32},
)
assert answer.status_code == 500
logging.getLogger("site").error("For %s: %s", "ada@example.org", LINK, extra={"links": [LINK]})
assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
sentry_sdk.flush()
"""


def run(script, **environment):
    others = without_site_variables()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env=others
        | {"DJANGO_SETTINGS_MODULE": "portal.settings", "LOG_FORMAT": "json"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith('{"time"')]


@pytest.mark.whole
@pytest.mark.parametrize(
    ("environment", "imported"), [({}, "False"), ({"SENTRY_DSN": DSN}, "True")]
)
def test_nothing_of_sentry_is_imported_without_its_address(environment, imported):
    script = "import sys, portal.wsgi; print('sentry_sdk' in sys.modules)"

    assert run(script, **environment) == [imported]


@pytest.mark.whole
def test_an_error_is_told_without_its_secrets():
    """S9: nothing that opens a file or names a person is sent to Sentry."""
    told = run(SCRIPT, SENTRY_DSN=DSN, HEROKU_BUILD_COMMIT="portal@1.0.0")

    text = "\n".join(told)
    assert text.count('"event_id"') >= 2
    for expected in (
        "ValueError",
        "Nothing at https://files.example/protected/[redacted]",
        "Looked at https://files.example/protected/[redacted]",
        '"release":"portal@1.0.0"',  # which is no e-mail address
        '"environment":"development"',
        f'"request_id":"{"a" * 32}"',
    ):
        assert expected in text
    for secret in SECRETS:
        assert secret not in text
    assert "evil.example" not in text  # a request that was refused is not an error


@pytest.mark.parametrize(
    "dsn",
    [
        "o1.ingest.sentry.example/42",
        "https://o1.ingest.sentry.example/42",
        "https://abcdef0123456789@o1.ingest.sentry.example/",
        "https://abcdef0123456789@o1.ingest.sentry.example:port/42",
        "https://abcdef0123456789@[/42",
    ],
)
def test_an_address_that_is_none_is_refused_with_the_rest(dsn):
    """C1: at once with what else is wrong, and without its value."""
    message = refusal({"SENTRY_DSN": dsn, "LOG_FORMAT": "xml"})

    assert "SENTRY_DSN must be" in message
    assert "LOG_FORMAT must be logfmt, json or plain." in message
    assert "abcdef0123456789" not in message


def test_an_address_is_kept():
    assert settings_for({"SENTRY_DSN": DSN})["SENTRY_DSN"] == DSN


@pytest.mark.parametrize(
    ("environment", "release"),
    [
        ({}, None),
        ({"HEROKU_BUILD_COMMIT": "0123abc"}, "0123abc"),
        ({"HEROKU_BUILD_COMMIT": "0123abc", "SENTRY_RELEASE": "portal@1.0.0"}, "portal@1.0.0"),
    ],
)
def test_a_version_has_the_name_it_was_given(environment, release):
    assert settings_for(environment)["SENTRY_RELEASE"] == release
