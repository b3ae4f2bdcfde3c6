"""Answers to requests that no view sees."""

from functools import cache
from http import HTTPStatus

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

RETRY_SECONDS = 20


@cache
def refusal(status: HTTPStatus) -> bytes:
    """A whole answer, in the site's own words and language: nothing of the request was read."""
    with translation.override(settings.LANGUAGE_CODE):
        page = render_to_string("refused.html", {"status": status.value}).encode()
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        lines.append(f"Retry-After: {RETRY_SECONDS}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + page
