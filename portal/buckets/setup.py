"""Configures a bucket. Settings that are right are left alone; missing features are skipped."""

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from portal.files.sweeping import with_retries
from portal.s3.addresses import prefix_of
from portal.s3.codes import KINDS, Kind

from . import documents

REFUSED_AS_WRITTEN = {400, 405, 501}  # statuses of HTTP, because the codes differ by vendor
AS_IT_SHOULD_BE = "as it should be"
TAKEN_BACK = "taken back: with it this server refuses uploads"
NOT_KEPT = "sent, but this server answers as before"


class NotSupported(Exception):
    """A server without this setting has answered another request, such as one for a listing."""


class Step(NamedTuple):
    """The outcome of one setting of a bucket."""

    setting: str  # such as "policy"
    outcome: str  # in words
    is_changed: bool = False
    warning: str = ""  # what the operator has to do by other means


class Setting(NamedTuple):
    """A setting of a bucket, and boto3's names for it."""

    what: str
    name: str  # of the methods get_name, put_name and delete_name
    field: str  # of the answer
    request: Callable[[Any], dict]  # what to put, as the method takes it


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
    lambda statements: {"Policy": json.dumps(documents.policy_document(statements))},
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


def set_up(storages: list) -> Iterator[Step]:
    """Create and configure the bucket that some storages share, one setting after the other.

    Raises botocore's errors where S3 refuses or does not answer.
    """
    bucket = BucketSetup(storages)
    yield bucket.create()
    # The block comes first: it decides if S3 accepts a policy that opens something.
    for setting, step in (
        (BLOCK, bucket.set_public_access_block),
        (POLICY, bucket.set_policy),
        (ENCRYPTION, bucket.set_encryption),
        (LIFECYCLE, bucket.set_lifecycle),
        (OWNERSHIP, bucket.set_ownership),
    ):
        try:
            yield step()
        except (NotSupported, ClientError) as error:
            if not is_not_supported(error):
                raise
            warning = bucket.open_by_hand() if setting is POLICY else ""
            yield Step(setting.what, "this server has none, left out", warning=warning)


