"""Health, failures of the database, logs, refusals."""

import errno
import logging
import re
from unittest import mock

import pytest
from django.core.checks import WARNING
from django.core.checks.registry import registry
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.core.files.base import ContentFile
from django.db import DataError, InterfaceError, InternalError, OperationalError, connection
from django.templatetags.static import static

from portal import checks, shapes, views
from portal.files import checks as files
from portal.observability.logs import RedactLinks

pytestmark = pytest.mark.django_db


def test_it_is_alive_without_a_database(client):
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        response = client.get("/healthz")

    assert (response.content, response["Content-Type"]) == (b"ok\n", "text/plain")
    assert response["Cache-Control"] == "no-store"
    assert client.post("/healthz").status_code == 405


def test_the_old_name_of_the_icon_leads_to_it_without_a_database(client):
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        response = client.get("/favicon.ico")

    assert response["Location"] == static("favicon.svg")
    assert response["Cache-Control"] == "public, max-age=86400"


@pytest.mark.parametrize("address", ["/me/not-now/avatar/", "/me/data/leave/"])
def test_the_target_of_a_form_is_a_page_where_it_is_opened(client, address):
    page = client.get(address)

    assert (page.status_code, page["Allow"]) == (405, "POST")
    assert "There is nothing to open here" in page.text
    assert client.head(address).content == client.delete(address).content == b""


def test_it_is_ready_when_the_database_is(client):
    response = client.get("/readyz")

    assert (response.status_code, response.content) == (200, b"ready\n")
    assert response["Content-Type"] == "text/plain"
    assert "no-store" in response["Cache-Control"]
    assert client.post("/readyz").status_code == 405


def test_it_is_not_ready_without_its_database(client):
    with mock.patch("portal.views.MigrationExecutor", side_effect=OperationalError):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert response.content == b"The database does not answer.\n"


def test_it_is_not_ready_before_it_is_migrated(client):
    with mock.patch(
        "portal.views.MigrationExecutor.migration_plan", return_value=[("profiles", "0002")]
    ):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert response.content == b"1 migrations are not applied.\n"


TOO_LARGE = "What you sent is much too large"
NO_HOST = "This site is not known by the address"
NOT_READ = "This site could not read what your browser sent"
OWN_STYLE = re.compile(
    r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; base-uri 'none';"
    r" form-action 'none'; frame-ancestors 'none'"
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RequestDataTooBig(), TOO_LARGE),
        (TooManyFieldsSent(), TOO_LARGE),
        (TooManyFilesSent(), TOO_LARGE),
        (DisallowedHost(), NO_HOST),
        (SuspiciousOperation(), NOT_READ),
        (None, NOT_READ),
    ],
)
def test_a_request_that_cannot_be_read_is_explained(rf, error, words):
    page = views.bad_request(rf.get("/"), error)

    found = [each for each in (TOO_LARGE, NO_HOST, NOT_READ) if each in page.content.decode()]
    assert (page.status_code, found) == (400, [words])
    assert OWN_STYLE.fullmatch(page["Content-Security-Policy"])
    assert ('href="/"' in page.content.decode()) is (words != NO_HOST)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space"), OSError(errno.ENOSPC, None),
                                   ValueError("A mistake.")])  # fmt: skip
def test_a_full_disk_has_a_line_of_its_own_in_the_log(rf, caplog, error):
    try:
        raise error
    except (OSError, ValueError):
        page = views.server_error(rf.get("/"))

    assert OWN_STYLE.fullmatch(page["Content-Security-Policy"])
    lines = [(record.levelname, record.getMessage()) for record in caplog.records]
    if isinstance(error, ValueError):
        assert (page.status_code, lines) == (500, [])
    else:
        assert page.status_code == 503
        assert lines == [("CRITICAL", error.strerror or str(error))]


def fail(error):
    def query(*args):
        raise error

    return connection.execute_wrapper(query)


def refused_write(sqlstate):
    """Return the error that Django raises for a write that PostgreSQL refuses with this code."""
    error, cause = InternalError("cannot execute INSERT"), Exception()
    cause.sqlstate = sqlstate
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (refused_write("25006"), 503, "The database cannot do this just now"),
        (refused_write("25001"), 500, "Something went wrong"),
        (OperationalError("gone"), 503, "The database cannot do this just now"),
        (InterfaceError("closed"), 503, "The database cannot do this just now"),
        (DataError("a mistake of ours"), 500, "Something went wrong"),
    ],
)
def test_an_outage_of_the_database_is_not_called_a_mistake(client, error, status, words):
    """D2, D3, D4, D5: tests/site/test_database_faults.py has a real database fail.

    25006 is PostgreSQL's code for a write where it only reads, as a standby does.
    """
    client.raise_request_exception = False

    with fail(error):
        response = client.get("/members/")

    assert response.status_code == status
    assert words in response.content.decode()


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ('"GET /protected/WyJyZXN1bWVz:1vabc:sig-na_ture HTTP/1.1" 200', "sig-na_ture"),
        ("https://x.example/y.pdf?X-Amz-Expires=600&X-Amz-Signature=0123abcd", "0123abcd"),
        ("GET /accounts/password/reset/key/1-abc-def/ HTTP/1.1", "abc-def"),
        ("GET /accounts/invitation/1/1vabc:sig-na_ture/ HTTP/1.1", "sig-na_ture"),
        ("GET /?next=%2Faccounts%2Finvitation%2F1%2Fsig-na_ture%2F HTTP/1.1", "sig-na_ture"),
    ],
)
def test_no_link_gets_into_the_log(message, secret):
    """S9: of a link's address the log keeps what does not open anything."""
    record = logging.LogRecord("django.server", logging.INFO, "", 1, "%s", (message,), None)

    assert RedactLinks().filter(record)

    assert "[redacted]" in record.getMessage()
    assert secret not in record.getMessage()


