"""The links to resumes: what they are signed for, and for how long they open anything."""

import base64
import hmac
import time
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
import requests
from django.core.files.storage.handler import StorageHandler
from django.urls import reverse

from tests.conftest import BUCKET, S3_KEYS, s3_client, settings_for
from tests.support import samples
from tests.support.deployed import ENVIRONMENT as DEPLOYED
from tests.support.links import link_for, resume_address

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

ROOT = Path(__file__).parents[2]
PROTECTED_URL_SECONDS = 600


@pytest.mark.parametrize(("age", "status"), [(595, 200), (601, 403)])
def test_a_link_outlives_a_log_out_by_no_more_than_its_time(
    files, client, member, owner, age, status
):
    """S8: docs/storage.md says so in words."""
    link = link_for(client, member, owner)
    client.post(reverse("account_logout"))
    assert client.get(resume_address(owner.profile)).status_code == 403

    files.move_clock(age)

    assert files.get(link)[0] == status
    words = " ".join((ROOT / "docs" / "storage.md").read_text().split())
    assert "a link that was opened before a log-out still opens the file" in words


def test_the_link_on_s3_is_a_sigv4_link_of_600_seconds(on_s3, client, member, owner):
    """S1."""
    parts = urlsplit(link_for(client, member, owner))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}

    assert f"{parts.scheme}://{parts.netloc}" == on_s3.endpoint_url
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Expires"] == str(PROTECTED_URL_SECONDS)
    assert "/eu-west-1/s3/" in query["X-Amz-Credential"]


def test_a_link_on_aws_is_https_to_the_buckets_own_host():
    """S1: on loopback, as in the other tests, neither can be seen."""
    protected = StorageHandler(settings_for(DEPLOYED)["STORAGES"])["protected"]

    link = urlsplit(protected.url("resumes/x.pdf", filename="cv.pdf"))

    assert (link.scheme, link.netloc) == ("https", "portal-files.s3.eu-west-1.amazonaws.com")
    assert link.path == "/protected/resumes/x.pdf"
    assert parse_qs(link.query)["X-Amz-Expires"] == [str(PROTECTED_URL_SECONDS)]


def test_a_link_of_the_old_kind_opens_nothing(on_s3, client, member, owner):
    """S3: Signature Version 2 over the key and path of the site's link, which is the control."""
    link = link_for(client, member, owner)
    expires, path = str(int(time.time()) + 600), urlsplit(link).path
    to_sign = f"GET\n\n\n{expires}\n{path}".encode()
    [(key, secret)] = S3_KEYS.items()
    digest = hmac.digest(secret.encode(), to_sign, "sha1")
    query = {
        "AWSAccessKeyId": key,
        "Expires": expires,
        "Signature": base64.b64encode(digest).decode(),
    }
    old = urlsplit(link)._replace(query=urlencode(query, quote_via=quote)).geturl()

    assert requests.get(link, timeout=5).status_code == 200
    assert requests.get(old, timeout=5).status_code in {400, 403}


def test_an_object_is_stored_with_what_it_is_served_with(on_s3, owner):
    """S5: so that even a link without overrides would save a resume, and keep it out of caches."""
    stored = {
        name: s3_client(on_s3).head_object(Bucket=BUCKET, Key=f"{prefix}/{file.name}")
        for name, prefix, file in (
            ("resume", "protected", owner.profile.resume),
            ("avatar", "media", owner.profile.avatar),
        )
    }

    resume, avatar = stored["resume"], stored["avatar"]
    assert (resume["ContentType"], avatar["ContentType"]) == ("application/pdf", "image/webp")
    assert (resume["ContentDisposition"], resume["CacheControl"]) == (
        "attachment",
        "private, no-store",
    )
    assert avatar["CacheControl"] == "public, max-age=86400"
    assert "ContentDisposition" not in avatar


def test_the_site_sends_s3_no_acl(on_s3, owner):
    """S4: new buckets refuse them."""
    assert [request.method for request in on_s3.requests].count("PUT") == 4
    assert not [
        name for request in on_s3.requests for name in request.headers if "acl" in name.lower()
    ]


def altered(link, **changes):
    """The same link with these parameters of its query changed, taken away (None) or added."""
    parts = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    kept = {name: value for name, value in query.items() if value is not None}
    return parts._replace(query=urlencode(kept, quote_via=quote)).geturl()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({}, 200, id="unaltered"),
        pytest.param({"X-Amz-Signature": "0" * 64}, 403, id="signature"),
        pytest.param({"X-Amz-Expires": "604800"}, 403, id="expiry"),
        pytest.param({"X-Amz-Date": "20260101T000000Z"}, 400, id="date"),
        pytest.param({"response-content-type": "text/html"}, 403, id="type"),
        pytest.param({"response-content-disposition": "inline"}, 403, id="disposition"),
        pytest.param({"versionId": "1"}, 403, id="extra parameter"),
        pytest.param({"X-Amz-Signature": None}, 400, id="no signature"),
    ],
)
def test_every_part_of_a_link_is_signed(on_s3, client, member, owner, changes, status):
    """S3."""
    link = altered(link_for(client, member, owner), **changes)

    assert requests.get(link, timeout=5).status_code == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_link_only_reads(on_s3, client, member, owner, method):
    """S3."""
    link = link_for(client, member, owner)

    assert requests.request(method, link, data=b"x", timeout=5).status_code in {400, 403}
    assert requests.get(link, timeout=5).content == samples.pdf()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "{resume}"),
        ("HEAD", "{resume}"),
        ("PUT", "{resume}"),
        ("DELETE", "{resume}"),
        ("PUT", "media/avatars/mine.webp"),
        ("GET", ""),
        ("GET", "?list-type=2&prefix=protected/"),
        ("GET", "?policy"),
    ],
)
def test_an_anonymous_client_gets_nowhere_in_the_bucket(on_s3, owner, method, path):
    """S4; the avatar is the control."""
    bucket = f"{on_s3.endpoint_url}/{BUCKET}"
    path = path.format(resume=f"protected/{owner.profile.resume.name}")

    assert requests.request(method, f"{bucket}/{path}", timeout=5).status_code == 403
    assert requests.get(f"{bucket}/media/{owner.profile.avatar.name}", timeout=5).ok
