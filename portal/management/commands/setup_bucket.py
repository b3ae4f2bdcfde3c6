import json

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError

from portal import buckets

# How S3-compatible servers say that they have no such thing.
NOT_SUPPORTED = {"NotImplemented", "MethodNotAllowed", "XNotImplemented", "501", "405"}
NOTHING_YET = {
    "NoSuchBucketPolicy",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
}


class Command(BaseCommand):
    help = (
        "Create the site's buckets where they are missing, and open the public prefixes in them, "
        "and nothing else, to strangers. Safe to run again: what is right is left alone, and so "
        "are other people's policy statements and lifecycle rules."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print what the buckets would be told, as JSON, and ask S3 nothing",
        )

    def handle(self, *, dry_run, **options):
        if not settings.AWS_AVAILABLE:
            raise CommandError(f"S3 is not configured: set {', '.join(settings.S3_REQUIRED)}.")
        places = buckets.buckets_of(storages[alias] for alias in ("default", "protected", "assets"))
        if dry_run:
            wanted = {bucket: self.wanted(inside) for bucket, inside in places.items()}
            self.stdout.write(json.dumps(wanted, indent=2))
            return
        try:
            for bucket, inside in places.items():
                self.set_up(bucket, inside)
        except (ClientError, BotoCoreError) as error:
            raise CommandError(f"S3 refused: {error}") from error

    def wanted(self, inside) -> dict:
        return {
            "PublicAccessBlockConfiguration": buckets.public_access_block(inside),
            "Policy": policy(buckets.public_statements(inside)),
            "LifecycleConfiguration": {"Rules": [buckets.lifecycle_rule()]},
        }

    def set_up(self, bucket, inside):
        self.client = inside[0].connection.meta.client
        self.stdout.write(self.style.MIGRATE_HEADING(f"Bucket {bucket}"))
        self.create(bucket, inside[0].region_name)
        # The block comes first: it decides whether S3 takes a policy that lets strangers in.
        self.optional(self.set_public_access_block, bucket, buckets.public_access_block(inside))
        self.set_policy(bucket, buckets.public_statements(inside))
        self.optional(self.set_lifecycle, bucket, [buckets.lifecycle_rule()])

    def create(self, bucket, region):
        try:
            self.client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
                raise
        else:
            self.report("bucket", changed=False)
            return
        # us-east-1 is the one region that must not be named.
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        self.client.create_bucket(
            Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {})
        )
        self.report("bucket", changed=True)

    def set_public_access_block(self, bucket, wanted):
        answer = self.present(self.client.get_public_access_block, bucket)
        changed = answer.get("PublicAccessBlockConfiguration") != wanted
        if changed:
            self.client.put_public_access_block(
                Bucket=bucket, PublicAccessBlockConfiguration=wanted
            )
        self.report("public access block", changed)

    def set_policy(self, bucket, ours):
        answer = self.present(self.client.get_bucket_policy, bucket)
        present = json.loads(answer.get("Policy", '{"Statement": []}'))["Statement"]
        wanted = buckets.merged(present, ours, "Sid")
        changed = wanted != present
        if changed and wanted:
            self.client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy(wanted)))
        elif changed:
            self.client.delete_bucket_policy(Bucket=bucket)
        self.report("policy", changed)

    def set_lifecycle(self, bucket, ours):
        answer = self.present(self.client.get_bucket_lifecycle_configuration, bucket)
        present = answer.get("Rules", [])
        wanted = buckets.merged(present, ours, "ID")
        changed = wanted != present
        if changed:
            self.client.put_bucket_lifecycle_configuration(
                Bucket=bucket, LifecycleConfiguration={"Rules": wanted}
            )
        self.report("lifecycle", changed)

    def present(self, get, bucket) -> dict:
        """What the bucket has been told so far; empty if nothing."""
        try:
            return get(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOTHING_YET:
                raise
            return {}

    def optional(self, step, bucket, wanted):
        """Take a step that some servers do not know, and without which the site is safe."""
        try:
            step(bucket, wanted)
        except ClientError as error:
            if error.response["Error"]["Code"] not in NOT_SUPPORTED:
                raise
            name = step.__name__.removeprefix("set_").replace("_", " ")
            self.stdout.write(f"  {name}: this server has none, left out")

    def report(self, what, changed):
        state = self.style.SUCCESS("set") if changed else "as it should be"
        self.stdout.write(f"  {what}: {state}")


def policy(statements: list[dict]) -> dict:
    return {"Version": "2012-10-17", "Statement": statements}
