"""The strict S3 server lets a key pair do what it may, and knows no ACLs."""

import pytest
from botocore.exceptions import ClientError

from tests.support.strict_s3 import StrictS3
from tests.support.strict_s3_calls import (
    BUCKET,
    CONTENT,
    CREDENTIALS,
    OTHER_BUCKET,
    RELAXED,
    RESUME,
    allow,
    client_of,
    create_bucket,
    deny,
    fetch,
    presign,
    put_policy,
    refused,
)

pytestmark = pytest.mark.whole


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
