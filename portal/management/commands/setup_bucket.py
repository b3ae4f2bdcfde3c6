import json
from collections.abc import Callable
from typing import NamedTuple

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import storages
from django.core.files.storage.handler import StorageHandler
from django.core.management.base import BaseCommand, CommandError

from portal import buckets, iam, s3
from portal.advice import on_error, reason
from portal.probes import is_answer
from portal.storages import POLICIES

KEYS = ("app", "assets", "live", "operator")

# How S3-compatible servers say that they have no such thing.
NOT_SUPPORTED = {"NotImplemented", "MethodNotAllowed", "XNotImplemented", "501", "405"}
NOTHING_YET = {
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
}
REFUSED_AS_WRITTEN = {400, 405, 501}  # HTTP's way of saying so; vendors' codes are many


class NotSupported(Exception):
    """An older server has taken the question for another one, such as for a listing."""


class Setting(NamedTuple):
    """Something that a bucket can be told, and how boto3 calls it."""

    what: str
    name: str  # of the methods get_name and put_name
    field: str  # of the answer
    request: Callable[[object], dict]  # what to put, as the method takes it


BLOCK = Setting(
    "public access block",
    "public_access_block",
    "PublicAccessBlockConfiguration",
    lambda wanted: {"PublicAccessBlockConfiguration": wanted},
)
POLICY = Setting(
    "policy",
    "bucket_policy",
    "Policy",
    lambda statements: {"Policy": json.dumps(buckets.policy(statements))},
)
ENCRYPTION = Setting(
    "encryption",
    "bucket_encryption",
    "ServerSideEncryptionConfiguration",
    lambda wanted: {"ServerSideEncryptionConfiguration": wanted},
)
LIFECYCLE = Setting(
    "lifecycle",
    "bucket_lifecycle_configuration",
    "Rules",
    lambda rules: {"LifecycleConfiguration": {"Rules": rules}},
)
OWNERSHIP = Setting(
    "object ownership",
    "bucket_ownership_controls",
    "OwnershipControls",
    lambda wanted: {"OwnershipControls": wanted},
)


