"""A line in the log for each request: user, route, status, duration, and what it waited for."""

import logging
import re
import time
import uuid

from django.conf import settings
from django.utils.functional import empty
from structlog.contextvars import bound_contextvars
from whitenoise.middleware import WhiteNoiseFileResponse

from . import timing

logger = logging.getLogger(__name__)

# The ids that Heroku's router accepts from a client. They have no character that ends a field.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

# The time at which the router received the request, since 1970: milliseconds by Heroku
# (1700000000000), seconds by nginx (t=1700000000.123), or microseconds, told by the digits.
REQUEST_START = re.compile(r"(?:t=)?(\d{10,16})(\.\d{1,9})?", re.ASCII)
SECONDS_DIGITS = 10  # from 2001 to 2286
MAX_QUEUE_SECONDS = 600  # a longer wait is an error: the clocks differ, or the header is forged
MAX_SKEW_SECONDS = 2  # the router's clock may be ahead of this one by this much


def log_requests(get_response):
    """Give each request an id, which is in all lines that it logs, and log a line about it.

    Comes first in MIDDLEWARE, so that requests that other middleware refuses or redirects have a
    line, too.
    """

    def middleware(request):
        request_id = request_id_of(request)
        with bound_contextvars(request_id=request_id), timing.measured() as timed:
            timed.queued = seconds_in_queue(request)
            response = get_response(request)
            # Files and streams are sent after this, so the time for that is not included.
            logger.info("request", extra=fields(request, response, timed))
        response["X-Request-ID"] = request_id
        if settings.DEBUG:
            response["Server-Timing"] = server_timing(timed)
        return response

    return middleware


def request_id_of(request) -> str:
    """Return the id that the router gave the request, or else a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def seconds_in_queue(request) -> float | None:
    """Return the seconds that the request waited between the router and here; None if unknown.

    X-Request-Start is read only behind a proxy (TRUSTED_PROXY_COUNT), which has to set it: without
    one, a client could put false times into the log.
    """
    if not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        return None
    found = REQUEST_START.fullmatch(request.META.get("HTTP_X_REQUEST_START", "").strip())
    if not found or len(found[1]) not in {SECONDS_DIGITS, SECONDS_DIGITS + 3, SECONDS_DIGITS + 6}:
        return None
    began = float(found[1] + (found[2] or "")) / 10 ** (len(found[1]) - SECONDS_DIGITS)
    waited = time.time() - began
    return max(waited, 0.0) if -MAX_SKEW_SECONDS <= waited <= MAX_QUEUE_SECONDS else None


def fields(request, response, timed) -> dict:
    """Return the fields of the line, times in milliseconds; `ms` is the client's whole wait."""
    found = {
        "method": request.method,
        "route": route(request, response),
        "status": response.status_code,
        "ms": milliseconds(timed.seconds),
        "user_id": user_id(request),
        "db_queries": timed.database.count,
        "db_ms": milliseconds(timed.database.seconds),
        "s3_calls": timed.s3.count,
        "s3_ms": milliseconds(timed.s3.seconds),
    }
    if timed.queued is not None:
        found["queue_ms"] = milliseconds(timed.queued)
    return found | ({"reason": timed.refusal} if timed.refusal else {})


def route(request, response) -> str | None:
    """Return the URL pattern that matched, never the address, which may hold a token or a key.

    None if no pattern matched, or if the request was refused before URLs were resolved.
    """
    if request.resolver_match:
        return request.resolver_match.route or "/"
    if isinstance(response, WhiteNoiseFileResponse):
        # An asset, which the site itself serves if it has no bucket.
        return f"{settings.STATIC_URL.lstrip('/')}<path>"
    return None


def user_id(request) -> int | None:
    """Return the primary key of the user, if the request has loaded one; makes no query."""
    user = getattr(request, "user", None)
    if getattr(user, "_wrapped", None) is empty:  # django.contrib.auth's lazy user, not looked up
        return None
    return getattr(user, "pk", None)


def milliseconds(seconds: float) -> float:
    """Convert seconds to milliseconds with one decimal."""
    return round(seconds * 1000, 1)


def server_timing(timed) -> str:
    """Return the Server-Timing header (W3C), which browsers show beside each request."""
    queue = [] if timed.queued is None else [f"queue;dur={milliseconds(timed.queued)}"]
    return ", ".join(
        (
            f"total;dur={milliseconds(timed.seconds)}",
            f'db;dur={milliseconds(timed.database.seconds)};desc="{timed.database.count} queries"',
            f's3;dur={milliseconds(timed.s3.seconds)};desc="{timed.s3.count} calls"',
            *queue,
        )
    )
