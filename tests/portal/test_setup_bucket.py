"""setup_bucket: opens two prefixes, and nothing else."""

import io
import json

import boto3
import pytest
import requests
from django.core.management import CommandError, call_command

from tests.conftest import BUCKET, S3_KEYS, settings_for, use_settings

SHUT = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)
OPEN_BY_POLICY = SHUT | {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}


@pytest.fixture
def configured(s3, s3_environment, on_disk, settings, monkeypatch):
    """The site on S3, before anybody has made its bucket."""
    use(settings, monkeypatch, s3_environment)
    return s3


def use(settings, monkeypatch, environment):
    values = settings_for(environment)
    values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
    use_settings(
        settings, monkeypatch, {name: values[name] for name in ("AWS_AVAILABLE", "STORAGES")}
    )


def client(server):
    key, secret = next(iter(S3_KEYS.items()))
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="eu-west-1",
    )


def setup_bucket(*arguments) -> str:
    out = io.StringIO()
    call_command("setup_bucket", *arguments, stdout=out)
    return out.getvalue()


def stranger_gets(server, key, content=b"x"):
    client(server).put_object(Bucket=BUCKET, Key=key, Body=content)
    return requests.get(f"{server.endpoint_url}/{BUCKET}/{key}", timeout=5).status_code


def test_strangers_read_the_public_prefixes_alone(configured):
    setup_bucket()

    assert stranger_gets(configured, "media/avatars/x.webp") == 200
    assert stranger_gets(configured, "assets/site.css") == 200
    assert stranger_gets(configured, "protected/resumes/x.pdf") == 403
    assert stranger_gets(configured, "media-of-others/x") == 403
    assert requests.get(f"{configured.endpoint_url}/{BUCKET}", timeout=5).status_code == 403


def test_acls_stay_blocked(configured):
    setup_bucket()

    block = client(configured).get_public_access_block(Bucket=BUCKET)
    assert block["PublicAccessBlockConfiguration"] == OPEN_BY_POLICY


def test_a_bucket_of_protected_files_alone_stays_shut(
    configured, s3_environment, settings, monkeypatch
):
    use(settings, monkeypatch, s3_environment | {"PROTECTED_BUCKET_NAME": "portal-protected"})

    setup_bucket()

    block = client(configured).get_public_access_block(Bucket="portal-protected")
    assert block["PublicAccessBlockConfiguration"] == SHUT
    statements = json.loads(client(configured).get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert "portal-protected" not in json.dumps(statements)


def test_unfinished_uploads_are_cleared_away(configured):
    setup_bucket()

    rules = client(configured).get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rules[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_a_second_run_changes_nothing(configured):
    assert "as it should be" not in setup_bucket()
    configured.clear()

    said = setup_bucket()

    assert said.count("as it should be") == 4
    assert {request.method for request in configured.requests} <= {"GET", "HEAD"}


def test_other_peoples_statements_are_kept(configured):
    setup_bucket()
    theirs = {
        "Sid": "Auditors",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{BUCKET}/media/secret/*",
    }
    policy = json.loads(client(configured).get_bucket_policy(Bucket=BUCKET)["Policy"])
    policy["Statement"] = [theirs, *policy["Statement"][:1]]
    client(configured).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    setup_bucket()

    statements = json.loads(client(configured).get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert theirs in statements["Statement"]
    assert len(statements["Statement"]) == 3


def test_a_dry_run_prints_the_documents_and_asks_nothing(configured):
    documents = json.loads(setup_bucket("--dry-run"))

    assert configured.requests == []
    resources = [each["Resource"] for each in documents[BUCKET]["Policy"]["Statement"]]
    assert resources == [f"arn:aws:s3:::{BUCKET}/media/*", f"arn:aws:s3:::{BUCKET}/assets/*"]


def test_a_server_without_lifecycles_is_set_up_all_the_same(configured):
    configured.fail_next(
        status=501,
        code="NotImplemented",
        times=99,
        matching=lambda request: "lifecycle" in request.query,
    )

    said = setup_bucket()

    assert "lifecycle: this server has none" in said
    assert stranger_gets(configured, "media/x.webp") == 200


def test_a_wrong_key_is_one_sentence(configured, s3_environment, settings, monkeypatch):
    use(settings, monkeypatch, s3_environment | {"AWS_SECRET_ACCESS_KEY": "wrong"})

    with pytest.raises(CommandError, match="S3 refused"):
        setup_bucket()


def test_it_refuses_where_s3_is_not_configured(on_disk):
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        setup_bucket()
