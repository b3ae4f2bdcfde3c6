"""Trying again what a busy S3 could not do a moment ago."""

import random
import threading
from collections.abc import Callable
from typing import Any

from .stores import Transient

ATTEMPTS = 8
FIRST_PAUSE_SECONDS = 0.2  # on average half of it; twice as long each time, 13 s in all


class Stopped(Exception):
    """The run is over; what is under way ends here."""


class Patience:
    """Tries again what S3 is too busy for, and gives up when the run is over."""

    def __init__(self):
        self.stopping = threading.Event()

    def __call__(self, attempt: Callable[[], Any]):
        """Return what `attempt` returns; raises OSError when it has been Transient too often."""
        pause = FIRST_PAUSE_SECONDS
        for number in range(1, ATTEMPTS + 1):
            try:
                return attempt()
            except Transient as error:
                if number == ATTEMPTS:
                    raise GaveUp(f"Gave up after {ATTEMPTS} attempts. {error}") from error
            if self.stopping.wait(random.uniform(0, pause)):  # noqa: S311 (spreads, hides nothing)
                raise Stopped
            pause *= 2


class GaveUp(OSError):
    """S3 was too busy, or not to be reached, for as long as patience lasts."""
