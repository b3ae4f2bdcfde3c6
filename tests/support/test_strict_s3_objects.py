"""The strict S3 server serves all that moto does: keys, listings, ranges, uploads in parts."""

import io
import os
from urllib.parse import quote

import pytest
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.support.strict_s3_calls import (
    AWKWARD_KEYS,
    BUCKET,
    CONTENT,
    OTHER_BUCKET,
    OWNER,
    REGION,
    RESUME,
    error_of,
    fetch,
    object_url,
    presign,
    refused,
)

pytestmark = pytest.mark.whole


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


def test_lists_times_in_milliseconds_and_heads_them_in_seconds(server, owner):
    """As MinIO and Ceph do: a client that compares the two as they are copies a file each time."""
    key = server._backend.buckets[BUCKET].keys[RESUME]
    key.last_modified = key.last_modified.replace(microsecond=789_000)

    (listed,) = owner.list_objects_v2(Bucket=BUCKET)["Contents"]
    headed = owner.head_object(Bucket=BUCKET, Key=RESUME)["LastModified"]

    assert listed["LastModified"].microsecond == 789_000
    assert listed["LastModified"].replace(microsecond=0) == headed


def test_copies_a_part_only_of_the_object_that_was_meant(server, owner):
    upload = owner.create_multipart_upload(Bucket=BUCKET, Key="copy")["UploadId"]
    part = {"Bucket": BUCKET, "Key": "copy", "UploadId": upload, "PartNumber": 1}
    part["CopySource"] = {"Bucket": BUCKET, "Key": RESUME}
    etag = owner.head_object(Bucket=BUCKET, Key=RESUME)["ETag"]

    assert owner.upload_part_copy(**part, CopySourceIfMatch=etag)["CopyPartResult"]
    owner.put_object(Bucket=BUCKET, Key=RESUME, Body=b"another")

    code = refused(owner.upload_part_copy, **part, CopySourceIfMatch=etag)
    assert code == "PreconditionFailed"
