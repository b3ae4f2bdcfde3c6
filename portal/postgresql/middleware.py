"""Tells the database connections whether the site is answering a request."""

from contextvars import ContextVar

# Each thread has a context of its own, so a request says nothing about the others.
_is_answering: ContextVar[bool] = ContextVar("is_answering", default=False)


def limit_waits(get_response):
    """Let no query of a request wait longer than `answer_timeout` (base.py).

    Stands early in MIDDLEWARE, before whatever asks the database.
    """

    def middleware(request):
        token = _is_answering.set(True)
        try:
            return get_response(request)
        finally:
            _is_answering.reset(token)

    return middleware


def is_answering() -> bool:
    """Return True if this thread is answering a request."""
    return _is_answering.get()
