"""Whether the keys for the live site's files can read them, and nothing else."""

from collections.abc import Iterator
from uuid import uuid4

from storages.backends.s3 import S3Storage

from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, code_of, describe, storage_errors

from .anonymous_access import bucket_answers
from .anonymous_client import Stranger
from .hints import on_refusal, on_silence
from .probes import FAIL, OK, WARN, Finding


def live_keys(twins: dict[str, S3Storage], stranger: Stranger) -> Iterator[Finding]:
    """The findings about the live twins of the site's storages, which are given by their aliases.

    The client is one of its own: what copy_live_media reads with cannot even ask for a change.
    """
    answering = {}
    for alias, twin in twins.items():
        subject = f"live {alias}"
        if twin.bucket_name not in answering:
            found = bucket_answers(subject, twin, stranger)
            answering[twin.bucket_name] = found.outcome != FAIL
            yield found
        if answering[twin.bucket_name]:
            found = key_reads(subject, twin)
            yield found
            if found.outcome != FAIL:
                yield key_cannot_store(subject, twin)
                yield key_cannot_delete(subject, twin)


def key_reads(subject: str, twin: S3Storage) -> Finding:
    """That the key lists and reads; what it reads is of one file, and only what a HEAD says."""
    prefix, client = f"{twin.location}/", twin.connection.meta.client
    statement = f"the key lists and reads below {prefix}"
    try:
        with storage_errors("read", prefix):
            page = client.list_objects_v2(Bucket=twin.bucket_name, Prefix=prefix, MaxKeys=1)
            for item in page.get("Contents", []):
                client.head_object(Bucket=twin.bucket_name, Key=item["Key"])
    except StorageError as error:
        if not (code := code_of(error)):
            advice = on_silence(subject, twin)
        else:
            is_forbidden = KINDS.get(code) is Kind.FORBIDDEN
            advice = how_to_limit(twin) if is_forbidden else on_refusal(code, subject, twin)
        return Finding(FAIL, subject, statement, describe(error), advice)
    if not page.get("Contents"):
        advice = f"See whether live keeps its files below {prefix} of {twin.bucket_name}."
        return Finding(WARN, subject, statement, "there is nothing to read", advice)
    return Finding(OK, subject, statement)


def key_cannot_store(subject: str, twin: S3Storage) -> Finding:
    """That S3 refuses to begin an upload in parts, which takes the same permission as an upload.

    Nothing milder tells: begun and given up again, it stores no object and no version, and sets
    off no event. A PUT does all that, and one with a condition, or with a checksum that is wrong,
    does so on those servers that look at neither.
    """
    place = {"Bucket": twin.bucket_name, "Key": unused_key(twin)}
    client, statement = twin.connection.meta.client, "the key cannot store"
    try:
        with storage_errors("begin", place["Key"]):
            upload = client.create_multipart_upload(**place)["UploadId"]
    except StorageError as error:
        return forbidden(subject, twin, statement, error)
    left = "nothing was stored"
    try:
        with storage_errors("give up", place["Key"]):
            client.abort_multipart_upload(**place, UploadId=upload)
    except StorageError:
        left = f"the unfinished upload of {place['Key']} could not be taken back"
    return Finding(FAIL, subject, statement, f"it began to; {left}", how_to_limit(twin))


def key_cannot_delete(subject: str, twin: S3Storage) -> Finding:
    """That S3 refuses to delete a name that nothing has: if it does not, nothing is lost.

    A bucket that keeps versions then has one marker more, for a name that nobody uses.
    """
    key, statement = unused_key(twin), "the key cannot delete"
    try:
        with storage_errors("delete", key):
            twin.connection.meta.client.delete_object(Bucket=twin.bucket_name, Key=key)
    except StorageError as error:
        return forbidden(subject, twin, statement, error)
    said = "it may; what it was asked to delete does not exist"
    return Finding(FAIL, subject, statement, said, how_to_limit(twin))


def forbidden(subject, twin, statement, error) -> Finding:
    if KINDS.get(code_of(error)) is Kind.FORBIDDEN:
        return Finding(OK, subject, statement)
    advice = f"See why {twin.bucket_url} does so, and run check_storage again: nothing is proven."
    return Finding(FAIL, subject, statement, describe(error), advice)


def how_to_limit(twin: S3Storage) -> str:
    return (
        f"Let the key of LIVE_READ_ONLY_ACCESS_KEY_ID do in {twin.bucket_name} what setup_bucket"
        " --print-iam live prints, and nothing else."
    )


def unused_key(twin: S3Storage) -> str:
    return f"{twin.location}/check-storage-{uuid4()}.txt"
