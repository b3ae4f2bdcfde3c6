"""Promises of the rehearsal: one that has held is printed; one that has not ends it."""

import contextlib
import http.client
import time

SAID_CHARACTERS = 3000  # of the end of a program's output, shown with a failure


class Failed(Exception):
    """A promise does not hold."""


def expect(holds, sentence: str, said: str = "") -> None:
    """Raise Failed with a sentence, and a program's output, unless a condition holds."""
    if not holds:
        raise Failed(f"{sentence}\n{said[-SAID_CHARACTERS:]}".rstrip())


@contextlib.contextmanager
def step(promise: str):
    started = time.monotonic()
    try:
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error
    except Failed as failure:
        print(f"FAILED   {promise}\n\n{failure}", flush=True)
        raise
    print(f"{time.monotonic() - started:6.1f}   {promise}", flush=True)
