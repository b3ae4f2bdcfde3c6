"""Retries of requests that S3 was too busy for."""

import random
import threading
from collections.abc import Callable
from typing import TypeVar

from .stores import Transient

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.2  # on average half of it; twice as long each time, 13 s in all

Result = TypeVar("Result")


class Stopped(Exception):
    """The run has ended, so the work in progress is abandoned."""


class GaveUp(OSError):
    """S3 was too busy, or could not be reached, at every attempt."""


class Retry:
    """Repeats attempts that were Transient, until the run ends."""

    def __init__(self):
        self.stopping = threading.Event()

    def __call__(self, attempt: Callable[[], Result]) -> Result:
        """Return what `attempt` returns; raises GaveUp if it has been Transient ATTEMPTS times."""
        number, pause = 1, FIRST_PAUSE_SECONDS
        while True:
            try:
                return attempt()
            except Transient as error:
                if number == ATTEMPTS:
                    raise GaveUp(f"Gave up after {ATTEMPTS} attempts. {error}") from error
            if self.stopping.wait(random.uniform(0, pause)):  # noqa: S311 (spreads, hides nothing)
                raise Stopped
            number, pause = number + 1, pause * 2
