"""Health, local files, logs, refusals."""

import logging
from unittest import mock

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import DataError, InterfaceError, OperationalError, connection
from django.urls import reverse

from portal import checks
from portal.logs import RedactLinks
from portal.storages import protected_signer
from tests.conftest import settings_for
from tests.deployed import ENVIRONMENT as DEPLOYED

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


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OperationalError("gone"), 503, "The database cannot do this just now"),
        (InterfaceError("closed"), 503, "The database cannot do this just now"),
        (DataError("a mistake of ours"), 500, "Something went wrong"),
    ],
)
def test_an_outage_of_the_database_is_not_called_a_mistake(client, error, status, words):
    """D2, D3, D4: tests/test_database_faults.py has a real database fail."""
    client.raise_request_exception = False

    with fail(error):
        response = client.get("/members/")

    assert response.status_code == status
    assert words in response.content.decode()


@pytest.fixture
def stored(settings):
    """A protected file on local disk, and one beside the folder that must stay out of reach."""
    (settings.MEDIA_ROOT / "protected").mkdir(parents=True)
    (settings.MEDIA_ROOT / "outside.pdf").write_bytes(b"outside")
    return storages["protected"].save("resumes/x.pdf", ContentFile(b"%PDF-"))


def get(client, *signed, salt="portal.protected"):
    token = signing.TimestampSigner(salt=salt).sign_object(list(signed))
    response = client.get(reverse("protected-file", args=[token]))
    list(response)  # to its end, which closes the file
    return response.status_code


def test_a_token_opens_its_own_file_alone(client, stored):
    """S10: traversal, a folder, nothing, another signer's token."""
    assert get(client, stored, "x.pdf") == 200
    assert get(client, "../outside.pdf", "x.pdf") == 404
    assert get(client, "/etc/passwd", "x.pdf") == 404
    assert get(client, "resumes", "x.pdf") == 404
    assert get(client, "resumes/missing.pdf", "x.pdf") == 404
    assert get(client, stored, "x.pdf", salt="another") == 403


def test_a_link_in_the_folder_leads_nowhere(client, stored, settings):
    """S10."""
    (settings.MEDIA_ROOT / "protected/link.pdf").symlink_to(settings.MEDIA_ROOT / "outside.pdf")

    assert get(client, "link.pdf", "x.pdf") == 404


@pytest.mark.parametrize("path", ["../protected/resumes/x.pdf", "%2e%2e/protected/resumes/x.pdf"])
def test_the_public_address_reaches_no_protected_file(client, stored, path):
    """S10."""
    storages["default"].save("avatars/x.webp", ContentFile(b"x"))

    assert client.get(f"/media/{path}").status_code == 404
    assert client.get(f"/media/{stored}").status_code == 404
    control = client.get("/media/avatars/x.webp")
    list(control)
    assert control.status_code == 200


def test_a_link_survives_the_change_of_the_secret_key(client, stored, settings):
    """S12: as long as the former key is named."""
    address = storages["protected"].url(stored, filename="x.pdf")
    former, settings.SECRET_KEY = settings.SECRET_KEY, "a new key" * 5
    assert client.get(address).status_code == 403
    settings.SECRET_KEY_FALLBACKS = [former]

    response = client.get(address)
    list(response)

    assert response.status_code == 200


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

    assert logs["filters"] == {"redact_links": {"()": "portal.logs.RedactLinks"}}
    assert all(handler["filters"] == ["redact_links"] for handler in logs["handlers"].values())


def test_a_body_that_no_form_can_want_is_refused(client, member, settings):
    """I8: before any of it is stored."""
    client.force_login(member)
    settings.UPLOAD_MAX_BODY_BYTES = 1000
    data = {"name": "Ada", "resume": ContentFile(b"x" * 2000, name="x.pdf")}

    response = client.post("/me/edit/", data)

    assert response.status_code == 400
    assert "much too large" in response.content.decode()


def test_the_checks_pass_on_a_laptop():
    for check in (checks.files_have_a_home, checks.protected_links_are_signed):
        assert check(None) == []


def test_uploads_without_a_home_are_an_error(settings):
    settings.SITE_ENVIRONMENT = "production"

    [error] = checks.files_have_a_home(None)

    assert error.id == "portal.E001"
    assert "AWS_STORAGE_BUCKET_NAME" in error.hint


def test_a_custom_domain_on_protected_files_is_an_error(settings):
    values = settings_for(DEPLOYED)["STORAGES"]
    values["protected"]["OPTIONS"]["custom_domain"] = "cdn.example.org"
    settings.STORAGES = values

    [error] = checks.protected_links_are_signed(None)

    assert error.id == "portal.E002"
    assert "cdn.example.org" not in storages["protected"].url("x.pdf")


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


def test_protected_signers_share_a_salt():
    assert protected_signer().salt == "portal.protected"
