"""Reports a full disk with the name of a folder on it, which the system's error may lack."""

import contextlib
import errno
import shutil
from collections.abc import Iterator
from os import PathLike

FULL = {errno.ENOSPC, errno.EDQUOT}


class DiskFull(OSError):
    """A disk is full; the message names a folder on it."""


@contextlib.contextmanager
def named_disk(folder: str | PathLike) -> Iterator[None]:
    """Raise DiskFull, which names the folder, if the block finds its disk full."""
    try:
        yield
    except OSError as error:
        if not is_full_disk(error) or isinstance(error, DiskFull):
            raise
        raise DiskFull(error.errno, f"The disk of {folder} is full ({room(folder)})") from error


def is_full_disk(error: BaseException | None) -> bool:
    """Return True if an error means that a disk or a quota is full."""
    return isinstance(error, OSError) and error.errno in FULL


def room(folder: str | PathLike) -> str:
    """Return in words how much of a folder's disk is free; a quota may be full earlier."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return "its size is not known"
    return f"{usage.free // 2**20} of {usage.total // 2**20} MiB are free"