class Command(BaseCommand):
    help = (
        "Create the site's buckets where they are missing, and open the public prefixes in them, "
        "and nothing else, to strangers. Safe to run again: what is right is left alone, and so "
        "are other people's policy statements and lifecycle rules."
    )

    def add_arguments(self, parser):
        instead = parser.add_mutually_exclusive_group()
        instead.add_argument(
            "--dry-run",
            action="store_true",
            help="print what the buckets would be told, as JSON, and ask S3 nothing",
        )
        instead.add_argument(
            "--print-iam",
            nargs="?",
            const="all",
            choices=(*KEYS, "all"),
            metavar="KEY",
            help=f"print the IAM policy that a key pair needs ({', '.join(KEYS)}; all of them by"
            " default), as JSON, and ask S3 nothing",
        )

    def handle(self, *, dry_run, print_iam, **options):
        if not settings.AWS_AVAILABLE:
            raise CommandError(f"S3 is not configured: set {', '.join(settings.S3_REQUIRED)}.")
        site = {alias: storages[alias] for alias in POLICIES}
        places = buckets.buckets_of(site.values())
        if print_iam:
            self.print(iam_policies(site, print_iam))
        elif dry_run:
            self.print({bucket: documents(inside) for bucket, inside in places.items()})
        elif settings.FILES_FOLDER:
            raise CommandError(
                "FILES_FOLDER makes this site one of several in its buckets. Run setup_bucket with"
                " FILES_FOLDER empty: what opens the prefixes opens each site's folder, too."
            )
        else:
            try:
                for bucket, inside in places.items():
                    with s3.storage_errors("set up", bucket, inside[0]):
                        self.set_up(bucket, inside)
            except s3.StorageError as error:
                how = "S3 refused" if is_answer(error) else "S3 does not answer"
                raise CommandError(f"{how}: {error.__cause__}\n{advice(error)}") from error

    def print(self, document):
        self.stdout.write(json.dumps(document, indent=4))

    def set_up(self, bucket, inside):
        self.client = inside[0].connection.meta.client
        self.stdout.write(self.style.MIGRATE_HEADING(f"Bucket {bucket}"))
        self.create(bucket, inside[0].region_name)
        # The block comes first: it decides whether S3 takes a policy that lets strangers in.
        for setting, step in (
            (BLOCK, self.set_public_access_block),
            (POLICY, self.set_policy),
            (ENCRYPTION, self.set_encryption),
            (LIFECYCLE, self.set_lifecycle),
            (OWNERSHIP, self.set_ownership),
        ):
            try:
                step(bucket, inside)
            except (NotSupported, ClientError) as error:
                if not is_not_supported(error):
                    raise
                self.say(setting, "this server has none, left out")
                if setting is POLICY and (public := buckets.public_statements(inside)):
                    places = " and ".join(statement["Resource"] for statement in public)
                    self.stderr.write(
                        f"  Let strangers in to {places} by the provider's own means, and to"
                        " nothing else: docs/storage.md."
                    )

    def create(self, bucket, region):
        try:
            self.client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
        else:
            self.stdout.write("  bucket: as it should be")
            return
        # us-east-1 is the one region that must not be named.
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        try:
            self.client.create_bucket(
                Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {})
            )
        except ClientError as error:
            # The answer was too slow for the first attempt, and boto3 has asked again.
            if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
                raise
        self.stdout.write(f"  bucket: {self.style.SUCCESS('created')}")

    def set_public_access_block(self, bucket, inside):
        self.settle(BLOCK, bucket, self.get(BLOCK, bucket), buckets.public_access_block(inside))

    def set_policy(self, bucket, inside):
        """Let strangers in where pages send them, even on a server that knows no such limits."""
        public, limits = buckets.public_statements(inside), limits_of(inside)
        present = json.loads(self.get(POLICY, bucket) or '{"Statement": []}')["Statement"]
        present = present if isinstance(present, list) else [present]
        try:
            self.settle(POLICY, bucket, present, buckets.merged(present, public + limits, "Sid"))
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status not in REFUSED_AS_WRITTEN or not limits:
                raise
            self.settle(POLICY, bucket, present, buckets.merged(present, public, "Sid"))
            names = ", ".join(statement["Sid"] for statement in limits)
            self.say(POLICY, f"without {names}, which this server refuses: {error}")

    def set_encryption(self, bucket, inside):
        wanted = buckets.encryption(inside)
        if not wanted:
            self.say(ENCRYPTION, "left to this server")
            return
        present = self.get(ENCRYPTION, bucket)
        found = buckets.algorithm(present)
        if found and found != buckets.algorithm(wanted):
            self.say(ENCRYPTION, f"{found}, left as it is")
        else:  # what goes with the algorithm, such as a bucket key, is somebody's own decision
            self.settle(ENCRYPTION, bucket, present, present if found else wanted)

    def set_lifecycle(self, bucket, inside):
        present = self.get(LIFECYCLE, bucket) or []
        wanted = buckets.merged(present, [buckets.lifecycle_rule()], "ID")
        self.settle(LIFECYCLE, bucket, present, wanted)

    def set_ownership(self, bucket, inside):
        self.settle(OWNERSHIP, bucket, self.get(OWNERSHIP, bucket), buckets.ownership_controls())

    def get(self, setting, bucket):
        """What the bucket has been told so far, or None."""
        try:
            answer = getattr(self.client, f"get_{setting.name}")(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOTHING_YET:
                raise
            return None
        if not answer.get(setting.field):
            raise NotSupported
        return answer[setting.field]

    def settle(self, setting, bucket, present, wanted):
        """Tell the bucket what is wanted, unless it has been told."""
        if buckets.say_the_same(wanted, present):
            self.say(setting, "as it should be")
            return
        if wanted:
            put = getattr(self.client, f"put_{setting.name}")
            put(Bucket=bucket, **setting.request(wanted))
        else:
            getattr(self.client, f"delete_{setting.name}")(Bucket=bucket)
        self.say(setting, self.style.SUCCESS("set"))

    def say(self, setting, words):
        self.stdout.write(f"  {setting.what}: {words}")


def is_not_supported(error: Exception) -> bool:
    return isinstance(error, NotSupported) or error.response["Error"]["Code"] in NOT_SUPPORTED


def advice(error: s3.StorageError) -> str:
    """What to do about a refusal, or a silence."""
    if reason(error) not in {"403", "AccessDenied"}:
        return on_error(error)
    return (
        "This key may not do that. The site's own need not: run this once with an operator's"
        " (docs/storage.md, Keys); --print-iam operator prints what that has to be allowed."
    )


def iam_policies(site: dict, key: str) -> dict:
    live = StorageHandler(settings.LIVE_STORAGES)
    twins = {alias: live[alias] for alias in settings.LIVE_STORAGES}
    uploads = {alias: site[alias] for alias in ("default", "protected")}
    policies = iam.policies(site, live=twins or uploads)
    return policies if key == "all" else policies[key]


def limits_of(inside: list) -> list[dict]:
    seconds = settings.PROTECTED_URL_SECONDS
    return buckets.link_age_statements(inside, seconds) + buckets.tls_statements(inside)


def documents(inside: list) -> dict:
    """All that a bucket is told, under S3's own names."""
    return {
        "PublicAccessBlockConfiguration": buckets.public_access_block(inside),
        "Policy": buckets.policy(buckets.public_statements(inside) + limits_of(inside)),
        "ServerSideEncryptionConfiguration": buckets.encryption(inside),
        "LifecycleConfiguration": {"Rules": [buckets.lifecycle_rule()]},
        "OwnershipControls": buckets.ownership_controls(),
    }
