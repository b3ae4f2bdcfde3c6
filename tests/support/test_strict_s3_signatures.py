"""The S3 server of the other tests refuses what AWS refuses, and serves the same request unspoilt.

Every refusal has a control beside it that is accepted, so that a server that refuses everything
fails here as surely as one that refuses nothing. S2 to S5 are rows of the catalogue of what must
hold; these tests show that the server can test them, on a link of the kind that the portal makes.
"""

import socket

import pytest
from botocore.auth import S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.strict_s3_calls import (
    BUCKET,
    CONTENT,
    LINK_SECONDS,
    OWNER,
    REGION,
    RESUME,
    client_of,
    error_of,
    fetch,
    object_url,
    presign,
    refused,
    signed,
)

pytestmark = pytest.mark.whole


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(
            lambda link: link[:-1] + ("0" if link[-1] != "0" else "1"),
            (403, "SignatureDoesNotMatch"),
            id="signature",
        ),
        pytest.param(
            lambda link: link.replace("resume.pdf", "salary.pdf"),
            (403, "SignatureDoesNotMatch"),
            id="key",
        ),
        pytest.param(
            lambda link: link.replace("Expires=600", "Expires=6000"),
            (403, "SignatureDoesNotMatch"),
            id="expiry",
        ),
        pytest.param(
            lambda link: link + "&response-content-type=text%2Fhtml",
            (403, "SignatureDoesNotMatch"),
            id="extra parameter",
        ),
        pytest.param(
            lambda link: link + "&X-Amz-Expires=600",
            (403, "SignatureDoesNotMatch"),
            id="repeated parameter",
        ),
        pytest.param(
            lambda link: link.replace("owner", "nobody"),
            (403, "InvalidAccessKeyId"),
            id="access key",
        ),
        pytest.param(
            lambda link: link.replace(REGION, "eu-west-2"),
            (400, "AuthorizationQueryParametersError"),
            id="region",
        ),
        pytest.param(
            lambda link: link.partition("&X-Amz-Signature")[0],
            (400, "AuthorizationQueryParametersError"),
            id="no signature",
        ),
        pytest.param(
            lambda link: link.partition("?")[0], (403, "AccessDenied"), id="no query at all"
        ),
    ],
)
def test_refuses_a_link_that_was_changed(server, owner, link, spoil, error):
    """S3."""
    owner.put_object(Bucket=BUCKET, Key="protected/salary.pdf", Body=b"another's")

    assert fetch(server, link).content == CONTENT
    assert error_of(fetch(server, spoil(link))) == error


def test_refuses_a_link_signed_for_another_host(server, link):
    """S3."""
    assert fetch(server, link).status == 200
    assert error_of(fetch(server, link, host="127.0.0.1:1")) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("access_key", "secret", "config", "error"),
    [
        ("owner", "owner-secret", {}, (200, "")),
        ("owner", "wrong", {}, (403, "SignatureDoesNotMatch")),
        ("nobody", "owner-secret", {}, (403, "InvalidAccessKeyId")),
        ("owner", "owner-secret", {"signature_version": "s3"}, (400, "InvalidRequest")),
        (
            "owner",
            "owner-secret",
            {"region_name": "us-east-1"},
            (400, "AuthorizationQueryParametersError"),
        ),
    ],
    ids=["control", "wrong secret", "unknown key", "SigV2", "another region"],
)
def test_refuses_a_link_by_a_wrong_signer(server, access_key, secret, config, error):
    """S3."""
    link = presign(client_of(server, access_key, secret, **config))

    assert error_of(fetch(server, link)) == error


def test_refuses_a_put_with_a_link_to_get(server, owner, link):
    """S3."""
    assert fetch(server, presign(owner, "put_object"), "PUT", body=b"new").status == 200
    assert error_of(fetch(server, link, "PUT", body=b"evil")) == (403, "SignatureDoesNotMatch")
    assert fetch(server, link).content == b"new"


@pytest.mark.parametrize("method", ["DELETE", "POST", "HEAD"])
def test_refuses_any_other_method_with_a_link_to_get(server, link, method):
    """S3."""
    assert fetch(server, link, method).status == 403
    assert fetch(server, link).content == CONTENT


@pytest.mark.parametrize(("age", "status"), [(0, 200), (599, 200), (601, 403)])
def test_lets_a_link_live_for_its_600_seconds(server, link, age, status):
    """S2."""
    server.advance(age)

    assert fetch(server, link).status == status


def test_says_that_a_link_has_expired(server, link):
    """S2."""
    server.advance(LINK_SECONDS + 1)

    response = fetch(server, link)

    assert error_of(response) == (403, "AccessDenied")
    assert b"Request has expired" in response.content


def test_refuses_a_link_from_the_future(server, link):
    server.advance(-14 * 60)
    assert fetch(server, link).status == 200

    server.advance(-2 * 60)
    assert error_of(fetch(server, link)) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("seconds", "error"),
    [(604_800, (200, "")), (604_801, (400, "AuthorizationQueryParametersError"))],
)
def test_grants_a_link_at_most_a_week(server, owner, seconds, error):
    assert error_of(fetch(server, presign(owner, seconds=seconds))) == error


