"""The local twins of S3's links: a token opens its own file alone."""

import logging
from types import SimpleNamespace

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.urls import reverse

from portal.files.storages import protected_signer

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


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


def test_a_bad_token_is_refused_with_the_page_of_all_refusals(client, stored, caplog):
    """S9, S10: and its signature is in no log, with the traceback either."""
    address = storages["protected"].url(stored, filename="x.pdf")
    altered = address[:-2] + ("aa" if address[-2:] != "aa" else "bb")

    response = client.get(altered)

    assert response.status_code == 403
    assert response.templates[0].name == "403.html"
    refusals = [record for record in caplog.records if record.name == "django.request"]
    assert refusals
    for record in refusals:
        if record.exc_info:
            assert altered.rpartition(":")[2] not in logging.Formatter().formatException(
                record.exc_info
            )


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
    ("filename", "disposition"),
    [
        ("Ada.pdf", 'attachment; filename="Ada.pdf"'),
        ("Résumé.pdf", "attachment; filename*=utf-8''R%C3%A9sum%C3%A9.pdf"),
        (None, "attachment"),
    ],
)
def test_a_protected_file_comes_as_s3_sends_it(client, stored, filename, disposition):
    """S11: saved and never shown, by no cache kept, and without scripts if it is shown."""
    response = client.get(storages["protected"].url(stored, filename))

    assert b"".join(response) == b"%PDF-"
    assert response["Content-Type"] == "application/pdf"
    assert response["Content-Disposition"] == disposition
    assert response["Cache-Control"] == "private, no-store"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_public_file_may_be_cached(client, stored, settings):
    settings.MEDIA_CACHE_SECONDS = 60
    storages["default"].save("avatars/x.webp", ContentFile(b"x"))

    response = client.get("/media/avatars/x.webp")

    assert b"".join(response) == b"x"
    assert (response["Content-Type"], response["Cache-Control"]) == (
        "image/webp", "public, max-age=60",
    )  # fmt: skip


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_files_are_only_read(client, stored, method):
    """Z1."""
    storages["default"].save("avatars/x.webp", ContentFile(b"x"))

    for address in ("/media/avatars/x.webp", storages["protected"].url(stored, "x.pdf")):
        assert getattr(client, method)(address).status_code == 405
        control = client.head(address)
        list(control)
        control.close()
        assert control.status_code == 200


@pytest.mark.parametrize(("seconds", "status"), [(59, 200), (60, 200), (61, 403)])
def test_a_token_opens_for_so_many_seconds(client, stored, settings, monkeypatch, seconds, status):
    """S2."""
    settings.PROTECTED_URL_SECONDS = 60
    clock = SimpleNamespace(time=lambda: 1_700_000_000)
    monkeypatch.setattr(signing, "time", clock)
    address = storages["protected"].url(stored, "x.pdf")
    clock.time = lambda: 1_700_000_000 + seconds

    response = client.get(address)
    list(response)

    assert response.status_code == status


def test_protected_signers_share_a_salt():
    assert protected_signer().salt == "portal.protected"
