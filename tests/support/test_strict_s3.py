"""The S3 server of the other tests refuses what AWS refuses, and serves the same request unspoilt.

Every refusal stands beside a control that is let through, so that a server that refuses everything
fails here as surely as one that refuses nothing. S2 to S5 are rows of the catalogue of what must
hold; here they are shown to be testable, on a link of the kind that the portal makes.
"""

import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from urllib.parse import quote, urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.strict_s3 import StrictS3, main, read_only

BUCKET, OTHER_BUCKET = "portal-files", "other-files"
REGION = "eu-west-1"
LINK_SECONDS = 600
RESUME = "protected/resume.pdf"
CONTENT = b"%PDF-1.7 a resume"
OWNER = Credentials("owner", "owner-secret")
CREDENTIALS = {"owner": "owner-secret", "reader": "reader-secret"}
RELAXED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
AWKWARD_KEYS = [
    "résumé 日本.pdf",
    "a+b.pdf",
    "100%.pdf",
    "a%20b.pdf",
    "a%2Fb.pdf",
    "a b.pdf",
    "a//b.pdf",
    "/leading.pdf",
    "directory/",
    "quo'te(1)!*~;=&?#[x].pdf",
]


@pytest.fixture(scope="module")
def running():
    with StrictS3(CREDENTIALS, permissions={"reader": read_only}) as server:
        yield server


@pytest.fixture(scope="module")
def owner(running):
    return client_of(running, "owner", "owner-secret")


@pytest.fixture(scope="module")
def reader(running):
    return client_of(running, "reader", "reader-secret")


@pytest.fixture
def server(running, owner):
    """A server with one bucket, as new, that holds a resume."""
    create_bucket(owner, BUCKET)
    owner.put_object(Bucket=BUCKET, Key=RESUME, Body=CONTENT)
    running.clear()
    yield running
    running.wipe()


@pytest.fixture
def public(server, owner):
    """The same server, its bucket's prefix public/ opened to everybody."""
    owner.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=RELAXED)
    put_policy(owner, allow("public/*"))
    owner.put_object(Bucket=BUCKET, Key="public/avatar.webp", Body=b"RIFF")
    return server


@pytest.fixture
def link(server, owner):
    return presign(owner)


def client_of(server, access_key, secret, **config):
    config = {"signature_version": "s3v4", "retries": {"total_max_attempts": 1}} | config
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=config.pop("region_name", REGION),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, **config),
    )


def create_bucket(client, name):
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def presign(client, operation="get_object", seconds=LINK_SECONDS, key=RESUME, **parameters):
    parameters |= {"Bucket": BUCKET, "Key": key}
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)


def fetch(server, url, method="GET", headers=(), body=None, host=None):
    """Send exactly this URL to the server: no redirect, no retry, no tidying of the path."""
    parts = urlsplit(url)
    target = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    connection = http.client.HTTPConnection(server.host, server.port, timeout=5)
    try:
        headers = {"Host": host or parts.netloc, **dict(headers)}
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        response.content = response.read()
        return response
    finally:
        connection.close()


def error_of(response):
    """Return the status and the code in S3's error document."""
    code = response.content.partition(b"<Code>")[2].partition(b"</Code>")[0]
    return response.status, code.decode()


def object_url(server, key, bucket=BUCKET):
    return f"{server.endpoint_url}/{bucket}/{key}"


def refused(call, /, **arguments):
    """Return the code with which the server refuses a client's call."""
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    return refusal.value.response["Error"]["Code"]


def statement(effect, pattern, **more):
    resource = f"arn:aws:s3:::{BUCKET}/{pattern}"
    return {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": resource,
    } | more


def allow(pattern, **more):
    return statement("Allow", pattern, **more)


def deny(pattern, **more):
    return statement("Deny", pattern, **more)


def put_policy(client, *statements):
    policy = {"Version": "2012-10-17", "Statement": statements}
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def signed(
    server,
    method="GET",
    path=f"/{BUCKET}/{RESUME}",
    body=b"",
    headers=(),
    trailer=None,
    signer_class=S3SigV4Auth,
):
    """Return the headers that sign a request in the owner's name."""
    request = AWSRequest(method, server.endpoint_url + path, dict(headers), body)
    if trailer:
        request.context["checksum"] = {"request_algorithm": {"in": "trailer", "name": trailer}}
    signer_class(OWNER, "s3", REGION).add_auth(request)
    return dict(request.headers)


