"""setup_bucket, run again: it keeps what others have written, and repairs what is its own."""

import json
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from portal.buckets import documents
from portal.buckets.setup import BucketSetup
from tests.conftest import BUCKET, s3_client

from .runs import refuses, setup_bucket, statements


def test_a_second_run_changes_nothing(as_on_aws):
    setup_bucket()
    as_on_aws.clear()

    output = setup_bucket()

    assert output.count("as it should be") == 6
    assert {request.method for request in as_on_aws.requests} <= {"GET", "HEAD"}


def test_a_policy_in_another_form_is_as_it_should_be(configured):
    """As MinIO gives it back."""
    setup_bucket()
    rewritten = [
        statement
        | {"Principal": {"AWS": ["*"]}}
        | {name: [statement[name]] for name in ("Action", "Resource")}
        for statement in reversed(statements(configured).values())
    ]
    policy = json.dumps(documents.policy_document(rewritten))
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=policy)

    assert "policy: as it should be" in setup_bucket()


def test_a_bucket_that_a_first_attempt_has_created_is_no_error(as_on_aws):
    """boto3 tries again where the answer is late; S3 then refuses what it has done already."""
    setup_bucket()
    as_on_aws.fail_next(404, "NoSuchBucket", matching=lambda request: request.method == "HEAD")

    output = setup_bucket()

    assert "bucket: created" in output
    assert output.count("as it should be") == 5


def test_each_thing_that_was_undone_is_done_again(as_on_aws):
    setup_bucket()
    s3 = s3_client(as_on_aws)
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_bucket_encryption(Bucket=BUCKET)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)

    output = setup_bucket()

    assert output.count(": set") == 5
    assert setup_bucket().count("as it should be") == 6


THEIRS = {
    "Sid": "Auditors",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BUCKET}/media/secret/*",
}


def test_statements_of_others_are_kept(configured):
    setup_bucket()
    ours = statements(configured)["PortalPublicReadMedia"]
    policy = documents.policy_document([THEIRS, ours])
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    setup_bucket()

    assert statements(configured).keys() == {
        "Auditors",
        "PortalPublicReadMedia",
        "PortalPublicReadAssets",
        "PortalLinkAgeProtected",
    }
    assert statements(configured)["Auditors"] == THEIRS


@pytest.mark.parametrize("knows_limits", [True, False])
def test_what_is_taken_out_of_the_policy_is_named(configured, knows_limits):
    """Of former prefixes, or of another project in the same bucket, whose files close with it."""
    if not knows_limits:
        refuses(configured, "s3:signatureAge", "MalformedPolicy", 400)
    setup_bucket()
    ours = list(statements(configured).values())
    other = {**ours[0], "Sid": "PortalPublicReadCovers"}
    policy = documents.policy_document([THEIRS, *ours, other])
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    output = setup_bucket()

    assert "policy: set, without PortalPublicReadCovers" in output
    assert "If another project keeps files in this bucket" in setup_bucket.err.getvalue()
    assert "policy: as it should be" in setup_bucket()
    assert setup_bucket.err.getvalue() == ""


def test_a_policy_that_is_one_statement_is_kept(configured):
    setup_bucket()
    policy = json.dumps({"Version": "2012-10-17", "Statement": THEIRS})
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=policy)

    setup_bucket()

    assert statements(configured)["Auditors"] == THEIRS
    assert len(statements(configured)) == 4


def test_lifecycle_rules_of_others_are_kept(configured):
    setup_bucket()
    theirs = {
        "ID": "Archive",
        "Status": "Enabled",
        "Filter": {"Prefix": "old/"},
        "Expiration": {"Days": 90},
    }
    s3_client(configured).put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [theirs]}
    )

    setup_bucket()

    answer = s3_client(configured).get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert [rule["ID"] for rule in answer["Rules"]] == ["Archive", "PortalAbortStaleUploads"]


def test_a_busy_answer_to_the_trial_upload_proves_nothing():
    """The public access block was taken back for it."""
    bucket = BucketSetup.__new__(BucketSetup)
    answer = {"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    bucket.bucket, bucket.storages, bucket.client = "b", [mock.Mock(location="media")], mock.Mock()
    bucket.client.put_object.side_effect = ClientError(answer, "PutObject")

    with pytest.raises(ClientError):
        bucket.can_store()