def test_every_line_of_the_log_is_redacted(settings):
    """S9."""
    logs = settings.LOGGING

    assert logs["filters"] == {"redact_links": {"()": "portal.observability.logs.RedactLinks"}}
    assert all(handler["filters"] == ["redact_links"] for handler in logs["handlers"].values())


def test_a_body_that_no_form_can_want_is_refused(client, member, settings):
    """I8: before any of it is stored."""
    client.force_login(member)
    settings.UPLOAD_MAX_BODY_BYTES = 1000
    data = {"name": "Ada", "resume": ContentFile(b"x" * 2000, name="x.pdf")}

    response = client.post("/me/edit/", data)

    assert response.status_code == 400
    assert "much too large" in response.content.decode()


def warned(check) -> list:
    return [(found.id, found.msg, found.hint, found.level) for found in check(None)]


@pytest.mark.parametrize(
    ("hosts", "is_warned"),
    [
        (["portal.example.org"], False),
        (["portal.herokuapp.com"], False),
        ([".herokuapp.com"], True),
        (["herokuapp.com"], True),
        (["portal.example.org", ".herokuapp.com"], True),
    ],
)
def test_a_deployer_is_asked_for_hosts(settings, hosts, is_warned):
    settings.ALLOWED_HOSTS = hosts

    assert warned(checks.hosts_are_named) == is_warned * [
        (
            "portal.W001",
            "ALLOWED_HOSTS is Heroku's default, any host below herokuapp.com.",
            "Set ALLOWED_HOSTS to the site's own hosts, separated by commas.",
            WARNING,
        )
    ]


@pytest.mark.parametrize(
    ("environment", "is_configured", "is_warned"),
    [
        ("development", False, False),
        ("staging", False, False),
        ("production", False, True),
        ("production", True, False),
    ],
)
def test_a_deployer_is_asked_for_mail(settings, environment, is_configured, is_warned):
    settings.SITE_ENVIRONMENT, settings.EMAIL_CONFIGURED = environment, is_configured

    assert warned(checks.mail_can_be_sent) == is_warned * [
        (
            "portal.W002",
            "E-mail is not configured: invitations and resets of passwords wait in the outbox.",
            "Set EMAIL_URL (smtp+tls://user:password@host:587) and DEFAULT_FROM_EMAIL.",
            WARNING,
        )
    ]


@pytest.mark.parametrize(
    ("environment", "is_configured", "ids"),
    [
        ("staging", True, ["portal.W012"]),
        ("staging", False, []),
        ("production", True, []),
        ("development", True, []),
    ],
)
def test_a_staging_site_that_can_send_mail_is_warned(settings, environment, is_configured, ids):
    """It would deliver what waits in a copy of the live database, before the scrub."""
    settings.SITE_ENVIRONMENT, settings.EMAIL_CONFIGURED = environment, is_configured

    assert [each[0] for each in warned(checks.staging_sends_no_mail)] == ids


@pytest.mark.parametrize(
    ("is_configured", "sender", "is_warned"),
    [
        (True, "webmaster@localhost", True),
        (False, "webmaster@localhost", False),
        (True, "portal@example.org", False),
    ],
)
def test_a_deployer_is_asked_for_a_sender(settings, is_configured, sender, is_warned):
    settings.EMAIL_CONFIGURED, settings.DEFAULT_FROM_EMAIL = is_configured, sender

    assert warned(checks.mail_has_a_sender) == is_warned * [
        (
            "portal.W006",
            "E-mails come from webmaster@localhost, which many servers refuse.",
            "Set DEFAULT_FROM_EMAIL to an address of the society's.",
            WARNING,
        )
    ]


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("smtp+tls://u:p@mail.example.org:587", []),
        ("smtp+ssl://u:p@mail.example.org", []),
        ("smtp+tls://u:p@mail.example.org:2525", []),
        ("smtp://relay.example.org", []),
        ("smtp://u:p@mail.example.org:587", ["portal.W010"]),
        ("smtp+tls://u:p@mail.example.org:465", ["portal.W011"]),
        ("smtp+ssl://u:p@mail.example.org:587", ["portal.W011"]),
        ("smtp://u:p@mail.example.org:465", ["portal.W010", "portal.W011"]),
    ],
)
def test_a_deployer_is_told_of_a_mail_server_without_its_tls(settings, url, ids):
    _, settings.OUTBOX_OPTIONS = shapes.mail_server(url, may_be_none=False)

    found = [*warned(checks.mail_passwords_travel_over_tls)]
    found += warned(checks.mail_ports_fit_their_schemes)

    assert [each[0] for each in found] == ids


def test_these_warnings_are_those_of_a_deployment_alone():
    """A laptop's `check` is silent, `check --deploy` is not."""
    of_site = {checks.hosts_are_named, checks.mail_can_be_sent, checks.mail_has_a_sender}
    of_site |= {checks.staging_sends_no_mail}
    of_site |= {checks.mail_passwords_travel_over_tls, checks.mail_ports_fit_their_schemes}
    of_site |= {files.cdns_serve_no_protected_files, files.files_travel_over_tls}
    of_site |= {files.assets_are_in_their_bucket, files.assets_are_collected}

    assert of_site <= registry.deployment_checks
    assert not of_site & registry.registered_checks
    assert {
        files.uploads_have_a_storage, files.protected_links_are_signed,
        files.policies_have_prefixes, files.public_and_protected_files_are_apart,
    } <= registry.registered_checks  # fmt: skip