# Links


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


# Signed requests


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


# Strangers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/{BUCKET}/{RESUME}"),
        ("HEAD", f"/{BUCKET}/{RESUME}"),
        ("GET", f"/{BUCKET}/protected/missing.pdf"),
        ("PUT", f"/{BUCKET}/{RESUME}"),
        ("DELETE", f"/{BUCKET}/{RESUME}"),
        ("POST", f"/{BUCKET}/{RESUME}?uploads"),
        ("GET", f"/{BUCKET}"),
        ("GET", f"/{BUCKET}?list-type=2"),
        ("HEAD", f"/{BUCKET}"),
        ("POST", f"/{BUCKET}?delete"),
        ("GET", f"/{BUCKET}?policy"),
        ("PUT", f"/{BUCKET}?policy"),
        ("PUT", f"/{OTHER_BUCKET}2"),
        ("GET", "/"),
        ("PUT", f"/{BUCKET}/public/avatar.webp"),
        ("DELETE", f"/{BUCKET}/public/avatar.webp"),
        ("GET", f"/{BUCKET}/public/avatar.webp?acl"),
        ("GET", f"/{BUCKET}/public/avatar.webp?tagging"),
        ("GET", f"/{BUCKET}/public/missing.webp"),
    ],
)
def test_refuses_strangers_all_but_public_objects(public, method, path):
    """S4. That a missing object is not said to be missing keeps names from being guessed."""
    assert fetch(public, f"{public.endpoint_url}/{BUCKET}/public/avatar.webp").content == b"RIFF"
    assert fetch(public, public.endpoint_url + path, method).status == 403


def test_lets_strangers_read_only_whatever_else_a_policy_allows(public, owner):
    """S4."""
    url = object_url(public, "public/avatar.webp")

    put_policy(owner, allow("*", Action="s3:*"))

    assert fetch(public, url).status == 200
    assert fetch(public, url, "PUT", body=b"evil").status == 403
    assert fetch(public, url, "DELETE").status == 403


def test_opens_a_prefix_only_once_the_public_access_block_is_relaxed(server, owner):
    """S4."""
    url = object_url(server, "public/avatar.webp")
    owner.put_object(Bucket=BUCKET, Key="public/avatar.webp", Body=b"RIFF")
    blocked = owner.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert blocked == dict.fromkeys(RELAXED, True)
    with pytest.raises(ClientError, match="AccessDenied"):
        put_policy(owner, allow("public/*"))
    assert fetch(server, url).status == 403

    owner.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=RELAXED)
    put_policy(owner, allow("public/*"))

    assert fetch(server, url).content == b"RIFF"


def test_closes_a_public_prefix_where_the_bucket_is_restricted(public, owner):
    url = object_url(public, "public/avatar.webp")
    assert fetch(public, url).status == 200

    restricted = RELAXED | {"RestrictPublicBuckets": True}
    owner.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=restricted)

    assert fetch(public, url).status == 403


def test_closes_a_public_prefix_with_its_policy(public, owner):
    url = object_url(public, "public/avatar.webp")
    assert fetch(public, url).status == 200

    owner.delete_bucket_policy(Bucket=BUCKET)

    assert fetch(public, url).status == 403
    assert refused(owner.get_bucket_policy, Bucket=BUCKET) == "NoSuchBucketPolicy"


def test_forgets_a_policy_with_its_bucket(public, owner):
    owner.delete_object(Bucket=BUCKET, Key="public/avatar.webp")
    owner.delete_object(Bucket=BUCKET, Key=RESUME)
    owner.delete_bucket(Bucket=BUCKET)

    create_bucket(owner, BUCKET)

    assert refused(owner.get_bucket_policy, Bucket=BUCKET) == "NoSuchBucketPolicy"


def test_gives_a_policy_back_as_it_was_put(public, owner):
    policy = json.loads(owner.get_bucket_policy(Bucket=BUCKET)["Policy"])

    assert policy["Statement"] == [allow("public/*")]


