"""The keys for the live site's files: they must read them, and do nothing else."""

from collections.abc import Iterator
from uuid import uuid4

from portal.files.hints import on_refusal, on_silence, variables
from portal.files.storages import PolicyMixin
from portal.s3.addresses import prefix_of
from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, code_of, describe, storage_errors

from .anonymous_client import AnonymousClient
from .findings import FAIL, OK, WARN, Finding
from .reachability import bucket_answers


def read_only_findings(twins: dict[str, PolicyMixin], client: AnonymousClient) -> Iterator[Finding]:
    """Yield the findings about the live twins of the site's storages, given by their aliases.

    They are asked through boto3: the client of copy_live_media has no method that changes anything,
    so it could not find out what the key may do.
    """
    answering = {}
    for alias, twin in twins.items():
        subject = f"live {alias}"
        if twin.bucket_url not in answering:
            found = bucket_answers(subject, twin, client)
            answering[twin.bucket_url] = found.outcome != FAIL
            yield found
        if answering[twin.bucket_url]:
            found = key_reads(subject, twin)
            yield found
            if found.outcome != FAIL:
                yield key_cannot_store(subject, twin)
                yield key_cannot_delete(subject, twin)


def key_reads(subject: str, twin: PolicyMixin) -> Finding:
    """Check that the key lists and reads: one file, and of that only its headers."""
    prefix, client = prefix_of(twin), twin.connection.meta.client
    statement = f"the key lists and reads below {prefix}"
    try:
        with storage_errors("read", prefix):
            page = client.list_objects_v2(Bucket=twin.bucket_name, Prefix=prefix, MaxKeys=1)
            for item in page.get("Contents", []):
                client.head_object(Bucket=twin.bucket_name, Key=item["Key"])
    except StorageError as error:
        if not (code := code_of(error)):
            hint = on_silence(subject, twin)
        elif KINDS.get(code) is Kind.FORBIDDEN:
            hint = how_to_limit(subject, twin)
        else:
            hint = on_refusal(code, subject, twin)
        return Finding(FAIL, subject, statement, describe(error), hint)
    if not page.get("Contents"):
        hint = f"Check that the live site keeps its files below {prefix} of {twin.bucket_name}."
        return Finding(WARN, subject, statement, "there is nothing to read", hint)
    return Finding(OK, subject, statement)


def key_cannot_store(subject: str, twin: PolicyMixin) -> Finding:
    """Check that S3 refuses to begin an upload in parts, which needs the permission to store.

    This is the mildest way to find out: an upload that is begun and aborted stores no object and
    no version, and triggers no event. A PUT does all that; one with a condition, or with a wrong
    checksum, does so on the servers that ignore either.
    """
    key = unused_key(twin)
    client, statement = twin.connection.meta.client, "the key cannot store"
    try:
        with storage_errors("begin", key):
            begun = client.create_multipart_upload(Bucket=twin.bucket_name, Key=key)
    except StorageError as error:
        return forbidden(subject, twin, statement, error)
    left = "nothing was stored"
    try:
        with storage_errors("abort", key):
            client.abort_multipart_upload(
                Bucket=twin.bucket_name, Key=key, UploadId=begun["UploadId"]
            )
    except StorageError:
        left = f"the unfinished upload of {key} could not be aborted"
    return Finding(
        FAIL, subject, statement, f"it could begin an upload; {left}", how_to_limit(subject, twin)
    )


def key_cannot_delete(subject: str, twin: PolicyMixin) -> Finding:
    """Check that S3 refuses to delete a name that no file has: without a refusal, nothing is lost.

    A bucket that keeps versions then has one delete marker more, for a name that nobody uses.
    """
    key, statement = unused_key(twin), "the key cannot delete"
    try:
        with storage_errors("delete", key):
            twin.connection.meta.client.delete_object(Bucket=twin.bucket_name, Key=key)
    except StorageError as error:
        return forbidden(subject, twin, statement, error)
    observed = "it could; the name that it was tried with has no file"
    return Finding(FAIL, subject, statement, observed, how_to_limit(subject, twin))


def forbidden(subject: str, twin: PolicyMixin, statement: str, error: StorageError) -> Finding:
    """Return the finding that S3 refused for want of permission; other errors prove nothing."""
    if KINDS.get(code_of(error)) is Kind.FORBIDDEN:
        return Finding(OK, subject, statement)
    hint = (
        f"Find out why {twin.bucket_url} answers so, and run check_storage again: nothing is"
        " proven."
    )
    return Finding(FAIL, subject, statement, describe(error), hint)


def how_to_limit(subject: str, twin: PolicyMixin) -> str:
    """Return what to do with a key that may do too much, or too little."""
    return (
        f"Let the key of {variables(subject).key} do in {twin.bucket_name} what setup_bucket"
        " --print-iam live prints, and nothing else."
    )


def unused_key(twin: PolicyMixin) -> str:
    """Return a key that no file has."""
    return f"{prefix_of(twin)}check-storage-{uuid4()}.txt"
