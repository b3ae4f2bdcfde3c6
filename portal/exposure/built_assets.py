"""Checks that this build's assets are where pages link to them, unchanged and cacheable."""

from collections.abc import Iterator
from typing import Any

from django.core.files.storage import storages

from portal.files.static_files import uploaded_static_files
from portal.files.storages import stored_type

from .anonymous_client import MAX_BODY_BYTES, AnonymousClient
from .findings import FAIL, WARN, Finding, headers_are

GZIP = b"\x1f\x8b"  # how compressed bytes begin
STYLESHEET = "portal.css"  # every page links to it: templates/base.html


def asset_findings(client: AnonymousClient) -> Iterator[Finding]:
    """Yield a finding for two assets of this build: the style sheet of all pages, and another."""
    built = uploaded_static_files()
    if built is None:
        return
    policy: Any = storages["assets"]  # one of the policies, or W004 would have stopped the site
    names = [STYLESHEET, *(name for name in sorted(built.hashed_files) if name != STYLESHEET)][:2]
    if not set(names) <= built.hashed_files.keys() or not built.is_uploaded():
        statement = "pages link to the assets in their bucket"
        hint = "Run collectstatic with these settings (on Heroku: push a commit)."
        yield Finding(WARN, "assets", statement, "they link to the site's own", hint)
        return
    hint = f"Run collectstatic again, and make {policy.url('')} pass on what it has uploaded."
    for name in names:
        hashed = built.stored_name(name)
        statement = f"{hashed} is there as it was built, and may be cached permanently"
        response = client.ask("GET", built.url(name, force=True))
        with built.open(hashed) as file:
            is_whole = response.status == 200 and response.body == file.read(MAX_BODY_BYTES)
        if is_whole:
            headers = {
                "content-type": stored_type(name),
                "cache-control": policy.cache_control(hashed),
            }
            yield headers_are("assets", statement, response, headers, hint)
        elif response.status == 200 and response.body.startswith(GZIP):
            yield Finding(
                FAIL, "assets", statement,
                "it is compressed, and comes without the header Content-Encoding",
                f"Use a server, or a CDN, that passes on Content-Encoding at {policy.url('')}.",
            )  # fmt: skip
        else:
            yield Finding(FAIL, "assets", statement, str(response), hint)
