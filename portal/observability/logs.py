"""The lines of the log: their formats, and the redaction of links.

Code uses the standard library: logging.getLogger(__name__), and extra={...} for fields. LOGGING in
the settings sends every line through RedactLinks and one of the formats below.
"""

import datetime
import json
import logging
import re
from typing import Any

from django.core.management.color import color_style
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.processors import EventRenamer, JSONRenderer, LogfmtRenderer, TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name

from . import timing

# Anyone who has one of these links can open it until it expires: the local twin's token, S3's
# signature, a key in an e-mail. It may be in another link's query, quoted once or more often.
SLASH, EQUALS = r"(?:/|%(?:25)*2F)", r"(?:=|%(?:25)*3D)"
LINKS = re.compile(
    rf"({SLASH}(?:protected|password{SLASH}reset{SLASH}key|confirm-email|invitation){SLASH}"
    rf"|X-Amz-(?:Signature|Credential|Security-Token){EQUALS}"
    rf"|(?:\b|%(?:25)*(?:26|3F))Signature{EQUALS})"
    r"[^\s\"'&<>\\({]+",  # stops at a bracket: a route's pattern is not redacted
    re.IGNORECASE,
)
# Characters that move a terminal's cursor, end a line in some programs, or cannot be encoded. Line
# breaks are not among them: the formats escape those.
UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LOGFMT_QUOTED = re.compile(r'[ ="]')
REQUEST_LOG = "portal.observability.request_log"
HARMLESS = (bool, int, float, datetime.date, type(None))
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({})))
MAX_TRACEBACK = 8000  # characters; Heroku cuts a line at 10,000 bytes


def redact(text: str) -> str:
    """Return a text without the links that open something."""
    return LINKS.sub(r"\1[redacted]", text)


def redacted(value, redact=redact):
    """Return a copy of a value in which every text is redacted; an object becomes its str()."""
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
        """Redact the record in place, and keep it."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):  # arguments that do not fit the message
            record.msg, record.args = f"{record.msg!r} {record.args!r}", ()
            message = record.msg
        if redact(message) != message:
            record.msg, record.args = redact(message), ()
        for name in vars(record).keys() - STANDARD_ATTRIBUTES:
            setattr(record, name, redacted(getattr(record, name)))
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        # Formatters use exc_text, if it is set, and not exc_info.
        record.exc_text = record.exc_text and redact(record.exc_text)
        record.stack_info = record.stack_info and redact(record.stack_info)
        return True


class Console(logging.StreamHandler):
    """Writes the lines that are not the requests' own (request_log.py).

    Django also logs each request that it has refused, or answered with an error. The reason goes
    into the request's own line; only what has a traceback keeps a line of its own.
    """

    def emit(self, record):
        """Write the record, or hand its message to the line of the request."""
        if not is_about_a_request(record):
            super().emit(record)
        elif timed := timing.current():
            timed.refusal = record.getMessage()


def is_about_a_request(record) -> bool:
    """Return True if a record only repeats the status of a request, and the reason."""
    if record.name == "django.server":  # runserver, which also warns about HTTPS
        return record.getMessage().startswith('"')
    status = getattr(record, "status_code", None) if record.name.startswith("django.") else None
    return status is not None and (status < 500 or not record.exc_info)


def formatter(log_format: str) -> ProcessorFormatter:
    """Return the formatter of records: logfmt or json for machines, plain for people."""
    renderers: dict[str, Any] = {
        "logfmt": LogfmtRenderer(
            key_order=["time", "level", "logger", "message"],
            drop_missing=True,
            bool_as_flag=False,
        ),
        "json": JSONRenderer(),
        "plain": plain,
    }
    time = {"fmt": "%H:%M:%S", "utc": False} if log_format == "plain" else {"fmt": "iso"}
    formatter_class = {"logfmt": LogfmtRequests, "json": JSONRequests}.get(
        log_format, ProcessorFormatter
    )
    return formatter_class(
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


class RequestLines(ProcessorFormatter):
    """A formatter with a short way for the requests' own lines, which are most of the log.

    Their fields are known, and none is a traceback or an object.
    """

    def format(self, record):
        if record.name != REQUEST_LOG:
            return super().format(record)
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        event = {
            "time": time.isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **get_contextvars(),
        }
        for name, value in vars(record).items():
            if name not in STANDARD_ATTRIBUTES:
                event[name] = printable(value) if isinstance(value, str) else value
        return self.render(event)


class LogfmtRequests(RequestLines):
    def render(self, event: dict) -> str:
        return " ".join([f"{name}={logfmt_value(value)}" for name, value in event.items()])


class JSONRequests(RequestLines):
    def render(self, event: dict) -> str:
        return json.dumps(event)


def logfmt_value(value) -> str:
    """Return a value as structlog's LogfmtRenderer writes it."""
    if not isinstance(value, str):
        return "" if value is None else str(value)
    if not LOGFMT_QUOTED.search(value):
        return value.replace("\n", "\\n")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def add_traceback(logger, method, event):
    """Add the traceback that RedactLinks has redacted."""
    event.pop("exc_info", None)
    if event["_record"].exc_text:
        event["exception"] = event["_record"].exc_text
    return event


def tidy(logger, method, event):
    """Escape characters that forge lines or control a terminal; drop repeated fields."""
    for name in ("request", "server_time", "status_code"):  # Django's, in lines about requests
        event.pop(name, None)
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = printable(value)
    return event


def printable(text: str) -> str:
    """Return a text in which characters that a terminal would act on are escaped."""
    return UNPRINTABLE.sub(lambda found: repr(found[0])[1:-1], text)


def shorten_traceback(logger, method, event):
    """Keep the end of a long traceback, which has the error, so that the line is not cut."""
    if len(event.get("exception", "")) > MAX_TRACEBACK:
        event["exception"] = f"...{event['exception'][-MAX_TRACEBACK:]}"
    return event


def plain(logger, method, event) -> str:
    """Format for people: a request as a short sentence, other lines as they are."""
    time, level, source, message, traceback = (
        event.pop(name, "") for name in ("time", "level", "logger", "message", "exception")
    )
    event.pop("request_id", None)
    if source == REQUEST_LOG:
        return f"{time} {in_words(event)}"
    details = "".join(f" {name}={value}" for name, value in event.items())
    line = f"{time} {level.upper()} {source}: {message}{details}"
    return line + (traceback and f"\n{traceback}")


def in_words(request: dict) -> str:
    """Return a request's fields as a sentence, with runserver's colours for the status."""
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