def test_lets_a_deny_beat_an_allow(public, owner):
    owner.put_object(Bucket=BUCKET, Key="public/draft/x", Body=b"draft")
    assert fetch(public, object_url(public, "public/draft/x")).status == 200

    put_policy(owner, allow("public/*"), deny("public/draft/*"))

    assert fetch(public, object_url(public, "public/draft/x")).status == 403
    assert fetch(public, object_url(public, "public/avatar.webp")).status == 200


def test_tells_a_caller_who_may_list_that_an_object_is_missing(server, owner):
    assert refused(owner.get_object, Bucket=BUCKET, Key="missing") == "NoSuchKey"
    assert fetch(server, object_url(server, "missing")).status == 403


def test_refuses_strangers_response_overrides(public, owner):
    """S5."""
    url = object_url(public, "public/avatar.webp")

    assert fetch(public, url).status == 200
    error = error_of(fetch(public, f"{url}?response-content-type=text/html"))
    assert error == (400, "InvalidRequest")


# Policies for everybody


def test_applies_a_deny_to_signed_links_too(server, owner, link):
    assert fetch(server, link).status == 200

    put_policy(owner, deny("protected/*"))

    assert error_of(fetch(server, link)) == (403, "AccessDenied")


def test_asks_for_each_key_of_a_bulk_delete(server, owner):
    owner.put_object(Bucket=BUCKET, Key="public/old.webp", Body=b"x")
    put_policy(owner, deny("protected/*", Action="s3:DeleteObject"))
    both = {"Objects": [{"Key": "public/old.webp"}, {"Key": RESUME}]}
    one = {"Objects": [{"Key": "public/old.webp"}]}

    assert refused(owner.delete_objects, Bucket=BUCKET, Delete=both) == "AccessDenied"
    assert owner.delete_objects(Bucket=BUCKET, Delete=one)["Deleted"] == one["Objects"]


def test_applies_a_deny_of_uploads_to_uploads_in_parts(server, owner):
    put_policy(owner, deny("protected/*", Action="s3:PutObject"))
    upload = owner.create_multipart_upload(Bucket=BUCKET, Key="public/x")["UploadId"]
    part = {"Bucket": BUCKET, "UploadId": upload, "PartNumber": 1, "Body": b"x"}

    assert refused(owner.create_multipart_upload, Bucket=BUCKET, Key=RESUME) == "AccessDenied"
    assert refused(owner.upload_part, Key=RESUME, **part) == "AccessDenied"
    assert owner.upload_part(Key="public/x", **part)["ETag"]


@pytest.mark.parametrize(("age", "status"), [(599, 200), (601, 403)])
def test_caps_the_age_of_links_at_the_bucket(server, owner, age, status):
    """S2. However long a link was signed for."""
    cap = {"NumericGreaterThan": {"s3:signatureAge": LINK_SECONDS * 1000}}
    put_policy(owner, deny("protected/*", Condition=cap))
    long_link = presign(owner, seconds=24 * 3600)

    server.advance(age)

    assert fetch(server, long_link).status == status


def test_does_not_cap_the_age_of_header_signed_requests(server, owner):
    put_policy(owner, deny("*", Condition={"NumericGreaterThan": {"s3:signatureAge": 0}}))

    server.advance(60)

    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT


@pytest.mark.parametrize(
    ("auth_type", "link_status", "can_read"),
    [("REST-QUERY-STRING", 403, True), ("REST-HEADER", 200, False), ("POST", 200, True)],
)
def test_tells_policies_how_a_request_was_signed(server, owner, auth_type, link_status, can_read):
    put_policy(owner, deny("*", Condition={"StringEquals": {"s3:authType": auth_type}}))

    assert fetch(server, presign(owner)).status == link_status
    if can_read:
        assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT
    else:
        assert refused(owner.get_object, Bucket=BUCKET, Key=RESUME) == "AccessDenied"


def test_takes_all_conditions_of_a_statement_together(server, owner):
    both = {
        "StringEquals": {"s3:authType": "REST-QUERY-STRING"},
        "NumericGreaterThan": {"s3:signatureAge": "60000"},
    }
    put_policy(owner, deny("*", Condition=both))
    link = presign(owner)

    assert fetch(server, link).status == 200
    server.advance(61)
    assert fetch(server, link).status == 403
    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT


