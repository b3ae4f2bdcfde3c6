"""How far a long command has come: a line that rewrites itself on a terminal, a few in a pipe."""

import time
from typing import TextIO

TERMINAL_SECONDS = 0.2  # between two states of the line
PIPE_SECONDS = 10  # between two lines, where every line stays


class Progress:
    """Tells how many of `total` are done, how fast that goes, and how long it will take."""

    def __init__(self, out: TextIO, total: int, clock=time.monotonic):
        self.out, self.total, self.clock = out, total, clock
        self.is_terminal = out.isatty()
        self.done = self.bytes = 0
        self.started = self.shown = clock()

    def add(self, size: int) -> None:
        """Count one more, and `size` bytes that were moved for it."""
        self.done += 1
        self.bytes += size
        interval = TERMINAL_SECONDS if self.is_terminal else PIPE_SECONDS
        if self.clock() - self.shown >= interval:
            self.shown = self.clock()
            self.out.write(f"\r{self}\x1b[K" if self.is_terminal else f"{self}\n")
            self.out.flush()

    def clear(self) -> None:
        """Leave the terminal's line to others."""
        if self.is_terminal:
            self.out.write("\r\x1b[K")
            self.out.flush()

    def __str__(self):
        seconds = self.clock() - self.started or 1e-9
        left = (self.total - self.done) * seconds / (self.done or 1)
        return (
            f"{self.done:,} of {self.total:,} files, {size_words(self.bytes)} copied, "
            f"{self.done / seconds:,.0f} files and {size_words(self.bytes / seconds)} a second, "
            f"{time_words(left)} left"
        )


def size_words(size: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            break
        size /= 1000
    else:
        unit = "TB"
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def time_words(seconds: float) -> str:
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
