"""Anonymous access: what a client without credentials can do with the site's files.

Under each policy a probe is stored, as an upload would be. Then an anonymous client tries to read,
to list, to overwrite and to delete, at every address that the files have.
"""

from collections.abc import Iterator
from itertools import product
from urllib.parse import urlencode

from storages.backends.s3 import S3Storage

from portal.files.hints import named, on_refusal, on_silence
from portal.files.storages import AssetsStorage, PolicyMixin, UnsignedMixin, custom_domain
from portal.s3.addresses import prefix_of
from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, code_of, describe, is_answer, storage_errors

from .anonymous_client import AnonymousClient
from .findings import FAIL, OK, Finding, headers_are, refused, unproven
from .probes import Probe, Probes
from .reachability import bucket_answers
from .signed_links import link_findings


def access_findings(
    own: dict[str, PolicyMixin], probes: Probes, client: AnonymousClient
) -> Iterator[Finding]:
    """Yield the findings about the site's own storages, which are given by their aliases."""
    answering = {}
    for alias, storage in own.items():
        if storage.bucket_url not in answering:
            found = bucket_answers(alias, storage, client)
            answering[storage.bucket_url] = found.outcome != FAIL
            yield found
    domains = {base: storage for storage in own.values() if (base := custom_domain(storage))}
    buckets = [bucket_url for bucket_url, is_answering in answering.items() if is_answering]
    for base in (*buckets, *domains):
        yield listing_is_refused(base, own, client)
    for alias, storage in own.items():
        if not answering[storage.bucket_url] or client.has_given_up(storage.bucket_url):
            continue
        probe = Probe.of(storage)
        found = key_stores(alias, probe, probes, client)
        yield found
        if probe in probes:
            ask = public_file if isinstance(storage, UnsignedMixin) else protected_file
            yield from ask(alias, probe, domains, client)
        if found.outcome != FAIL:
            yield changes_are_refused(alias, probe, domains, client, probes)


def listing_is_refused(base: str, own: dict[str, S3Storage], client: AnonymousClient) -> Finding:
    """Check that an address lists no names: neither all of them nor those below a prefix."""
    statement = f"anonymous clients cannot list {base}"
    prefixes = [{"list-type": 2, "prefix": prefix_of(storage)} for storage in own.values()]
    for query in ({}, *prefixes):
        response = client.ask("GET", f"{base}/?{urlencode({**query, 'max-keys': 1})}")
        if response.is_listing:
            hint = (
                "Remove what lets Principal * list (s3:ListBucket, s3:List*, s3:*) from the"
                " bucket's policy, or switch listing off in the CDN."
            )
            return Finding(FAIL, "bucket", statement, str(response), hint)
        if not response.status or response.status >= 500:
            return Finding(FAIL, "bucket", statement, *unproven(response, base))
    return Finding(OK, "bucket", statement)


def key_stores(alias: str, probe: Probe, probes: Probes, client: AnonymousClient) -> Finding:
    """Check that the site's key lists and stores. It lists first: a refusal then has a reason."""
    storage, prefix = probe.storage, prefix_of(probe.storage)
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
            hint = on_refusal(code_of(error), alias, storage)
        else:
            hint = on_silence(alias, storage)
            client.give_up(storage.bucket_url)
        # Which of the three is forbidden: it may be another policy that denies it.
        is_forbidden = KINDS.get(code_of(error)) is Kind.FORBIDDEN
        observed = str(error) if is_forbidden else describe(error)
        return Finding(FAIL, alias, statement, observed, hint)
    return Finding(OK, alias, statement)


def is_removable(probe: Probe) -> bool:
    """Return True if the site's key may delete a probe; called before the probe is stored.

    A key for assets need not delete, because no deploy deletes assets.
    """
    try:
        probe.storage.delete(probe.name)
    except StorageError as error:
        is_forbidden = KINDS.get(code_of(error)) is Kind.FORBIDDEN
        if is_forbidden and isinstance(probe.storage, AssetsStorage):
            return False
        raise
    return True


def public_file(alias, probe, domains, client) -> Iterator[Finding]:
    """Check that anyone can read a public file where pages link to it, with its headers."""
    url = probe.storage.url(probe.name)
    base = url.removesuffix(probe.address(""))
    statement = f"anonymous clients can read it at {base}"
    response = client.ask("GET", url)
    if response.status != 200:
        hint = how_to_open(probe.storage, base, is_domain=base in domains)
        yield Finding(FAIL, alias, statement, str(response), hint)
    elif response.body != probe.content:
        hint = f"Make {base} serve {probe.storage.bucket_name} from its root, and unchanged."
        yield Finding(FAIL, alias, statement, "answered with other content", hint)
    else:
        yield Finding(OK, alias, statement)
        statement = f"it comes with the {', '.join(probe.headers())} of its policy"
        hint = f"Make {base} pass on the headers that a file is stored with."
        yield headers_are(alias, statement, response, probe.headers(), hint)


def how_to_open(storage: S3Storage, base: str, *, is_domain: bool) -> str:
    """Return what to do where an address does not serve a public file."""
    if is_domain:
        return f"Make {base} serve {prefix_of(storage)}* of the bucket {storage.bucket_name}."
    return (
        f"Run setup_bucket, which opens {prefix_of(storage)}* of {storage.bucket_name}; a provider"
        " without bucket policies needs a public domain instead, named in"
        f" {named('AWS_S3_CUSTOM_DOMAIN', 'custom_domain')}, and"
        f" {named('PROTECTED_BUCKET_NAME', 'another bucket_name for protected files')} beside it."
    )


def protected_file(alias, probe, domains, client) -> Iterator[Finding]:
    """Check that a protected file opens by a signed link alone, at every address of the site."""
    storage = probe.storage
    hint = (
        f"Remove what opens {prefix_of(storage)}* to Principal * from the policy of"
        f" {storage.bucket_name}; setup_bucket --dry-run prints what belongs there."
    )
    for base in (storage.bucket_url, *domains):
        statement = f"anonymous clients are refused it at {base}"
        response = client.ask("GET", probe.address(base))
        yield refused(alias, statement, response, hint, base)
        hint = (
            "Let the CDN serve the public prefixes alone, or give protected files a bucket that it"
            f" does not serve ({named('PROTECTED_BUCKET_NAME', 'bucket_name')})."
        )
    yield from link_findings(alias, probe, client)


def changes_are_refused(alias, probe, domains, client, probes) -> Finding:
    """Check that anonymous clients can neither write nor delete, at the bucket or a CDN."""
    storage = probe.storage
    serving = [base for base, other in domains.items() if other.bucket_url == storage.bucket_url]
    statement = "anonymous clients can neither write nor delete"
    hint = (
        f"Let the policy of {storage.bucket_name} allow Principal * neither to put nor to delete,"
        " and let a CDN pass on GET and HEAD alone."
    )
    attempts = (("PUT", b"An anonymous client has written this.\n"), ("DELETE", None))
    for base, (method, body) in product((storage.bucket_url, *serving), attempts):
        response = client.ask(method, probe.address(base), body)
        if not response.is_refused:
            probes.remember(probe)
        found = refused(alias, statement, response, hint, base)
        if found.outcome != OK:
            return found
    return Finding(OK, alias, statement)
