"""Health, failures of the database, logs, refusals."""

import logging
from unittest import mock

import pytest
from django.core.files.base import ContentFile
from django.db import DataError, InterfaceError, InternalError, OperationalError, connection

from portal import checks
from portal.observability.logs import RedactLinks

pytestmark = pytest.mark.django_db


def test_it_is_alive_without_a_database(client):
    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        assert client.get("/healthz").content == b"ok\n"


def test_it_is_ready_when_the_database_is(client):
    assert client.get("/readyz").status_code == 200


def test_it_is_not_ready_without_its_database(client):
    with mock.patch("portal.views.MigrationExecutor", side_effect=OperationalError):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert b"does not answer" in response.content


def test_it_is_not_ready_before_it_is_migrated(client):
    with mock.patch(
        "portal.views.MigrationExecutor.migration_plan", return_value=[("profiles", "0002")]
    ):
        response = client.get("/readyz")

    assert response.status_code == 503
    assert b"1 migrations" in response.content


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


def test_a_deployer_is_asked_for_hosts_and_for_mail(settings):
    assert checks.hosts_are_named(None) == []
    assert checks.mail_can_be_sent(None) == []
    settings.ALLOWED_HOSTS = [".herokuapp.com"]
    settings.SITE_ENVIRONMENT = "production"
    settings.EMAIL_CONFIGURED = False

    assert [warning.id for warning in checks.hosts_are_named(None)] == ["portal.W001"]
    assert [warning.id for warning in checks.mail_can_be_sent(None)] == ["portal.W002"]


def test_a_deployer_is_asked_for_a_sender(settings):
    settings.EMAIL_CONFIGURED = True
    assert [warning.id for warning in checks.mail_has_a_sender(None)] == ["portal.W006"]

    settings.DEFAULT_FROM_EMAIL = "portal@example.org"

    assert checks.mail_has_a_sender(None) == []
