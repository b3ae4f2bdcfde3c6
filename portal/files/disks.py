"""A full disk, said as such: which folder had no room, where the system's error names none."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from os import PathLike

FULL = {errno.ENOSPC, errno.EDQUOT}


class DiskFull(OSError):
    """There is no room left on a disk; the words name a folder on it."""


@contextlib.contextmanager
def named_disk(folder: str | PathLike) -> Iterator[None]:
    """Raise DiskFull where something finds no room in a folder."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error) or isinstance(error, DiskFull):
            raise
        raise DiskFull(error.errno, f"The disk of {folder} is full ({room(folder)})") from error


def is_full_disk(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in FULL


def room(folder: str | PathLike) -> str:
    """How much of a folder's disk is free; a quota may be full before it is."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return "its size is not known"
    return f"{usage.free // 2**20} of {usage.total // 2**20} MiB are free"