class BucketSetup:
    """One bucket, and the storages that keep files in it."""

    def __init__(self, storages: list):
        self.storages = storages
        self.bucket, self.region = storages[0].bucket_name, storages[0].region_name
        self.client = with_retries(storages[0]).connection.meta.client
        self.answers: dict[str, object] = {}  # what each setting was when it was last read

    def create(self) -> Step:
        """Create the bucket unless it exists."""
        try:
            self.client.head_bucket(Bucket=self.bucket)
        except ClientError as error:
            if kind_of(error) not in {Kind.NOT_FOUND, Kind.BUCKET}:
                raise
        else:
            return Step("bucket", AS_IT_SHOULD_BE)
        # us-east-1 is the one region that must not be named.
        location = {} if self.region == "us-east-1" else {"LocationConstraint": self.region}
        try:
            self.client.create_bucket(
                Bucket=self.bucket, **({"CreateBucketConfiguration": location} if location else {})
            )
        except ClientError as error:
            # The first attempt succeeded, but its answer was late and boto3 has tried again.
            if kind_of(error) is not Kind.OWN_BUCKET:
                raise
        return Step("bucket", "created", is_changed=True)

    def set_public_access_block(self) -> Step:
        """Block ACLs, and public policies if nothing is public.

        Ceph 16.2 refuses every upload with such a block, of the owner too, so one is tried. Where
        it was refused before as well, the key may not upload, and nothing is proven.
        """
        present, wanted = self.get(BLOCK), documents.public_access_block(self.storages)
        if documents.same_document(wanted, present):
            return self.keep_block(wanted)
        could_store = self.can_store()
        step = self.settle(BLOCK, present, wanted)
        if not could_store or self.can_store():
            return step
        if present:
            self.client.put_public_access_block(Bucket=self.bucket, **BLOCK.request(present))
        else:
            self.client.delete_public_access_block(Bucket=self.bucket)
        return Step(BLOCK.what, TAKEN_BACK)

    def keep_block(self, wanted) -> Step:
        """Remove the block that an earlier run has left if it is what makes uploads fail.

        AWS's own is never the reason, and stays without a gap.
        """
        if documents.is_aws(self.storages[0]) or self.can_store():
            return Step(BLOCK.what, AS_IT_SHOULD_BE)
        self.client.delete_public_access_block(Bucket=self.bucket)
        is_the_block = False
        try:
            is_the_block = self.can_store()
        finally:
            if not is_the_block:
                self.client.put_public_access_block(Bucket=self.bucket, **BLOCK.request(wanted))
        return Step(
            BLOCK.what, TAKEN_BACK if is_the_block else AS_IT_SHOULD_BE, is_changed=is_the_block
        )

    def can_store(self) -> bool:
        """Return True if this key can store a file, at a name that nobody uses, and delete it.

        Raises ClientError where S3 is busy or broken, which says nothing about the key.
        """
        about = {"Bucket": self.bucket, "Key": f"{prefix_of(self.storages[0])}{uuid4()}.txt"}
        try:
            self.client.delete_object(**about)  # first, because what is stored has to go again
            self.client.put_object(**about, Body=b"from manage.py setup_bucket\n")
            self.client.delete_object(**about)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status >= 500 or kind_of(error) is Kind.BUSY:
                raise
            return False
        return True

    def set_policy(self) -> Step:
        """Open the public prefixes; without the limits, if the server refuses those statements."""
        public = documents.public_statements(self.storages)
        limits = documents.limits(self.storages)
        present = self.statements()
        try:
            return self.settle_policy(present, public + limits)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status not in REFUSED_AS_WRITTEN or not limits:
                raise
            step = self.settle_policy(present, public)
            names = ", ".join(statement["Sid"] for statement in limits)
            return step._replace(
                outcome=f"{step.outcome}, without {names}, which this server refuses: {error}"
            )

    def statements(self) -> list[dict]:
        """Return those of the present policy. Raises NotSupported where the answer is none."""
        policy = self.get(POLICY) or '{"Statement": []}'
        if not policy.lstrip().startswith("{"):  # rclone's server answers with a listing
            raise NotSupported
        present = json.loads(policy)["Statement"]
        return present if isinstance(present, list) else [present]

    def settle_policy(self, present: list[dict], ours: list[dict]) -> Step:
        """Put our statements beside those of others, and name those of earlier runs that go."""
        wanted = documents.merged(present, ours, "Sid")
        step = self.settle(POLICY, present, wanted)
        removed = documents.sids(present) - documents.sids(wanted)
        if not removed:
            return step
        return step._replace(
            outcome=f"{step.outcome}, without {', '.join(sorted(removed))}",
            warning="If another project keeps files in this bucket, its files are affected. Give"
            " each a bucket of its own, and run setup_bucket there.",
        )

    def set_encryption(self) -> Step:
        """Encrypt on AWS; another algorithm that the bucket has is left as it is."""
        wanted = documents.encryption(self.storages)
        if not wanted:
            return Step(ENCRYPTION.what, "left to this server")
        present = self.get(ENCRYPTION)
        found = documents.algorithm(present)
        if found and found != documents.algorithm(wanted):
            return Step(ENCRYPTION.what, f"{found}, left as it is")
        # The rest of a configuration, such as a bucket key, is the operator's own decision.
        return self.settle(ENCRYPTION, present, present if found else wanted)

    def set_lifecycle(self) -> Step:
        """Add the rule that deletes the parts of unfinished uploads."""
        present = self.get(LIFECYCLE) or []
        wanted = documents.merged(present, [documents.lifecycle_rule()], "ID")
        return self.settle(LIFECYCLE, present, wanted)

    def set_ownership(self) -> Step:
        """Switch ACLs off."""
        return self.settle(OWNERSHIP, self.get(OWNERSHIP), documents.ownership_controls())

    def get(self, setting: Setting):
        """Return the present state of a setting, or None. Raises NotSupported, ClientError."""
        try:
            answer = getattr(self.client, f"get_{setting.name}")(Bucket=self.bucket)
        except ClientError as error:
            if kind_of(error) is not Kind.NOT_SET:
                raise
            present = None
        else:
            present = answer.get(setting.field)
            if not present:
                raise NotSupported
        self.answers[setting.what] = present
        return present

    def settle(self, setting: Setting, present, wanted) -> Step:
        """Change a setting, unless it is as wanted already."""
        if documents.same_document(wanted, present):
            return Step(setting.what, AS_IT_SHOULD_BE)
        if wanted:
            put = getattr(self.client, f"put_{setting.name}")
            put(Bucket=self.bucket, **setting.request(wanted))
        else:
            getattr(self.client, f"delete_{setting.name}")(Bucket=self.bucket)
        if self.answers_as_before(setting):
            return Step(setting.what, NOT_KEPT)
        return Step(setting.what, "set", is_changed=True)

    def answers_as_before(self, setting: Setting) -> bool:
        """Return True if a setting that was accepted has changed nothing, as on some gateways."""
        before = self.answers.get(setting.what)
        return documents.same_document(self.get(setting), before)

    def open_by_hand(self) -> str:
        """Return what to open where there are no bucket policies; empty if nothing is public."""
        public = documents.public_statements(self.storages)
        prefixes = " and ".join(statement["Resource"] for statement in public)
        if not public:
            return ""
        return (
            f"Open {prefixes} to anonymous clients by the provider's own means, and nothing else:"
            " docs/storage.md."
        )


def is_not_supported(error: Exception) -> bool:
    """Return True if the server does not have the feature."""
    return isinstance(error, NotSupported) or kind_of(error) is Kind.NOT_SUPPORTED


def kind_of(error: Exception) -> Kind | None:
    """Return the kind of S3's error; None if it did not answer, or with an unknown code."""
    return KINDS.get(getattr(error, "response", {}).get("Error", {}).get("Code"))
