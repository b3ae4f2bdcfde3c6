"""The job for S3 Batch Operations, held to AWS's own description of what it takes."""

import io

import boto3
import pytest
from botocore.stub import ANY, Stubber
from botocore.validate import ParamValidator
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command

from portal.copying.folder_store import Folder
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import Unusable
from portal.files.references import Reference
from portal.staging import s3_batch
from portal.staging.management.commands import copy_live_media as command
from portal.staging.s3_batch import Job, Route, copy_by_batch, copy_job, manifest_line, routes
from tests.conftest import BUCKET, settings_for

ROLE = "arn:aws:iam::123456789012:role/members-portal-copy"
ROUTE = Route("society-live", "society-staging")
TOKEN = "20260102-030405-" + "0" * 32


def place(kind, bucket, prefix="media", endpoint_url=None):
    return kind(
        bucket=bucket,
        prefix=prefix,
        access_key="AKIA",
        secret_key="secret",
        region="eu-west-1",
        endpoint_url=endpoint_url,
    )


def pair(prefix="media", source="society-live", target="society-staging"):
    return place(S3Source, source, prefix), place(S3Target, target, prefix)


def named(storage, *names):
    return [Reference(storage, name, "profiles.Profile", 1, "file") for name in names]


@pytest.fixture
def control(monkeypatch):
    """S3's control plane, played by botocore's stub: no server of it can be had here."""
    client = boto3.client(
        "s3control", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(s3_batch, "control_client", lambda storage: client)
    with Stubber(client) as stubber:
        yield stubber


def submit(references, pairs, **options) -> list[Job]:
    storage = storages["protected"]
    options = {"role_arn": ROLE, "prefix": "protected/batch"} | options
    return list(copy_by_batch(references, pairs, storage=storage, **options))


def manifests(server) -> dict[str, str]:
    client = storages["protected"].connection.meta.client
    listing = client.list_objects_v2(Bucket=BUCKET, Prefix="protected/batch/")
    return {
        item["Key"]: client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read().decode()
        for item in listing.get("Contents", [])
    }


def test_the_request_is_what_aws_describes():
    request = copy_job(
        ROUTE, role_arn=ROLE, bucket="society-staging", prefix="protected/batch",
        token=TOKEN, etag="0" * 32,
    )  # fmt: skip
    shape = boto3.client("s3control", region_name="eu-west-1").meta.service_model
    shape = shape.operation_model("CreateJob").input_shape

    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert ParamValidator().validate(request | {"Priority": "high"}, shape).has_errors()


def test_the_request_names_both_buckets_the_manifest_and_the_account():
    request = copy_job(
        ROUTE, role_arn=ROLE, bucket="private", prefix="protected/batch", token=TOKEN, etag="e"
    )

    assert request == {
        "AccountId": "123456789012",
        "RoleArn": ROLE,
        "Description": "Members portal: society-live to society-staging",
        "ClientRequestToken": TOKEN,
        "ConfirmationRequired": False,
        "Priority": 10,
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {
                "ObjectArn": f"arn:aws:s3:::private/protected/batch/{TOKEN}.csv", "ETag": "e"
            },
        },
        "Operation": {
            "S3PutObjectCopy": {
                "TargetResource": "arn:aws:s3:::society-staging", "MetadataDirective": "COPY"
            }
        },
        "Report": {
            "Enabled": True,
            "Bucket": "arn:aws:s3:::private",
            "Prefix": "protected/batch",
            "Format": "Report_CSV_20180820",
            "ReportScope": "FailedTasksOnly",
        },
    }  # fmt: skip


def test_in_china_everything_is_named_as_there():
    role = ROLE.replace("aws", "aws-cn")

    request = copy_job(ROUTE, role_arn=role, bucket="b", prefix="p", token=TOKEN, etag="e")

    copy = request["Operation"]["S3PutObjectCopy"]
    assert copy["TargetResource"] == "arn:aws-cn:s3:::society-staging"


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("media/a.webp", b"live,media/a.webp\n"),
        ("media/a b,c\"d'+%.webp", b"live,media/a%20b%2Cc%22d%27%2B%25.webp\n"),
        ("media/é\n.webp", b"live,media/%C3%A9%0A.webp\n"),
    ],
)
def test_a_manifest_holds_any_key(key, line):
    """Y6."""
    assert manifest_line("live", key) == line