def test_knows_no_age_of_a_strangers_request(public, owner):
    old = {"NumericGreaterThan": {"s3:signatureAge": "-1"}}
    put_policy(owner, allow("public/*"), deny("*", Condition=old))

    assert fetch(public, object_url(public, "public/avatar.webp")).status == 200
    assert fetch(public, presign(owner)).status == 403


@pytest.mark.parametrize(("treat_as_tls", "status"), [(True, 200), (False, 403)])
def test_tells_policies_whether_the_connection_is_secure(treat_as_tls, status):
    with StrictS3(CREDENTIALS, treat_as_tls=treat_as_tls) as server:
        client = client_of(server, "owner", "owner-secret")
        create_bucket(client, BUCKET)
        client.put_object(Bucket=BUCKET, Key=RESUME, Body=CONTENT)
        put_policy(client, deny("*", Condition={"Bool": {"aws:SecureTransport": "false"}}))

        assert fetch(server, presign(client)).status == status


@pytest.mark.parametrize(
    "strange",
    [
        {"Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
        {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
        {"NotAction": "s3:PutObject"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Resource": f"arn:aws:s3:::{BUCKET}/${{aws:username}}/*"},
    ],
    ids=["operator", "key", "element", "principal", "variable"],
)
def test_does_not_pretend_to_understand_a_policy(server, owner, strange):
    with pytest.raises(ClientError, match="Not understood"):
        put_policy(owner, deny("*", **strange))


@pytest.mark.parametrize(
    "policy", ["{}", "[]", "not JSON", json.dumps({"Statement": allow("x", Effect="Maybe")})]
)
def test_refuses_a_malformed_policy(server, owner, policy):
    assert refused(owner.put_bucket_policy, Bucket=BUCKET, Policy=policy) == "MalformedPolicy"


def test_refuses_a_policy_for_another_bucket(server, owner):
    with pytest.raises(ClientError, match="invalid resource"):
        put_policy(owner, deny("*", Resource=f"arn:aws:s3:::{OTHER_BUCKET}/*"))


@pytest.mark.parametrize(
    ("pattern", "key", "status"),
    [
        ("public/*", "public/a/b", 200),
        ("public/?", "public/a", 200),
        ("public/?", "public/ab", 403),
        ("public/[a]", "public/a", 403),
        ("Public/*", "public/a", 403),
        ("*", "public/a", 200),
    ],
)
def test_matches_resources_as_aws_does(public, owner, pattern, key, status):
    owner.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    put_policy(owner, allow(pattern))

    assert fetch(public, object_url(public, key)).status == status


# ACLs


@pytest.mark.parametrize(
    "acl", [{"ACL": "public-read"}, {"ACL": "private"}, {"GrantRead": "uri=everybody"}]
)
def test_refuses_an_upload_with_an_acl(server, owner, acl):
    """S4."""
    upload = {"Bucket": BUCKET, "Key": "new.pdf", "Body": b"new"}

    assert refused(owner.put_object, **upload, **acl) == "AccessControlListNotSupported"
    assert owner.put_object(**upload)["ETag"]
    assert owner.put_object(**upload, ACL="bucket-owner-full-control")["ETag"]


def test_refuses_to_set_an_acl(server, owner):
    """S4."""
    code = "AccessControlListNotSupported"

    assert refused(owner.put_object_acl, Bucket=BUCKET, Key=RESUME, ACL="public-read") == code
    assert refused(owner.put_bucket_acl, Bucket=BUCKET, ACL="public-read") == code
    grants = owner.get_object_acl(Bucket=BUCKET, Key=RESUME)
    policy = {"Grants": grants["Grants"], "Owner": grants["Owner"]}
    at = {"Bucket": BUCKET, "Key": RESUME}
    assert refused(owner.put_object_acl, AccessControlPolicy=policy, **at) == code


def test_gives_new_buckets_an_owner_who_owns_everything(server, owner):
    rules = owner.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]

    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]


# Key pairs with less than everything


def test_refuses_writes_by_a_read_only_key(server, owner, reader):
    assert reader.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT
    assert reader.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 1

    at = {"Bucket": BUCKET, "Key": RESUME}
    assert refused(reader.put_object, Body=b"x", **at) == "AccessDenied"
    assert refused(reader.delete_object, **at) == "AccessDenied"
    assert refused(reader.create_multipart_upload, **at) == "AccessDenied"
    objects = {"Objects": [{"Key": RESUME}]}
    assert refused(reader.delete_objects, Bucket=BUCKET, Delete=objects) == "AccessDenied"
    assert owner.get_object(**at)["Body"].read() == CONTENT


def test_refuses_a_link_that_its_signer_may_not_use(server, reader):
    assert fetch(server, presign(reader)).content == CONTENT
    assert fetch(server, presign(reader, "put_object"), "PUT", body=b"x").status == 403


@pytest.fixture
def half():
    """A key pair that may use one bucket only, on a server with two."""
    permissions = {"reader": lambda method, bucket, key: bucket == BUCKET}
    with StrictS3(CREDENTIALS, permissions=permissions) as server:
        client = client_of(server, "owner", "owner-secret")
        for bucket in (BUCKET, OTHER_BUCKET):
            create_bucket(client, bucket)
            client.put_object(Bucket=bucket, Key=RESUME, Body=CONTENT)
        yield client_of(server, "reader", "reader-secret")


def test_refuses_to_copy_from_what_the_caller_may_not_read(half):
    copy = {"Bucket": BUCKET, "Key": "copy.pdf"}

    assert (
        refused(half.copy_object, CopySource=f"{OTHER_BUCKET}/{RESUME}", **copy) == "AccessDenied"
    )
    half.copy_object(CopySource=f"{BUCKET}/{RESUME}", **copy)
    assert half.get_object(**copy)["Body"].read() == CONTENT


def test_hides_a_missing_object_from_a_key_that_may_not_list():
    def objects_only(method, bucket, key):
        return bool(key)

    with StrictS3(CREDENTIALS, permissions={"reader": objects_only}) as server:
        owner = client_of(server, "owner", "owner-secret")
        reader = client_of(server, "reader", "reader-secret")
        create_bucket(owner, BUCKET)

        assert refused(owner.head_object, Bucket=BUCKET, Key="missing") == "404"
        assert refused(reader.head_object, Bucket=BUCKET, Key="missing") == "403"


# Key pairs with a policy of their own


@pytest.fixture
def holder(server):
    """Makes the reader somebody who may do what these statements say, and nothing else."""

    def holds(*statements):
        server.identities["reader"] = {"Version": "2012-10-17", "Statement": list(statements)}
        return client_of(server, "reader", "reader-secret")

    yield holds
    server.identities.clear()


def grant(actions, *patterns, **more):
    resources = [f"arn:aws:s3:::{BUCKET}{pattern}" for pattern in patterns]
    return {"Effect": "Allow", "Action": actions, "Resource": resources} | more


def test_lets_a_key_do_what_its_policy_says_and_no_more(server, holder):
    client = holder(grant(["s3:GetObject", "s3:PutObject"], "/protected/*"))
    at = {"Bucket": BUCKET, "Key": RESUME}

    assert client.get_object(**at)["Body"].read() == CONTENT
    assert client.put_object(Body=b"new", **at)["ETag"]
    assert fetch(server, presign(client)).content == b"new"
    assert refused(client.delete_object, **at) == "AccessDenied"
    assert refused(client.put_object, Bucket=BUCKET, Key="media/x", Body=b"x") == "AccessDenied"
    assert refused(client.list_objects_v2, Bucket=BUCKET) == "AccessDenied"
    assert refused(client.get_bucket_policy, Bucket=BUCKET) == "AccessDenied"
    assert refused(client.list_buckets) == "AccessDenied"


def test_lets_a_key_without_statements_do_nothing(server, holder):
    assert refused(holder().get_object, Bucket=BUCKET, Key=RESUME) == "AccessDenied"


@pytest.mark.parametrize(
    ("action", "call", "arguments"),
    [
        ("s3:ListBucket", "head_bucket", {}),
        ("s3:ListBucket", "list_objects_v2", {}),
        ("s3:ListBucketMultipartUploads", "list_multipart_uploads", {}),
        ("s3:ListBucketVersions", "list_object_versions", {}),
        ("s3:GetBucketPublicAccessBlock", "get_public_access_block", {}),
        ("s3:PutBucketPublicAccessBlock", "delete_public_access_block", {}),
        ("s3:GetBucketOwnershipControls", "get_bucket_ownership_controls", {}),
        (
            "s3:PutEncryptionConfiguration",
            "put_bucket_encryption",
            {
                "ServerSideEncryptionConfiguration": {
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                }
            },
        ),
        ("s3:PutLifecycleConfiguration", "delete_bucket_lifecycle", {}),
        ("s3:DeleteBucketPolicy", "delete_bucket_policy", {}),
        ("s3:DeleteBucket", "delete_bucket", {}),
    ],
)
def test_calls_what_is_done_to_a_bucket_as_policies_do(
    server, owner, holder, action, call, arguments
):
    owner.delete_object(Bucket=BUCKET, Key=RESUME)  # a bucket goes only when it is empty
    others = [f"s3:{verb}*" for verb in ("Create", "Abort", "PutObject", "GetObject")]

    code = refused(getattr(holder(grant(others, "", "/*")), call), Bucket=BUCKET, **arguments)

    assert code in {"AccessDenied", "403"}
    getattr(holder(grant(action, "")), call)(Bucket=BUCKET, **arguments)


def test_calls_giving_up_an_upload_by_its_own_name(server, owner, holder):
    upload = owner.create_multipart_upload(Bucket=BUCKET, Key="x")["UploadId"]
    at = {"Bucket": BUCKET, "Key": "x", "UploadId": upload}

    writes = ["s3:PutObject", "s3:DeleteObject"]
    assert refused(holder(grant(writes, "/*")).abort_multipart_upload, **at) == "AccessDenied"
    holder(grant("s3:AbortMultipartUpload", "/*")).abort_multipart_upload(**at)


def test_lets_a_key_list_below_its_prefix_alone(server, owner, holder):
    below = {"StringLike": {"s3:prefix": ["protected/*"]}}
    client = holder(grant("s3:ListBucket", "", Condition=below))

    assert client.list_objects_v2(Bucket=BUCKET, Prefix="protected/")["KeyCount"] == 1
    for prefix in ({}, {"Prefix": ""}, {"Prefix": "prot"}, {"Prefix": "media/"}):
        assert refused(client.list_objects_v2, Bucket=BUCKET, **prefix) == "AccessDenied"


def test_tells_that_an_object_is_missing_to_those_who_may_list_there(server, holder):
    below = {"StringLike": {"s3:prefix": ["protected/*"]}}
    client = holder(grant("s3:GetObject", "/*"), grant("s3:ListBucket", "", Condition=below))

    assert refused(client.head_object, Bucket=BUCKET, Key="protected/missing") == "404"
    assert refused(client.head_object, Bucket=BUCKET, Key="media/missing") == "403"


def test_lets_either_deny_and_either_allow(server, owner, holder):
    at = {"Bucket": BUCKET, "Key": RESUME}
    owner.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=RELAXED)
    everything = grant("s3:*", "", "/*")
    nothing_protected = grant("s3:*", "/protected/*", Effect="Deny")

    assert holder(everything).get_object(**at)["ContentLength"]
    assert refused(holder(everything, nothing_protected).get_object, **at) == "AccessDenied"
    put_policy(owner, deny("protected/*"))
    assert refused(holder(everything).get_object, **at) == "AccessDenied"
    put_policy(owner, allow("protected/*"))
    assert holder(grant("s3:PutObject", "/*")).get_object(**at)["ContentLength"]
    assert refused(holder(nothing_protected).get_object, **at) == "AccessDenied"


def test_a_keys_own_policy_names_no_principal(server, holder):
    client = holder(grant("s3:GetObject", "/*", Principal="*"))

    with pytest.raises(ClientError, match="InternalError"):
        client.get_object(Bucket=BUCKET, Key=RESUME)


# What must go on working


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_keeps_awkward_keys_whole(server, owner, key):
    owner.put_object(Bucket=BUCKET, Key=key, Body=key.encode())

    assert owner.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
    assert fetch(server, presign(owner, key=key)).content == key.encode()
    assert [o["Key"] for o in owner.list_objects_v2(Bucket=BUCKET, Prefix=key)["Contents"]] == [key]
    owner.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": key})
    assert owner.get_object(Bucket=BUCKET, Key="copy")["Body"].read() == key.encode()
    owner.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}]})
    assert refused(owner.head_object, Bucket=BUCKET, Key=key) == "404"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(key=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60))
def test_keeps_any_key_whole(server, owner, key):
    assume(not {".", ".."} & set(key.split("/")))  # clients resolve these before they send

    owner.put_object(Bucket=BUCKET, Key=key, Body=key.encode())

    assert owner.get_object(Bucket=BUCKET, Key=key)["Body"].read() == key.encode()
    assert fetch(server, presign(owner, key=key)).content == key.encode()


def test_reads_a_bare_plus_in_a_path_as_a_space(public, owner):
    """As S3 does: a public URL has to say %2B."""
    owner.put_object(Bucket=BUCKET, Key="public/a b", Body=b"space")
    owner.put_object(Bucket=BUCKET, Key="public/a+b", Body=b"plus")

    assert fetch(public, object_url(public, "public/a+b")).content == b"space"
    assert fetch(public, object_url(public, "public/a%2Bb")).content == b"plus"


@pytest.mark.parametrize("method", ["get_object", "head_object"])
def test_applies_response_overrides(server, owner, method):
    """S5."""
    url = presign(
        owner,
        method,
        ResponseContentType="application/pdf",
        ResponseContentDisposition="attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf",
        ResponseCacheControl="no-store",
    )

    headers = fetch(server, url, method.partition("_")[0].upper()).headers

    assert headers.get_all("Content-Type") == ["application/pdf"]
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("resume.pdf", (200, "")),
        ("日本.pdf", (400, "InvalidArgument")),
        ("a\r\nb: c", (400, "InvalidArgument")),
    ],
    ids=["control", "beyond Latin-1", "line break"],
)
def test_refuses_overrides_that_no_header_can_carry(server, owner, name, error):
    """S5."""
    url = presign(owner, ResponseContentDisposition=f'attachment; filename="{name}"')

    assert error_of(fetch(server, url)) == error


def test_serves_ranges_and_conditions(server, owner):
    at = {"Bucket": BUCKET, "Key": RESUME}
    head = owner.head_object(**at)

    assert head["ContentLength"] == len(CONTENT)
    assert owner.get_object(Range="bytes=1-3", **at)["Body"].read() == b"PDF"
    assert refused(owner.get_object, IfNoneMatch=head["ETag"], **at) == "304"
    assert refused(owner.head_object, IfNoneMatch=head["ETag"], **at) == "304"
    assert refused(owner.get_object, IfMatch='"other"', **at) == "PreconditionFailed"
    assert refused(owner.put_object, IfNoneMatch="*", **at) == "PreconditionFailed"


def test_stores_an_upload_in_parts(server, owner):
    content = os.urandom(9 * 2**20)

    owner.upload_fileobj(io.BytesIO(content), BUCKET, "large")

    assert owner.get_object(Bucket=BUCKET, Key="large")["Body"].read() == content
    assert owner.head_object(Bucket=BUCKET, Key="large")["ETag"].endswith('-2"')
    assert any("uploadId" in request.query for request in server.requests)


def test_lets_no_script_of_another_site_read(public):
    """As a bucket without a CORS configuration does; moto lets every site in."""
    url = object_url(public, "public/avatar.webp")

    response = fetch(public, url, headers={"Origin": "https://example.org"})

    assert response.status == 200
    assert "Access-Control-Allow-Origin" not in response.headers


def test_lists_in_pages(server, owner):
    for number in range(5):
        owner.put_object(Bucket=BUCKET, Key=f"many/{number}", Body=b"x")

    pages = owner.get_paginator("list_objects_v2").paginate(
        Bucket=BUCKET, Prefix="many/", PaginationConfig={"PageSize": 2}
    )

    assert [len(page["Contents"]) for page in pages] == [2, 2, 1]


def test_says_that_a_bucket_does_not_exist(server, owner):
    assert refused(owner.list_objects_v2, Bucket="no-such-bucket") == "NoSuchBucket"


@pytest.mark.parametrize("key", [RESUME, "/leading.pdf", "a b+c.pdf"])
@pytest.mark.parametrize("domain", ["localhost", f"s3.{REGION}.amazonaws.com"])
def test_takes_the_bucket_from_the_host_name_too(server, owner, domain, key):
    owner.put_object(Bucket=BUCKET, Key=key, Body=CONTENT)
    request = AWSRequest("GET", f"http://{BUCKET}.{domain}/{quote(key)}")
    S3SigV4QueryAuth(OWNER, "s3", REGION).add_auth(request)

    assert fetch(server, request.url).content == CONTENT
    assert fetch(server, request.url.replace(BUCKET, OTHER_BUCKET)).status == 403
    assert [seen.bucket for seen in server.requests[-2:]] == [BUCKET, OTHER_BUCKET]


# What tests ask of the server


def test_records_what_it_was_asked(server, owner):
    owner.get_object(Bucket=BUCKET, Key=RESUME)
    fetch(server, object_url(server, "a%20b?x=1"), "PUT", {"X-Note": "n"}, b"x")

    first, second = server.requests

    assert (first.method, first.bucket, first.key) == ("GET", BUCKET, RESUME)
    assert (first.status, first.access_key) == (200, "owner")
    assert (second.method, second.key, second.query) == ("PUT", "a b", {"x": "1"})
    assert (second.status, second.access_key, second.headers["x-note"]) == (403, None, "n")


def test_forgets_on_request(server, owner):
    owner.get_object(Bucket=BUCKET, Key=RESUME)

    server.clear()

    assert server.requests == []


def test_tells_the_time_in_whole_seconds(server):
    before = server.clock()

    server.advance(1.5)

    assert before.microsecond == server.clock().microsecond == 0
    assert 1 <= (server.clock() - before).total_seconds() <= 3


def test_fails_when_told_to(server, owner):
    at = {"Bucket": BUCKET, "Key": RESUME}
    server.fail_next(times=2, matching=lambda request: request.method == "GET")

    assert owner.head_object(**at)["ContentLength"] == len(CONTENT)
    assert refused(owner.get_object, **at) == "SlowDown"
    assert refused(owner.get_object, **at) == "SlowDown"
    assert owner.get_object(**at)["Body"].read() == CONTENT
    assert [request.status for request in server.requests] == [200, 503, 503, 200]


def test_keeps_servers_apart(server, owner):
    with StrictS3(CREDENTIALS) as other:
        stranger = client_of(other, "owner", "owner-secret")

        assert stranger.list_buckets()["Buckets"] == []
        assert refused(stranger.get_object, Bucket=BUCKET, Key=RESUME) == "NoSuchBucket"
        assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT
    assert owner.get_object(Bucket=BUCKET, Key=RESUME)["Body"].read() == CONTENT


def test_wipes_itself_clean(server, owner):
    server.advance(10_000)

    server.wipe()

    assert owner.list_buckets()["Buckets"] == []
    create_bucket(owner, BUCKET)
    assert owner.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_starts_from_the_command_line_and_stops_when_told(number):
    command = [sys.executable, "-m", "tests.support.strict_s3", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--access-key", "owner", "--secret-key", "owner-secret"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        endpoint_url = process.stdout.readline().split()[-1]
        connection = http.client.HTTPConnection(urlsplit(endpoint_url).netloc, timeout=5)
        connection.request("GET", "/")
        status = connection.getresponse().status
        connection.close()
        process.send_signal(number)
        output, errors = process.communicate(timeout=5)

    assert status == 403
    assert (process.returncode, output, errors) == (0, "", "")


def test_says_on_the_command_line_that_it_keeps_nothing(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["strict_s3", "--help"])

    with pytest.raises(SystemExit):
        main()

    assert "kept in memory" in " ".join(capsys.readouterr().out.split())


def test_refuses_content_that_is_not_what_its_md5_was_made_of(server, owner):
    promised = {"Bucket": BUCKET, "Key": "a"}
    promised["ContentMD5"] = b64encode(md5(b"as promised").digest()).decode()

    assert refused(owner.put_object, Body=b"something", **promised) == "BadDigest"
    owner.put_object(Body=b"as promised", **promised)
