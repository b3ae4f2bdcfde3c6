"""Sends errors to Sentry. Imported only if SENTRY_DSN is set.

Sentry is another company's service, so it gets less than the site's own log: no bodies, no
cookies, no variables, no e-mail addresses, and no links that open something.
"""

import re

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations.logging import ignore_logger
from structlog.contextvars import get_contextvars

from .logs import redact, redacted

PEOPLE = re.compile(r"[\w.+-]+(?:@|%40)(?:[\w-]+\.)+[A-Za-z]{2,}")
COOKIES = re.compile(r"((?:sessionid|csrftoken|csrfmiddlewaretoken)(?:=|['\"]: ?['\"]))[^;&\s'\"]+")
OFF = {"mode": "off"}


def start() -> None:
    """Report unhandled exceptions, and lines logged as errors, from now on."""
    ignore_logger("django.security.*")  # a refused request is not an error of the site
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=getattr(settings, "SITE_ENVIRONMENT", "production"),
        release=getattr(settings, "SENTRY_RELEASE", None),  # if None, the SDK looks for one
        # This replaces send_default_pii, which is deprecated. It has to list every kind of data:
        # Sentry collects those that are missing.
        data_collection={  # type: ignore[arg-type] # the SDK's hints want other words
            "user_info": False,
            "cookies": OFF,
            "http_headers": {"request": OFF},
            "http_bodies": [],
            "url_query_params": OFF,
            "database_query_data": False,
            "queues": False,
            "stack_frame_variables": False,
            "graphql": {"document": False, "variables": False},
            "gen_ai": {"inputs": False, "outputs": False},
        },
        auto_session_tracking=False,  # errors alone
        before_send=clean_event,
        before_breadcrumb=clean_breadcrumb,
    )


def clean_event(event, hint):
    """Return an error without personal data; its request_id leads to its lines in the log."""
    if request := event.get("request"):
        event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    if request_id := get_contextvars().get("request_id"):
        event["tags"] = {**event.get("tags", {}), "request_id": request_id}
    return redacted(event, clean)


def clean_breadcrumb(breadcrumb, hint):
    """Return a step before an error, without personal data."""
    return redacted(breadcrumb, clean)


def clean(text: str) -> str:
    """Return a text without links that open something, cookies and e-mail addresses."""
    return PEOPLE.sub("[redacted]", COOKIES.sub(r"\1[redacted]", redact(text)))
