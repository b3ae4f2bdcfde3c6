"""Answers to requests that no view sees."""

import base64
import hashlib
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from http import HTTPStatus

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

RETRY_SECONDS = 20


def style_policy() -> str:
    """Return the policy that allows the style of a page that stands alone, and nothing else."""
    style = render_to_string("_alone.css").encode()
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def language_of(headers: Iterable[tuple[str, str]]) -> str:
    """Return the language of the site that a browser asks for; empty if it asks for none of them.

    `headers` are those of gunicorn's parser, with their names in capitals.
    """
    asked = ",".join(value for name, value in headers if name == "ACCEPT-LANGUAGE")
    for code, _ in parse_accept_lang_header(asked):
        with suppress(LookupError):
            return translation.get_supported_language_variant(code)
    return ""


@cache
def refusal(status: HTTPStatus, language: str = "") -> bytes:
    """A whole answer, in a language of the site, else in that of LANGUAGE_CODE."""
    with translation.override(language or settings.LANGUAGE_CODE):
        page = render_to_string("refused.html", {"status": status.value}).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}",
        f"Content-Security-Policy: {style_policy()}",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(f"Retry-After: {RETRY_SECONDS}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + page
