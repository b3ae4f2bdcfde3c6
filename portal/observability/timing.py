"""Measures how long a request waits for the database and for S3.

Queries are measured by Django's hook around them, and calls to S3 by botocore's events in every
session that boto3 makes (apps.py), so no other module has to measure anything. The time to read an
answer after its first byte, such as an object's content or a long list of rows, is not included.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter

from django.db import connections


@dataclass
class Waits:
    """The number of waits for one service, and their total time in seconds."""

    count: int = 0
    seconds: float = 0.0

    def add(self, began: float) -> None:
        """Add a wait that began at this value of perf_counter() and has just ended."""
        self.count += 1
        self.seconds += perf_counter() - began


@dataclass
class Timing:
    """The waits of one request so far, and the reason if Django refused it."""

    began: float = field(default_factory=perf_counter)
    queued: float | None = None  # seconds before that, between the router and this process
    database: Waits = field(default_factory=Waits)
    s3: Waits = field(default_factory=Waits)
    refusal: str | None = None

    @property
    def seconds(self) -> float:
        """The seconds that the client has waited so far, the queue included."""
        return (self.queued or 0) + perf_counter() - self.began

    def query(self, execute, sql, params, many, context):
        """Run a query, for connection.execute_wrapper()."""
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.database.add(began)


# Each thread has a context of its own, so requests that are answered at once are kept apart.
_current: ContextVar[Timing | None] = ContextVar("timing", default=None)


def current() -> Timing | None:
    """Return the timing of the request that this thread is answering; None outside requests."""
    return _current.get()


@contextlib.contextmanager
def measured() -> Iterator[Timing]:
    """Measure the waits of this thread within the block; opens no connection."""
    timing = Timing()
    token = _current.set(timing)
    wrappers = [connection.execute_wrappers for connection in connections.all()]
    for each in wrappers:
        each.append(timing.query)
    try:
        yield timing
    finally:
        for each in wrappers:
            each.remove(timing.query)
        _current.reset(token)


def measure_s3(session) -> None:
    """Measure each call of a session's S3 clients, for botocore.register_initializer().

    A call that botocore retries counts once, with the pauses; one that fails counts, too.
    """
    events = session.get_component("event_emitter")
    events.register_first("before-call.s3", _s3_call_begins)
    events.register("after-call.s3", _s3_call_ends)
    events.register("after-call-error.s3", _s3_call_ends)


def _s3_call_begins(context, **kwargs):
    context["portal_call_began"] = perf_counter()


def _s3_call_ends(context, **kwargs):
    if timing := current():
        timing.s3.add(context["portal_call_began"])
