"""The strict S3 server refuses anonymous clients, and applies a bucket's policy as AWS does."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.support.strict_s3 import StrictS3
from tests.support.strict_s3_calls import (
    BUCKET,
    CONTENT,
    CREDENTIALS,
    LINK_SECONDS,
    OTHER_BUCKET,
    RELAXED,
    RESUME,
    allow,
    client_of,
    create_bucket,
    deny,
    error_of,
    fetch,
    object_url,
    presign,
    put_policy,
    refused,
)

pytestmark = pytest.mark.whole


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
def test_refuses_anonymous_clients_all_but_public_objects(public, method, path):
    """S4. Missing objects are forbidden, too, so that names cannot be guessed."""
    assert fetch(public, f"{public.endpoint_url}/{BUCKET}/public/avatar.webp").content == b"RIFF"
    assert fetch(public, public.endpoint_url + path, method).status == 403


def test_lets_anonymous_clients_read_only_whatever_else_a_policy_allows(public, owner):
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


def test_refuses_anonymous_clients_response_overrides(public, owner):
    """S5."""
    url = object_url(public, "public/avatar.webp")

    assert fetch(public, url).status == 200
    error = error_of(fetch(public, f"{url}?response-content-type=text/html"))
    assert error == (400, "InvalidRequest")


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


def test_gives_no_age_to_an_anonymous_request(public, owner):
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
