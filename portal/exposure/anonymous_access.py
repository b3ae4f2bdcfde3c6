"""What strangers can do with the site's files, found out by doing it.

Under each policy a probe is stored, as an upload would be. Then somebody without credentials tries
to read, to list, to overwrite and to delete, at every address that the files have.
"""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from itertools import product
from urllib.parse import urlencode

from django.core.files.storage import storages
from django.utils import timezone
from storages.backends.s3 import S3Storage

from portal.files.assets import UploadedStaticFilesStorage
from portal.files.storages import AssetsStorage, UnsignedMixin, stored_type
from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, code_of, describe, is_answer, storage_errors

from .anonymous_client import MAX_BODY_BYTES, Answer, Stranger
from .hints import on_refusal, on_silence
from .probes import (
    FAIL,
    OK,
    WARN,
    Finding,
    Probe,
    Probes,
    headers_are,
    refused,
    unproven,
)
from .signed_links import signed_links

MAX_SKEW_SECONDS = 60  # a link lives so much shorter, or longer; at 900 S3 refuses everything
STYLESHEET = "portal.css"  # the one of all pages: templates/base.html


def exposure(own: dict[str, S3Storage], probes: Probes, stranger: Stranger) -> Iterator[Finding]:
    """The findings about the site's own storages, which are given by their aliases."""
    answering = {}
    for alias, storage in own.items():
        if storage.bucket_name not in answering:
            found = bucket_answers(alias, storage, stranger)
            answering[storage.bucket_name] = found.outcome != FAIL
            yield found
    domains = {base: storage for storage in own.values() if (base := custom_domain(storage))}
    buckets = {s.bucket_url: s for s in own.values() if answering[s.bucket_name]}
    for base in (*buckets, *domains):
        yield listing_is_refused(base, own, stranger)
    for alias, storage in own.items():
        if not answering[storage.bucket_name] or stranger.has_given_up(storage.bucket_url):
            continue
        probe = Probe.of(storage)
        found = key_stores(alias, probe, probes, stranger)
        yield found
        if probe in probes:
            ask = public_file if isinstance(storage, UnsignedMixin) else protected_file
            yield from ask(alias, probe, domains, stranger)
        if found.outcome != FAIL:
            yield changes_are_refused(alias, probe, domains, stranger, probes)


def bucket_answers(subject: str, storage: S3Storage, stranger: Stranger) -> Finding:
    """That the bucket is there, in the region that the settings name, and agrees on the time."""
    answer = stranger.ask("HEAD", storage.bucket_url)
    region = answer.headers.get("x-amz-bucket-region", storage.region_name)
    ahead = seconds_ahead(answer)
    outcome, said, advice = OK, "", ""
    if not answer.status:
        outcome, said, advice = FAIL, str(answer), on_silence(subject, storage)
    elif answer.status == 404:
        outcome, said, advice = FAIL, str(answer), on_refusal("NoSuchBucket", subject, storage)
    elif region != storage.region_name:
        outcome, said = FAIL, f"it is in {region}"
        advice = on_refusal("PermanentRedirect", subject, storage)
    elif abs(ahead) > MAX_SKEW_SECONDS:
        outcome, said = FAIL, f"at a time {ahead:+.0f} s from ours"
        advice = on_refusal("RequestTimeTooSkewed", subject, storage)
    statement = f"{storage.bucket_name} answers at {storage.bucket_url}"
    return Finding(outcome, "bucket", statement, said, advice)


def seconds_ahead(answer: Answer) -> float:
    """How far the clock of whoever answered is ahead of this machine's."""
    try:
        date = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return 0
    return date.timestamp() - timezone.now().timestamp()


def custom_domain(storage: S3Storage) -> str:
    """The address of the CDN that the settings name for a storage; empty if there is none."""
    if not storage.custom_domain:
        return ""
    base = f"{storage.url_protocol}//{storage.custom_domain}"
    return "" if base == storage.bucket_url else base


def listing_is_refused(base: str, own: dict[str, S3Storage], stranger: Stranger) -> Finding:
    """That names cannot be read off an address: not all of them, and not those below a prefix."""
    statement = f"strangers cannot list {base}"
    prefixes = [{"list-type": 2, "prefix": f"{storage.location}/"} for storage in own.values()]
    for query in ({}, *prefixes):
        answer = stranger.ask("GET", f"{base}/?{urlencode({**query, 'max-keys': 1})}")
        if answer.is_listing:
            advice = (
                "Take what lets Principal * list (s3:ListBucket, s3:List*, s3:*) out of the"
                " bucket's policy, or switch listing off in the CDN."
            )
            return Finding(FAIL, "bucket", statement, str(answer), advice)
        if not answer.status or answer.status >= 500:
            return Finding(FAIL, "bucket", statement, *unproven(answer, base))
    return Finding(OK, "bucket", statement)


