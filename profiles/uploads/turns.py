"""One at a time on a machine, first come first served: for work that takes much of its memory.

A lock of one process would not do, for a dyno has several. Each who waits holds a lock on a file of
their own, numbered in the order of arrival; the kernel releases the locks of a process that is
killed.
"""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 0.02
DRAWING = "drawing"  # whose lock only one who draws a number holds


class Busy(Exception):
    """The turn did not come in time."""


@contextlib.contextmanager
def turn(name: str, wait_seconds: float) -> Iterator[None]:
    """Hold the machine's one turn of this name within the block. Raises Busy."""
    folder = Path(tempfile.gettempdir(), f"{name}-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else.")
    ticket = draw_ticket(folder)
    try:
        deadline = time.monotonic() + wait_seconds
        while is_behind_another(folder, Path(ticket.name)):
            if time.monotonic() > deadline:
                raise Busy
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        Path(ticket.name).unlink(missing_ok=True)
        ticket.close()


def draw_ticket(folder: Path):
    """Make the locked file with the number behind the last of those who wait."""
    with (folder / DRAWING).open("wb") as drawing:
        fcntl.flock(drawing, fcntl.LOCK_EX)
        number = max(map(int, waiting(folder)), default=0) + 1
        ticket = (folder / f"{number:020d}").open("xb")
        fcntl.flock(ticket, fcntl.LOCK_EX)
    return ticket


def waiting(folder: Path) -> list[str]:
    """Return the names of all tickets, in their order."""
    return sorted(filter(str.isdecimal, os.listdir(folder)))


def is_behind_another(folder: Path, ticket: Path) -> bool:
    """Return True while somebody alive came earlier; removes what a killed process has left."""
    for name in waiting(folder):
        if name >= ticket.name:
            return False
        try:
            with (folder / name).open("rb") as earlier:
                fcntl.flock(earlier, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / name).unlink()
        except FileNotFoundError:
            continue
        except BlockingIOError:
            return True
    return False
