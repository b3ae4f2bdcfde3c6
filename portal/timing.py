"""What a request waits for: the database and S3, measured where they are talked to.

Queries are measured by Django's own hook around them, S3 by botocore's events of the shared client
(portal/s3.py), so that nobody has to remember to measure. What is read on after a call's answer has
begun, such as an object's content or a long list of rows, is not in it.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter

from django.db import connections


@dataclass
class Waits:
    """How often, and for how many seconds altogether, somebody else was waited for."""

    count: int = 0
    seconds: float = 0.0

    def add(self, began: float) -> None:
        self.count += 1
        self.seconds += perf_counter() - began


@dataclass
class Timing:
    """What one request has waited for up to now, and why Django refused it, if it did."""

    began: float = field(default_factory=perf_counter)
    queued: float | None = None  # seconds before that, between the router and this process
    database: Waits = field(default_factory=Waits)
    s3: Waits = field(default_factory=Waits)
    refusal: str | None = None

    @property
    def seconds(self) -> float:
        """How long the client has waited up to now, the queue included."""
        return (self.queued or 0) + perf_counter() - self.began

    def query(self, execute, sql, params, many, context):
        """Run a query, for connection.execute_wrapper()."""
        began = perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.database.add(began)


# Each thread has a context of its own, so requests that are answered at once do not mix.
_current: ContextVar[Timing | None] = ContextVar("timing", default=None)


def current() -> Timing | None:
    """The timing of the request that this thread answers, if it answers one."""
    return _current.get()


@contextlib.contextmanager
def measured() -> Iterator[Timing]:
    """Measure what this thread waits for within the block; opens no connection by itself."""
    timing = Timing()
    token = _current.set(timing)
    try:
        with contextlib.ExitStack() as wrappers:
            for connection in connections.all():
                wrappers.enter_context(connection.execute_wrapper(timing.query))
            yield timing
    finally:
        _current.reset(token)


def measure_s3(client) -> None:
    """Have each call of a boto3 client measured, as long as its caller waits for it.

    A call that botocore tries again counts once, its pauses included; one that fails counts, too.
    """
    events = client.meta.events
    events.register_first("before-call.s3", _s3_call_begins)
    events.register("after-call.s3", _s3_call_ends)
    events.register("after-call-error.s3", _s3_call_ends)


def _s3_call_begins(context, **kwargs):
    context["portal_call_began"] = perf_counter()


def _s3_call_ends(context, **kwargs):
    if timing := current():
        timing.s3.add(context["portal_call_began"])
