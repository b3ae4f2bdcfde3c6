"""How lines are logged: what never gets into one, and what it looks like.

Code logs by the standard library, logging.getLogger(__name__), fields by extra={...}. LOGGING in
the settings sends every line through RedactLinks and one of the formats below.
"""

import datetime
import logging
import re

from django.core.management.color import color_style
from structlog.contextvars import merge_contextvars
from structlog.processors import EventRenamer, JSONRenderer, LogfmtRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

from . import timing

# A link is a key while it lives: the local twin's token, S3's signature, an e-mailed key. It may
# stand inside another link's query, with its / and = escaped.
LINKS = re.compile(
    r"((?:/|%2F)(?:protected|password(?:/|%2F)reset(?:/|%2F)key|confirm-email)(?:/|%2F)"
    r"|X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D)"
    r"|\bSignature=)"
    r"[^\s\"'&<>\\({]+",  # a bracket follows in a route's pattern, which may be shown
    re.IGNORECASE,
)
# What moves a cursor, ends a line for some, or cannot be written; renderers see to line breaks.
UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
HARMLESS = (bool, int, float, datetime.date, type(None))
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({})))
MAX_TRACEBACK = 8000  # characters of it in one line: Heroku cuts lines at 10,000 bytes


def redact(text: str) -> str:
    return LINKS.sub(r"\1[redacted]", text)


def redacted(value, redact=redact):
    """A copy of a value in which every text is redacted; an object becomes what it says it is."""
    if isinstance(value, HARMLESS):
        return value
    if isinstance(value, dict):
        return {redacted(key, redact): redacted(item, redact) for key, item in value.items()}
    if isinstance(value, list):
        return [redacted(item, redact) for item in value]
    if isinstance(value, tuple):
        return tuple(redacted(item, redact) for item in value)
    return redact(str(value))


class RedactLinks(logging.Filter):
    """Keeps links that open something out of the log: message, fields and traceback."""

    def filter(self, record):
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit: logging would tell
            record.msg, record.args = f"{record.msg!r} {record.args!r}", ()
            message = record.msg
        if redact(message) != message:
            record.msg, record.args = redact(message), ()
        for name in vars(record).keys() - STANDARD_ATTRIBUTES:
            setattr(record, name, redacted(getattr(record, name)))
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        # Formatters write exc_text, where there is one, instead of asking exc_info again.
        record.exc_text = record.exc_text and redact(record.exc_text)
        record.stack_info = record.stack_info and redact(record.stack_info)
        return True


class Console(logging.StreamHandler):
    """Writes what there is to say beyond the requests' own lines (portal/request_log.py).

    Django logs each request that it refused, or answered with an error, once more. Its reason goes
    into the request's own line; a line of its own is left for what has a traceback to show.
    """

    def emit(self, record):
        if not is_about_a_request(record):
            super().emit(record)
        elif timed := timing.current():
            timed.refusal = record.getMessage()


def is_about_a_request(record) -> bool:
    """Whether Django says no more here than how a request ended, and why."""
    if record.name == "django.server":  # runserver; it may also ask not to be called over HTTPS
        return record.getMessage().startswith('"')
    status = getattr(record, "status_code", None) if record.name.startswith("django.") else None
    return status is not None and (status < 500 or not record.exc_info)


def formatter(log_format: str) -> ProcessorFormatter:
    """What turns a record into a line: for machines, logfmt or json; for people, plain."""
    renderers = {
        "logfmt": LogfmtRenderer(
            key_order=["time", "level", "logger", "message", "request_id"],
            drop_missing=True,
            bool_as_flag=False,
        ),
        "json": JSONRenderer(),
        "plain": plain,
    }
    time = {"fmt": "%H:%M:%S", "utc": False} if log_format == "plain" else {"fmt": "iso"}
    return ProcessorFormatter(
        foreign_pre_chain=[
            TimeStamper(key="time", **time),
            add_log_level,
            add_logger_name,
            merge_contextvars,
            EventRenamer("message"),
            ExtraAdder(),
            add_traceback,
        ],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            tidy,
            *([] if log_format == "plain" else [shorten_traceback]),
            renderers[log_format],
        ],
    )


def add_traceback(logger, method, event):
    """Take the traceback as RedactLinks left it."""
    event.pop("exc_info", None)
    if event["_record"].exc_text:
        event["exception"] = event["_record"].exc_text
    return event


def tidy(logger, method, event):
    """Escape what could forge a line or move a terminal's cursor; leave out what is said twice."""
    for name in ("request", "server_time", "status_code"):  # Django's, of each line about a request
        event.pop(name, None)
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], value)
    return event


def shorten_traceback(logger, method, event):
    """Keep a line in one piece; what went wrong stands at a traceback's end."""
    if len(event.get("exception", "")) > MAX_TRACEBACK:
        event["exception"] = f"...{event['exception'][-MAX_TRACEBACK:]}"
    return event


def plain(logger, method, event) -> str:
    """For people: a request in a few words, anything else as it was said."""
    time, level, source, said, traceback = (
        event.pop(name, "") for name in ("time", "level", "logger", "message", "exception")
    )
    event.pop("request_id", None)
    if source == "portal.request_log":
        return f"{time} {in_words(event)}"
    details = "".join(f" {name}={value}" for name, value in event.items())
    return f"{time} {level.upper()} {source}: {said}{details}" + (traceback and f"\n{traceback}")


def in_words(request: dict) -> str:
    """A request's fields as a sentence, coloured by its status much as runserver would."""
    style = color_style()
    paint = {2: style.HTTP_SUCCESS, 3: style.HTTP_REDIRECT, 4: style.HTTP_NOT_FOUND}.get(
        request["status"] // 100, style.HTTP_SERVER_ERROR
    )
    address = "(no route)" if request["route"] is None else f"/{request['route'].lstrip('/')}"
    words = paint(f"{request['method']} {address} {request['status']}")
    words += f" in {request['ms']:.0f} ms"
    if "queue_ms" in request:
        words += f", queue {request['queue_ms']:.0f} ms"
    for name, what in (("db_queries", "database"), ("s3_calls", "S3")):
        if count := request[name]:
            spent = request[name.partition("_")[0] + "_ms"]
            words += f", {what} {spent:.0f} ms ({count})"
    return f"{words}: {request['reason']}" if "reason" in request else words
