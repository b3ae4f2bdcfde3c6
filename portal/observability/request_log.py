"""A line of the log for each request: user, route, status, and the time it took and waited."""

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

# The ids that Heroku's router accepts from a client; nothing in them can end a line or a field.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")

# When the router got the request, since 1970: Heroku's milliseconds 1700000000000, nginx's seconds
# t=1700000000.123, and the microseconds of others. The number of digits tells which.
REQUEST_START = re.compile(r"(?:t=)?(\d{10,16})(\.\d{1,9})?", re.ASCII)
SECONDS_DIGITS = 10  # from 2001 to 2286
MAX_QUEUE_SECONDS = 600  # longer, nobody has waited: another clock, or somebody's invention
MAX_SKEW_SECONDS = 2  # by which the router's clock may be ahead of ours


def log_requests(get_response):
    """Give each request an id, which all lines logged meanwhile carry, and log its own line.

    Stands first in MIDDLEWARE: a request that another middleware refuses or redirects has a line,
    too.
    """

    def middleware(request):
        request_id = request_id_of(request)
        with bound_contextvars(request_id=request_id), timing.measured() as timed:
            timed.queued = seconds_in_queue(request)
            response = get_response(request)
            # The content of files and streams is sent after this: their time is not included.
            logger.info("request", extra=fields(request, response, timed))
        response["X-Request-ID"] = request_id
        if settings.DEBUG:
            response["Server-Timing"] = server_timing(timed)
        return response

    return middleware


def request_id_of(request) -> str:
    """The id that the router gave the request, so that its log and this one have the same."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())


def seconds_in_queue(request) -> float | None:
    """How long the request waited between the router and here; None where that is not known.

    X-Request-Start is believed only behind a proxy (TRUSTED_PROXY_COUNT), which has to set it, or a
    client could: it would make up times in the log, within MAX_QUEUE_SECONDS.
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
    """The fields of the line; times are in milliseconds, `ms` is all that the client waited for."""
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
    """The URL pattern that matched, never the address itself: it may hold a token or a key.

    None where no pattern matched, or the request was refused before one was looked for.
    """
    if request.resolver_match:
        return request.resolver_match.route or "/"
    if isinstance(response, WhiteNoiseFileResponse):
        # Only a site without a bucket serves these itself.
        return f"{settings.STATIC_URL.lstrip('/')}<path>"
    return None


def user_id(request) -> int | None:
    """The primary key of the user, if the request has looked one up; makes no query."""
    user = getattr(request, "user", None)
    if getattr(user, "_wrapped", None) is empty:  # django.contrib.auth's lazy user, not looked up
        return None
    return getattr(user, "pk", None)


def milliseconds(seconds: float) -> float:
    """Seconds as milliseconds with one decimal."""
    return round(seconds * 1000, 1)


def server_timing(timed) -> str:
    """The value of the Server-Timing header (W3C), which browsers show beside each request."""
    queue = [] if timed.queued is None else [f"queue;dur={milliseconds(timed.queued)}"]
    return ", ".join(
        (
            f"total;dur={milliseconds(timed.seconds)}",
            f'db;dur={milliseconds(timed.database.seconds)};desc="{timed.database.count} queries"',
            f's3;dur={milliseconds(timed.s3.seconds)};desc="{timed.s3.count} calls"',
            *queue,
        )
    )
