"""Marks the threads that answer requests, whose queries must not wait without a limit."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Each thread has a context of its own, so a request affects no other.
_is_limited: ContextVar[bool] = ContextVar("is_limited", default=False)


def limit_waits(get_response):
    """Let no query of a request wait longer than `answer_timeout` (base.py).

    Comes early in MIDDLEWARE, before all that query the database.
    """

    def middleware(request):
        with limited_waits():
            return get_response(request)

    return middleware


@contextmanager
def limited_waits() -> Iterator[None]:
    """Limit the waits of this thread's queries within the block, as those of a request."""
    token = _is_limited.set(True)
    try:
        yield
    finally:
        _is_limited.reset(token)


def is_limited() -> bool:
    """Return True if this thread's queries may not wait without a limit."""
    return _is_limited.get()
