"""Signed links: they open a protected file with the signed headers, until they expire."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.utils import timezone

from portal.files import conf
from portal.files.hints import named, on_refusal, variables
from portal.s3.signing import presigned_url

from .anonymous_client import AnonymousClient, Response
from .findings import FAIL, OK, WARN, Finding, headers_are, refused
from .probes import Probe
from .reachability import MAX_SKEW_SECONDS

LONG_EXPIRED = timedelta(hours=1)  # by any server's clock
SAVED_AS = "Résumé.txt"
OLD_SIGNATURE = "AWSAccessKeyId="  # of links that boto3 signs by Signature Version 2


def link_findings(alias: str, probe: Probe, client: AnonymousClient) -> Iterator[Finding]:
    """Yield the findings about the links to a stored probe."""
    storage, base = probe.storage, probe.storage.bucket_url
    link = storage.url(probe.name, SAVED_AS)
    response = client.ask("GET", link)
    if response.body != probe.content:
        hint = link_hint(alias, storage, link, response)
        yield Finding(FAIL, alias, "a signed link opens it", str(response), hint)
        return  # a refusal of other links would prove nothing
    yield Finding(OK, alias, "a signed link opens it")
    if signed := storage.link_headers(probe.name, SAVED_AS):
        yield headers_are(
            alias, f"it comes with the {', '.join(signed)} of the link", response, signed,
            f"Find out why {base} leaves out what is signed into a link (response-*).",
        )  # fmt: skip
    now = timezone.now()
    nearly = timedelta(seconds=max(storage.link_seconds - MAX_SKEW_SECONDS, 0))
    aged = client.ask("GET", link_made(now - nearly, probe))
    if aged.body != probe.content:
        seconds = named("PROTECTED_URL_SECONDS", "how long the settings let links open files")
        yield Finding(
            FAIL, alias, "a link opens it until it expires", str(aged),
            f"Run setup_bucket: the bucket's limit to the age of links is not {seconds}.",
        )  # fmt: skip
    else:
        yield headers_are(
            alias, f"it was stored with {', '.join(probe.headers())}", aged, probe.headers(),
            f"Find out why {base} does not keep the headers that a file is stored with.",
        )  # fmt: skip
    expired = now - timedelta(seconds=storage.link_seconds) - LONG_EXPIRED
    altered = link[:-1] + ("1" if link[-1] == "0" else "0")
    hint = f"Use another server than {base}, for this one accepts a link that it must refuse."
    for which, bad_link in (("expired", link_made(expired, probe)), ("altered", altered)):
        response = client.ask("GET", bad_link)
        yield refused(alias, f"an {which} link is refused", response, hint, base)
    yield from only_tls(alias, link, client)


def link_hint(alias: str, storage, link: str, response: Response) -> str:
    """Return what to do about a link that does not open its file."""
    options = f'in the OPTIONS of STORAGES["{alias}"]'
    if OLD_SIGNATURE in link:
        return f'Set signature_version {options} to "s3v4".'
    if response.is_redirect:
        return f'Set addressing_style {options} to "virtual", so that links name the region.'
    return on_refusal(response.code, alias, storage)


def link_made(at: datetime, probe: Probe) -> str:
    """Return a link as if made at some time, without response headers signed into it."""
    storage = probe.storage
    return presigned_url(
        probe.address(storage.bucket_url),
        access_key=storage.access_key,
        secret_key=storage.secret_key,
        region=storage.region_name,
        seconds=storage.link_seconds,
        at=at.timestamp(),
    )


def only_tls(alias: str, link: str, client: AnonymousClient) -> Iterator[Finding]:
    """Check that links are sent over TLS alone, so that nobody on the way can read them."""
    address, statement = urlsplit(link), "links are sent over TLS alone"
    if address.scheme == "http":
        outcome = WARN if conf.SITE_ENVIRONMENT == "development" else FAIL
        hint = f"Set {variables(alias).endpoint} to an address that starts with https://."
        yield Finding(outcome, alias, statement, "the endpoint is http://", hint)
    elif not address.port:  # a port in the address is the one for TLS; for http none is known
        response = client.ask("GET", address._replace(scheme="http").geturl())
        hint = "Run setup_bucket, which makes AWS refuse plain http; elsewhere, close port 80."
        if response.is_given:
            yield Finding(WARN, alias, statement, f"{response} over http", hint)
        else:
            yield Finding(OK, alias, statement)
