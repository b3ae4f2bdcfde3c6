"""A copy by S3 Batch Operations, AWS's distributed engine, for what is too much for one machine.

A manifest of keys is put into the staging bucket, and a job is created that copies them from the
live bucket to this site's: no byte of a file passes through here. Keys stay the same, and so do
the headers of the objects. docs/staging.md describes the role that a job needs.
docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-copy-object.html
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from uuid import uuid4

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import Unusable
from portal.files.references import Reference
from portal.s3.addresses import quote_key

JOB_PRIORITY = 10


class Route(NamedTuple):
    """The two buckets of a job."""

    source: str
    target: str


class Job(NamedTuple):
    """A job that copies a number of files from one bucket to the other."""

    source: str
    target: str
    files: int
    id: str  # empty if none has been created


def copy_by_batch(
    references: Iterable[Reference],
    pairs: dict[str, tuple],
    *,
    storage,
    role_arn: str,
    prefix: str,
    dry_run: bool = False,
) -> Iterator[Job]:
    """Create a job for each route that has files, and yield it; in a dry run, only yield it.

    Manifests and reports are kept below the prefix in the storage's bucket. Raises Unusable where
    S3 Batch Operations could not do the copy, or refuses to.
    """
    by_label = routes(pairs)
    with TemporaryDirectory() as folder:
        manifests = {
            route: Path(folder, str(number)) for number, route in enumerate(set(by_label.values()))
        }
        counts = write_manifests(references, pairs, by_label, manifests)
        for route, count in sorted(counts.items()):
            token = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{uuid4().hex}"
            job_id = ""
            if not dry_run:
                etag = put_manifest(manifests[route], storage, f"{prefix}/{token}.csv")
                request = copy_job(
                    route, role_arn=role_arn, bucket=storage.bucket_name,
                    prefix=prefix, token=token, etag=etag,
                )  # fmt: skip
                job_id = create_job(request, control_client(storage))
            yield Job(*route, count, job_id)


def routes(pairs: dict[str, tuple]) -> dict[str, Route]:
    """The route of each storage's files, by its label. Makes no request. Raises Unusable."""
    for source, target in pairs.values():
        if not (isinstance(source, S3Source) and isinstance(target, S3Target)):
            raise Unusable("S3 Batch Operations copies between buckets, not to or from a folder.")
        if not (source.service == target.service and source.service in {"aws", "aws-cn"}):
            raise Unusable(
                "S3 Batch Operations is a service of AWS: both buckets have to be on AWS."
            )
        if source.prefix != target.prefix:
            raise Unusable(
                f"S3 Batch Operations keeps keys as they are: the live prefix {source.prefix} "
                f"and this site's {target.prefix} would have to be the same."
            )
    return {label: Route(source.bucket, target.bucket) for label, (source, target) in pairs.items()}


def write_manifests(
    references: Iterable[Reference],
    pairs: dict[str, tuple],
    by_label: dict[str, Route],
    manifests: dict[Route, Path],
) -> dict[Route, int]:
    """Write each route's keys into its file, and return their number for routes that have any."""
    counts = {}
    last = None
    with ExitStack() as open_files:
        files = {
            route: open_files.enter_context(path.open("wb")) for route, path in manifests.items()
        }
        for reference in references:
            if (reference.storage, reference.name) == last:  # several rows may share a file
                continue
            last = (reference.storage, reference.name)
            source, _ = pairs[reference.storage]
            route = by_label[reference.storage]
            files[route].write(manifest_line(route.source, source.key(reference.name)))
            counts[route] = counts.get(route, 0) + 1
    return counts


def manifest_line(bucket: str, key: str) -> bytes:
    """A line of S3's CSV: keys are percent-encoded, commas and quotes included."""
    return f"{bucket},{quote_key(key)}\n".encode("ascii")


def copy_job(
    route: Route, *, role_arn: str, bucket: str, prefix: str, token: str, etag: str
) -> dict:
    """The request that creates a job, as boto3's create_job takes it.

    Its manifest is `prefix/token.csv` in the bucket, with this ETag. Below the prefix the job also
    reports what it could not copy. A second request with the same token makes no second job.
    """
    partition = role_arn.split(":")[1]
    arn = f"arn:{partition}:s3:::{bucket}"
    return {
        "AccountId": account_of(role_arn),
        "RoleArn": role_arn,
        "Description": f"Members portal: {route.source} to {route.target}",
        "ClientRequestToken": token,
        "ConfirmationRequired": False,
        "Priority": JOB_PRIORITY,
        "Manifest": {
            "Spec": {"Format": "S3BatchOperations_CSV_20180820", "Fields": ["Bucket", "Key"]},
            "Location": {"ObjectArn": f"{arn}/{prefix}/{token}.csv", "ETag": etag},
        },
        "Operation": {
            "S3PutObjectCopy": {
                "TargetResource": f"arn:{partition}:s3:::{route.target}",
                "MetadataDirective": "COPY",
            }
        },
        "Report": {
            "Enabled": True,
            "Bucket": arn,
            "Prefix": prefix,
            "Format": "Report_CSV_20180820",
            "ReportScope": "FailedTasksOnly",
        },
    }


def account_of(role_arn: str) -> str:
    """The account number in a role's ARN: arn:aws:iam::123456789012:role/name."""
    return role_arn.split(":")[4]


def put_manifest(path: Path, storage, key: str) -> str:
    """Store a manifest in the storage's bucket, and return its ETag."""
    client = storage.connection.meta.client
    try:
        with path.open("rb") as manifest:
            answer = client.put_object(
                Bucket=storage.bucket_name, Key=key, Body=manifest, ContentType="text/csv"
            )
    except (BotoCoreError, ClientError) as error:
        raise Unusable(f"The manifest could not be stored. {error}") from error
    return answer["ETag"].strip('"')


def control_client(storage):
    """A client of S3's control plane in the region of the storage's bucket, as AWS demands."""
    session = boto3.Session(
        aws_access_key_id=storage.access_key,
        aws_secret_access_key=storage.secret_key,
        region_name=storage.region_name,
    )
    return session.client("s3control")


def create_job(request: dict, control) -> str:
    """Submit a job, and return its id. Raises Unusable."""
    try:
        return control.create_job(**request)["JobId"]
    except (BotoCoreError, ClientError) as error:
        raise Unusable(f"S3 Batch Operations refused the job. {error}") from error
