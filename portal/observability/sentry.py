"""Errors go to Sentry where SENTRY_DSN is set, and only there is this module imported.

What the site's own log may not hold, somebody else's computer may hold even less: no bodies, no
cookies, no variables, no addresses of people, and no link that opens something.
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
    """Report unhandled exceptions, and what is logged as an error, from now on."""
    ignore_logger("django.security.*")  # what a stranger was refused is no error of the site's
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SITE_ENVIRONMENT,
        release=settings.SENTRY_RELEASE,  # or else what the SDK finds out from git or the host
        # In place of send_default_pii, which is deprecated. Each of them is stated: what is left
        # out, Sentry collects.
        data_collection={
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
        auto_session_tracking=False,  # errors are what it is for
        before_send=clean_event,
        before_breadcrumb=clean_breadcrumb,
    )


def clean_event(event, hint):
    """An error as it may leave the house; its request_id leads to the log's lines about it."""
    if request := event.get("request"):
        event["request"] = {name: request[name] for name in ("method", "url") if name in request}
    if request_id := get_contextvars().get("request_id"):
        event["tags"] = {**event.get("tags", {}), "request_id": request_id}
    return redacted(event, clean)


def clean_breadcrumb(breadcrumb, hint):
    return redacted(breadcrumb, clean)


def clean(text: str) -> str:
    return PEOPLE.sub("[redacted]", COOKIES.sub(r"\1[redacted]", redact(text)))
