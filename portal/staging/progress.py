"""The progress of a long command: one line that is rewritten on a terminal, a few in a pipe."""

import time
from collections.abc import Callable
from functools import cached_property

from django.core.management.base import OutputWrapper

TERMINAL_SECONDS = 0.2  # between two states of the line
PIPE_SECONDS = 10  # between two lines, where every line stays


class Progress:
    """Shows how many files are done, of how many, at what rate, and the time that is left.

    `count_all` returns the number of all files. It may have to read every row, so it is called when
    something is shown for the first time. Without it, as for a listing, no time left is shown.
    """

    def __init__(
        self, out: OutputWrapper, count_all: Callable[[], int] | None, clock=time.monotonic
    ):
        self.out, self.count_all, self.clock = out, count_all, clock
        self.is_terminal = out.isatty()
        self.done = self.bytes = 0
        self.started = self.shown = clock()

    @cached_property
    def total(self) -> int | None:
        return self.count_all() if self.count_all else None

    def add(self, size: int) -> None:
        """Count one file more, and the `size` bytes that were copied for it."""
        self.done += 1
        self.bytes += size
        interval = TERMINAL_SECONDS if self.is_terminal else PIPE_SECONDS
        if self.clock() - self.shown >= interval:
            self.shown = self.clock()
            self._write(f"\r{self}\x1b[K" if self.is_terminal else f"{self}\n")

    def clear(self) -> None:
        """Clear the terminal's line before something else is printed."""
        if self.is_terminal:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self.out.write(text, style_func=str, ending="")  # a command's stderr would be all red
        self.out.flush()

    def __str__(self):
        seconds = self.clock() - self.started or 1e-9
        total = f" of {self.total:,}" if self.total is not None else ""
        left = ((self.total or 0) - self.done) * seconds / (self.done or 1)
        return (
            f"{self.done:,}{total} files, {size_words(self.bytes)} copied, "
            f"{self.done / seconds:,.0f} files and {size_words(self.bytes / seconds)} a second"
            + (f", {time_words(left)} left" if total else "")
        )


def size_words(size: float) -> str:
    """Bytes for people: 64.0 MB."""
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.0f} bytes" if units[0] == "bytes" else f"{size:.1f} {units[0]}"


def time_words(seconds: float) -> str:
    """A duration for people: 1:01:01."""
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