def key_stores(alias: str, probe: Probe, probes: Probes, stranger: Stranger) -> Finding:
    """That the site's key lists, which S3 refuses in words; and that it stores a file."""
    storage, prefix = probe.storage, f"{probe.storage.location}/"
    statement = f"the site's key lists, stores and deletes below {prefix}"
    try:
        with storage_errors("list", prefix):
            storage.connection.meta.client.list_objects_v2(
                Bucket=storage.bucket_name, Prefix=prefix, MaxKeys=1
            )
        if not is_removable(probe):
            statement = f"the site's key lists below {prefix}, and cannot delete: no file is stored"
            return Finding(OK, alias, statement)
        probes.write(probe)
    except StorageError as error:
        if is_answer(error):
            advice = on_refusal(code_of(error), alias, storage)
        else:
            advice = on_silence(alias, storage)
            stranger.give_up(storage.bucket_url)
        return Finding(FAIL, alias, statement, describe(error), advice)
    return Finding(OK, alias, statement)


def is_removable(probe: Probe) -> bool:
    """Whether a probe can go again; asked before it is written, when the delete does nothing.

    A key for assets need not delete: no deploy does.
    """
    try:
        probe.storage.delete(probe.name)
    except StorageError as error:
        if KINDS.get(code_of(error)) is Kind.FORBIDDEN and isinstance(probe.storage, AssetsStorage):
            return False
        raise
    return True


def public_file(alias, probe, domains, stranger) -> Iterator[Finding]:
    url = probe.storage.url(probe.name)
    base = url.removesuffix(probe.address(""))
    statement = f"strangers read it at {base}"
    answer = stranger.ask("GET", url)
    if answer.status != 200:
        advice = how_to_open(probe.storage, base, is_domain=base in domains)
        yield Finding(FAIL, alias, statement, str(answer), advice)
    elif answer.body != probe.content:
        advice = f"Make {base} serve {probe.storage.bucket_name} from its root, and unchanged."
        yield Finding(FAIL, alias, statement, "answered with something else", advice)
    else:
        yield Finding(OK, alias, statement)
        statement = f"it comes with the {', '.join(probe.headers())} of its policy"
        advice = f"Make {base} pass on the headers that a file is stored with."
        yield headers_are(alias, statement, answer, probe.headers(), advice)


def how_to_open(storage: S3Storage, base: str, *, is_domain: bool) -> str:
    if is_domain:
        return f"Make {base} serve {storage.location}/* of the bucket {storage.bucket_name}."
    return (
        f"Run setup_bucket, which opens {storage.location}/* of {storage.bucket_name}; a provider"
        " without bucket policies needs a public domain instead, named in AWS_S3_CUSTOM_DOMAIN,"
        " and PROTECTED_BUCKET_NAME beside it."
    )


def protected_file(alias, probe, domains, stranger) -> Iterator[Finding]:
    storage = probe.storage
    advice = (
        f"Take what opens {storage.location}/* to Principal * out of the policy of"
        f" {storage.bucket_name}; setup_bucket --dry-run prints what belongs there."
    )
    for base in (storage.bucket_url, *domains):
        statement = f"strangers are refused it at {base}"
        answer = stranger.ask("GET", probe.address(base))
        yield refused(alias, statement, answer, advice, base)
        advice = (
            "Let the CDN serve the public prefixes alone, or give protected files a bucket that it"
            " does not serve (PROTECTED_BUCKET_NAME)."
        )
    yield from signed_links(alias, probe, stranger)


def changes_are_refused(alias, probe, domains, stranger, probes) -> Finding:
    """That strangers can change nothing, at the bucket or through what stands before it."""
    bucket = probe.storage.bucket_name
    serving = [base for base, storage in domains.items() if storage.bucket_name == bucket]
    statement = "strangers can neither write nor delete"
    advice = (
        f"Take what lets Principal * put or delete out of the policy of {bucket}, and let a CDN"
        " pass on GET and HEAD alone."
    )
    attempts = (("PUT", b"A stranger was here.\n"), ("DELETE", None))
    for base, (method, body) in product((probe.storage.bucket_url, *serving), attempts):
        answer = stranger.ask(method, probe.address(base), body)
        if body and not answer.is_refused:
            probes.remember(probe)
        found = refused(alias, statement, answer, advice, base)
        if found.outcome != OK:
            return found
    return Finding(OK, alias, statement)


def assets_of_the_build(stranger: Stranger) -> Iterator[Finding]:
    """That the files which pages name are where pages say, and may be kept for good."""
    built, policy = storages["staticfiles"], storages["assets"]
    if not isinstance(built, UploadedStaticFilesStorage):
        return
    names = [STYLESHEET, *(name for name in sorted(built.hashed_files) if name != STYLESHEET)][:2]
    if not set(names) <= built.hashed_files.keys() or not built.is_uploaded():
        statement, said = "pages name the assets in their bucket", "they name the site's own"
        advice = "Run collectstatic with these settings (on Heroku: push a commit)."
        yield Finding(WARN, "assets", statement, said, advice)
        return
    advice = f"Run collectstatic again, and make {policy.url('')} pass on what it has uploaded."
    for name in names:
        hashed = built.stored_name(name)
        statement = f"{hashed} is there as it was built, to be kept for good"
        answer = stranger.ask("GET", built.url(name, force=True))
        with built.open(hashed) as file:
            is_whole = answer.status == 200 and answer.body == file.read(MAX_BODY_BYTES)
        if is_whole:
            headers = {
                "content-type": stored_type(name),
                "cache-control": policy.cache_control(hashed),
            }
            yield headers_are("assets", statement, answer, headers, advice)
        else:
            yield Finding(FAIL, "assets", statement, str(answer), advice)
