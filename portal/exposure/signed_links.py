"""Whether links to a protected file live, say what was signed into them, and die."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from portal.files.storages import PROTECTED_CACHE_CONTROL, attachment, stored_type
from portal.s3.signing import presigned_url

from .anonymous_client import Stranger
from .hints import on_refusal, variables
from .probes import FAIL, OK, WARN, Finding, Probe, headers_are, refused

LONG_OVER = timedelta(hours=1)  # a link that ended then is over by any server's clock
SAVED_AS = "Résumé.txt"


def signed_links(alias: str, probe: Probe, stranger: Stranger) -> Iterator[Finding]:
    storage, base = probe.storage, probe.storage.bucket_url
    link = storage.url(probe.name, SAVED_AS)
    answer = stranger.ask("GET", link)
    if answer.body != probe.content:
        advice = on_refusal(answer.code, alias, storage)
        yield Finding(FAIL, alias, "a signed link opens it", str(answer), advice)
        return  # nobody can tell now what a refusal is for
    yield Finding(OK, alias, "a signed link opens it")
    signed = {
        "content-type": stored_type(probe.name),
        "content-disposition": attachment(SAVED_AS),
        "cache-control": PROTECTED_CACHE_CONTROL,
    }
    yield headers_are(
        alias, f"it comes with the {', '.join(signed)} of the link", answer, signed,
        f"See why {base} leaves out what is signed into a link (response-*).",
    )  # fmt: skip
    now = timezone.now()
    yield headers_are(
        alias, f"it was stored with {', '.join(probe.headers())}",
        stranger.ask("GET", link_made(now, probe)), probe.headers(),
        f"See why {base} does not keep the headers that a file is stored with.",
    )  # fmt: skip
    over = now - timedelta(seconds=settings.PROTECTED_URL_SECONDS) - LONG_OVER
    altered = link[:-1] + ("1" if link[-1] == "0" else "0")
    advice = f"Use another server than {base}, for this one takes a link that it must not take."
    for which, bad_link in (("is over", link_made(over, probe)), ("was altered", altered)):
        answer = stranger.ask("GET", bad_link)
        yield refused(alias, f"a link that {which} is refused", answer, advice, base)
    yield from only_tls(alias, link, stranger)


def link_made(at: datetime, probe: Probe) -> str:
    """A link as it was made at some time, with nothing but its lifetime signed into it."""
    storage = probe.storage
    return presigned_url(
        probe.address(storage.bucket_url),
        access_key=storage.access_key,
        secret_key=storage.secret_key,
        region=storage.region_name,
        seconds=settings.PROTECTED_URL_SECONDS,
        at=at.timestamp(),
    )


def only_tls(alias: str, link: str, stranger: Stranger) -> Iterator[Finding]:
    """That nobody on the way reads along."""
    address, statement = urlsplit(link), "links go over TLS alone"
    if address.scheme == "http":
        outcome = WARN if settings.SITE_ENVIRONMENT == "development" else FAIL
        advice = f"Set {variables(alias).endpoint} to an address that starts with https://."
        yield Finding(outcome, alias, statement, "the endpoint is http://", advice)
    elif not address.port:  # else that port speaks TLS, and http has none
        answer = stranger.ask("GET", address._replace(scheme="http").geturl())
        advice = "Run setup_bucket, which makes AWS refuse plain http; elsewhere, close port 80."
        if answer.is_given:
            yield Finding(WARN, alias, statement, f"{answer} over http", advice)
        else:
            yield Finding(OK, alias, statement)