def test_one_job_takes_all_that_goes_the_same_way(on_s3, control):
    control.add_response("create_job", {"JobId": "job-1"}, expected_job())
    pairs = {"default": pair("media"), "protected": pair("protected")}

    jobs = submit(named("default", "a", "b", "b") + named("protected", "c"), pairs)

    assert jobs == [Job(*ROUTE, 3, "job-1")]
    assert list(manifests(on_s3).values()) == [
        "society-live,media/a\nsociety-live,media/b\nsociety-live,protected/c\n"
    ]
    control.assert_no_pending_responses()


def test_two_buckets_take_two_jobs(on_s3, control):
    control.add_response("create_job", {"JobId": "job-1"}, expected_job())
    control.add_response("create_job", {"JobId": "job-2"}, expected_job())
    pairs = {"default": pair(), "protected": pair("protected", "live-private", "private")}

    jobs = submit(named("default", "a") + named("protected", "c"), pairs)

    assert [(job.target, job.files) for job in jobs] == [
        ("private", 1),
        ("society-staging", 1),
    ]


def expected_job():
    """Any values: the stub itself checks the names and types of parameters."""
    fields = (
        "AccountId RoleArn Description ClientRequestToken ConfirmationRequired Priority "
        "Manifest Operation Report"
    )
    return dict.fromkeys(fields.split(), ANY)


def test_an_anonymous_client_cannot_read_the_manifest(on_s3, control):
    control.add_response("create_job", {"JobId": "job-1"}, expected_job())

    submit(named("default", "a"), {"default": pair()})

    (key,) = manifests(on_s3)
    assert key.startswith("protected/batch/")


def test_nothing_named_makes_no_job(on_s3, control):
    assert submit([], {"default": pair()}) == []
    assert manifests(on_s3) == {}


def test_a_dry_run_counts_and_writes_nothing(on_s3, control):
    jobs = submit(named("default", "a"), {"default": pair()}, dry_run=True)

    assert jobs == [Job(*ROUTE, 1, "")]
    assert manifests(on_s3) == {}


def test_what_aws_refuses_is_said(on_s3, control):
    control.add_client_error("create_job", "AccessDeniedException", "iam:PassRole")

    with pytest.raises(Unusable, match=r"refused the job.*iam:PassRole"):
        submit(named("default", "a"), {"default": pair()})


def test_a_manifest_that_cannot_be_stored_is_said(on_s3, control):
    on_s3.fail_next(403, "AccessDenied")

    with pytest.raises(Unusable, match="manifest could not be stored"):
        submit(named("default", "a"), {"default": pair()})


def test_prefixes_that_differ_are_refused():
    """A job keeps the keys. Equal ones are the control, above."""
    pairs = {"default": (place(S3Source, "live", "media"), place(S3Target, "staging", "files"))}

    with pytest.raises(Unusable, match="the live prefix media/ and this site's files/"):
        routes(pairs)


def test_a_folder_is_refused(tmp_path):
    pairs = {"default": (place(S3Source, "live"), Folder(FileSystemStorage(tmp_path)))}

    with pytest.raises(Unusable, match="not to or from a folder"):
        routes(pairs)


def test_another_provider_is_refused():
    elsewhere = "https://s3.example.org"
    pairs = {
        "default": (
            place(S3Source, "live", endpoint_url=elsewhere),
            place(S3Target, "staging", endpoint_url=elsewhere),
        )
    }

    with pytest.raises(Unusable, match="a service of AWS"):
        routes(pairs)


