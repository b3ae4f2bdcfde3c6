"""A line of the log for each request: user, route, status, and the time it took and waited."""

import logging
import re
import uuid

from django.conf import settings
from django.utils.functional import empty
from structlog.contextvars import bound_contextvars
from whitenoise.middleware import WhiteNoiseFileResponse

from . import timing

logger = logging.getLogger(__name__)

# The ids that Heroku's router accepts from a client; nothing in them can end a line or a field.
REQUEST_ID = re.compile(r"[A-Za-z0-9+/=-]{20,200}")


def log_requests(get_response):
    """Give each request an id, which all lines logged meanwhile carry, and log its own line.

    Stands first in MIDDLEWARE: a request that another middleware refuses or redirects has a line,
    too.
    """

    def middleware(request):
        request_id = request_id_of(request)
        with bound_contextvars(request_id=request_id), timing.measured() as timed:
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


def fields(request, response, timed) -> dict:
    """The fields of the line; times are in milliseconds."""
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
    return ", ".join(
        (
            f"total;dur={milliseconds(timed.seconds)}",
            f'db;dur={milliseconds(timed.database.seconds)};desc="{timed.database.count} queries"',
            f's3;dur={milliseconds(timed.s3.seconds)};desc="{timed.s3.count} calls"',
        )
    )