@pytest.mark.parametrize(
    ("spelling", "error"),
    [("hurrah%21.pdf", (200, "")), ("hurrah!.pdf", (403, "SignatureDoesNotMatch"))],
)
def test_refuses_a_link_that_signs_its_own_spelling_of_a_key(server, owner, spelling, error):
    """S3. AWS signs %21 for an exclamation mark, however the key is sent."""
    owner.put_object(Bucket=BUCKET, Key="hurrah!.pdf", Body=CONTENT)
    request = AWSRequest("GET", object_url(server, spelling))
    S3SigV4QueryAuth(OWNER, "s3", REGION, expires=LINK_SECONDS).add_auth(request)

    assert error_of(fetch(server, request.url)) == error
    assert error_of(fetch(server, request.url.replace("%21", "!"))) == error


@pytest.mark.parametrize("name", ["x-amz-acl", "x-amz-meta-note", "x-amz-copy-source"])
def test_refuses_amazon_headers_that_a_link_did_not_sign(server, owner, name):
    upload = presign(owner, "put_object", key="new.pdf")

    assert fetch(server, upload, "PUT", body=b"new").status == 200
    response = fetch(server, upload, "PUT", {name: f"{BUCKET}/{RESUME}"}, b"evil")
    assert error_of(response) == (403, "AccessDenied")


def test_refuses_a_link_and_a_header_together(server, link):
    response = fetch(server, link, headers=signed(server))

    assert error_of(response) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("access_key", "secret", "config", "code"),
    [
        ("owner", "wrong", {}, "SignatureDoesNotMatch"),
        ("nobody", "owner-secret", {}, "InvalidAccessKeyId"),
        ("owner", "owner-secret", {"signature_version": "s3"}, "InvalidRequest"),
        ("owner", "owner-secret", {"region_name": "us-east-1"}, "AuthorizationHeaderMalformed"),
    ],
    ids=["wrong secret", "unknown key", "SigV2", "another region"],
)
def test_refuses_a_client_that_signs_wrongly(server, owner, access_key, secret, config, code):
    client = client_of(server, access_key, secret, **config)

    assert refused(client.get_object, Bucket=BUCKET, Key=RESUME) == code
    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT


@pytest.mark.parametrize("minutes", [16, -16])
def test_refuses_a_client_whose_clock_is_more_than_15_minutes_off(server, owner, minutes):
    server.advance(14 * 60 if minutes > 0 else -14 * 60)
    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT

    server.reset_clock()
    server.advance(minutes * 60)
    assert refused(owner.get_object, Bucket=BUCKET, Key=RESUME) == "RequestTimeTooSkewed"


def test_refuses_a_body_other_than_the_one_that_was_signed(server):
    path = f"/{BUCKET}/new.pdf"
    headers = signed(server, "PUT", path, b"signed")

    url = server.endpoint_url + path
    error = error_of(fetch(server, url, "PUT", headers, b"forged"))
    assert error == (400, "XAmzContentSHA256Mismatch")
    assert fetch(server, url, "PUT", headers, b"signed").status == 200


def test_refuses_a_header_that_was_changed(server, owner):
    path = f"/{BUCKET}/new.pdf"
    headers = signed(server, "PUT", path, b"x", {"x-amz-meta-note": "mine"})

    url = server.endpoint_url + path
    forged = headers | {"x-amz-meta-note": "forged"}
    assert error_of(fetch(server, url, "PUT", forged, b"x")) == (403, "SignatureDoesNotMatch")
    assert fetch(server, url, "PUT", headers, b"x").status == 200
    assert owner.head_object(Bucket=BUCKET, Key="new.pdf")["Metadata"] == {"note": "mine"}


def test_refuses_a_header_signature_without_the_hash_of_the_payload(server):
    without = signed(server, signer_class=SigV4Auth)

    error = error_of(fetch(server, object_url(server, RESUME), headers=without))
    assert error == (400, "InvalidRequest")
    assert fetch(server, object_url(server, RESUME), headers=signed(server)).status == 200


def test_refuses_temporary_credentials(server):
    token = Credentials("owner", "owner-secret", "token")
    request = AWSRequest("GET", object_url(server, RESUME))
    S3SigV4QueryAuth(token, "s3", REGION).add_auth(request)

    assert error_of(fetch(server, request.url)) == (400, "InvalidToken")


def test_refuses_an_upload_that_breaks_off(server, owner):
    target = presign(owner, "put_object", key="new.pdf").removeprefix(server.endpoint_url)
    head = (
        f"PUT {target} HTTP/1.1\r\nHost: {server.host}:{server.port}\r\nContent-Length: 4\r\n\r\n"
    )

    def upload(body):
        with socket.create_connection((server.host, server.port), timeout=5) as connection:
            connection.sendall(head.encode() + body)
            connection.shutdown(socket.SHUT_WR)
            return connection.makefile("rb").read()

    assert b"IncompleteBody" in upload(b"ha")
    assert refused(owner.head_object, Bucket=BUCKET, Key="new.pdf") == "404"
    assert b" 200 " in upload(b"half")


def test_verifies_and_stores_an_upload_in_chunks(server, owner):
    path = f"/{BUCKET}/chunked.pdf"
    body = b"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n"
    declared = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": "5"}
    headers = signed(server, "PUT", path, body, declared, trailer="x-amz-checksum-crc32")
    url = server.endpoint_url + path

    assert headers["X-Amz-Content-SHA256"] == "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    forged = headers | {"x-amz-decoded-content-length": "6"}
    assert error_of(fetch(server, url, "PUT", forged, body)) == (403, "SignatureDoesNotMatch")
    assert fetch(server, url, "PUT", headers, body).status == 200
    assert owner.get_object(Bucket=BUCKET, Key="chunked.pdf")["Body"].read() == b"hello"