@pytest.mark.parametrize(
    ("region", "target_region", "endpoint", "is_possible"),
    [
        ("eu-west-1", "us-east-1", None, True),
        ("cn-north-1", "cn-northwest-1", None, True),
        ("eu-west-1", "cn-north-1", None, False),
        ("eu-west-1", "eu-west-1", "https://s3.example.org", False),
    ],
)
def test_both_buckets_have_to_be_in_one_part_of_aws(region, target_region, endpoint, is_possible):
    keys = {"access_key": "AKIA", "secret_key": "secret", "prefix": "media"}
    source = S3Source(bucket="live", region=region, **keys)
    target = S3Target(bucket="own", region=target_region, endpoint_url=endpoint, **keys)
    pairs = {"default": (source, target)}

    if is_possible:
        assert routes(pairs) == {"default": Route("live", "own")}
    else:
        with pytest.raises(Unusable, match="both buckets have to be on AWS"):
            routes(pairs)


def test_the_control_plane_is_asked_where_the_bucket_is(on_s3):
    client = s3_batch.control_client(storages["protected"])

    assert client.meta.region_name == "eu-west-1"
    assert client.meta.service_model.service_name == "s3control"
    keys = client._request_signer._credentials
    storage = storages["protected"]
    assert (keys.access_key, keys.secret_key) == (storage.access_key, storage.secret_key)


def test_the_settings_take_a_role_and_a_prefix():
    values = settings_for({"BATCH_ROLE_ARN": ROLE, "PROTECTED_PREFIX": "private"})

    assert values["BATCH_ROLE_ARN"] == ROLE
    assert values["BATCH_REPORT_PREFIX"] == "private/batch"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BATCH_ROLE_ARN", "members-portal-copy"),
        ("BATCH_REPORT_PREFIX", "media/batch"),
        ("BATCH_REPORT_PREFIX", "assets"),
    ],
)
def test_the_settings_refuse_what_is_no_role_and_what_is_public(name, value):
    with pytest.raises(ImproperlyConfigured, match=name):
        settings_for({name: value})


@pytest.fixture
def site(on_s3, settings, monkeypatch, owner):
    """A staging site with a row that names two files; both of its buckets pass for AWS's."""
    pairs = {"default": pair("media"), "protected": pair("protected")}
    settings.SITE_ENVIRONMENT, settings.BATCH_ROLE_ARN = "staging", ROLE
    settings.BATCH_REPORT_PREFIX = "protected/batch"
    monkeypatch.setattr(command, "live_pairs", lambda storages, jobs: pairs)
    return on_s3


def copy_live_media(*arguments) -> str:
    out = io.StringIO()
    call_command("copy_live_media", "--s3-batch", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_says_how_to_watch_the_job(site, control):
    control.add_response("create_job", {"JobId": "job-1"}, expected_job())

    said = copy_live_media()

    assert "4 files, from society-live to society-staging." in said
    assert "--job-id job-1 --account-id 123456789012 --region eu-west-1" in said
    assert len(manifests(site)) == 1


def test_the_command_creates_no_job_in_a_dry_run(site, control):
    said = copy_live_media("--dry-run")

    assert "4 files, from society-live to society-staging." in said
    assert "dry run" in said
    assert manifests(site) == {}


def test_the_command_lists_only_the_fields_asked_for(site, control):
    said = copy_live_media("--dry-run", "--only", "profiles.Profile.avatar")

    assert "1 files" in said


def test_the_command_wants_a_role(site, settings, control):
    settings.BATCH_ROLE_ARN = None

    with pytest.raises(CommandError, match="Set BATCH_ROLE_ARN"):
        copy_live_media()


def test_the_command_wants_a_storage_for_its_manifests(site, settings, control):
    """Y13: another project may have none of this alias."""
    settings.STORAGES = {
        alias: storage for alias, storage in settings.STORAGES.items() if alias != "protected"
    }

    with pytest.raises(CommandError, match='kept in the storage "protected", and STORAGES has non'):
        copy_live_media("--only", "profiles.Profile.avatar")


def test_the_command_passes_on_what_aws_refuses(site, control):
    control.add_client_error("create_job", "AccessDeniedException", "iam:PassRole")

    with pytest.raises(CommandError, match="iam:PassRole"):
        copy_live_media()


@pytest.mark.django_db
def test_the_guards_are_those_of_the_copy(on_s3, settings, control):
    """Y1: the control is above."""
    settings.SITE_ENVIRONMENT = "production"

    with pytest.raises(CommandError, match="Nothing was read or written"):
        copy_live_media()

    assert on_s3.requests == []
