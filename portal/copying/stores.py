"""What the copy engine asks of a place that holds files; and a folder as such a place.

portal/copying/s3_store.py is the other kind. A place that finds nothing says so with None or raises
FileNotFoundError; one that may not tell raises PermissionError; Transient is worth another try;
Unusable ends the whole run.
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, NamedTuple
from uuid import uuid4

from django.core.files import locks
from django.core.files.storage import FileSystemStorage

CHUNK_BYTES = 128 * 1024
UNFINISHED = re.compile(r"\.copying-[0-9a-f]{32}")  # what files are called while being written
PLAIN_ETAG = re.compile(r"[0-9a-f]{32}")


class Transient(OSError):
    """The place is busy, or the connection broke: the same request may well succeed later."""


class Unusable(Exception):
    """Nothing can be done in this place, and trying again would not help; the words say why."""


class Found(NamedTuple):
    """What a place says about a file without opening it."""

    size: int  # bytes
    modified: float  # seconds since 1970, by the place's own clock
    etag: str = ""  # empty where the place has none that could be compared

    @property
    def md5(self) -> str:
        """The content's MD5, in hexadecimal; empty where the ETag is something else."""
        return self.etag if PLAIN_ETAG.fullmatch(self.etag) else ""


class Page(NamedTuple):
    """A stretch of a listing."""

    found: Iterable[tuple[str, Found]]  # with their names, in the order of UTF-8 bytes; read once
    last: str  # the last of the names
    is_last: bool  # whether the listing ends here


@dataclass
class Content:
    """An open file: what it is, and its bytes in chunks of at most CHUNK_BYTES."""

    found: Found
    headers: dict[str, str]  # Content-Type and the like; empty where the place keeps none
    chunks: Iterator[bytes]


class Folder:
    """The files of a FileSystemStorage.

    A file is written under another name beside its own and then renamed, so that nobody ever
    meets half of it; its time becomes the source's, by which the next run knows it again.
    """

    lists = False  # asking for one file costs microseconds, in any order
    keeps_time = True  # of the file that it is a copy of
    checks_md5 = False  # of what it is given to write
    single_bytes = float("inf")  # nothing is too large to be written in one go

    def __init__(self, storage: FileSystemStorage):
        self.storage, self.path = storage, Path(storage.location)
        self._tidied: set[Path] = set()

    def __str__(self):
        return f"The folder {self.path}"

    def find(self, name: str) -> Found | None:
        try:
            status = os.stat(self.storage.path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Found(status.st_size, status.st_mtime) if S_ISREG(status.st_mode) else None

    def headers(self, name: str) -> dict[str, str]:
        return {}

    def can_copy_from(self, source) -> bool:
        return False

    @contextlib.contextmanager
    def open(self, name: str, part: range | None = None, etag: str = "") -> Iterator[Content]:
        with Path(self.storage.path(name)).open("rb") as file:
            status = os.fstat(file.fileno())
            part = range(status.st_size) if part is None else part
            file.seek(part.start)
            sizes = [CHUNK_BYTES] * (len(part) // CHUNK_BYTES) + [len(part) % CHUNK_BYTES]
            yield Content(Found(len(part), status.st_mtime), {}, map(file.read, sizes))

    def md5(self, name: str) -> str:
        digest = md5(usedforsecurity=False)
        with self.open(name) as content:
            for chunk in content.chunks:
                digest.update(chunk)
        return digest.hexdigest()

    def write(self, name: str, content: Content) -> str:
        """Write a file; returns no MD5, for nothing but this process has handled its bytes."""
        path = Path(self.storage.path(name))
        path.parent.mkdir(
            self.storage.directory_permissions_mode or 0o777, parents=True, exist_ok=True
        )
        self._tidy(path.parent)
        with unfinished_file(path.parent) as file:
            for chunk in content.chunks:
                file.write(chunk)
            file.flush()
            if self.storage.file_permissions_mode is not None:
                os.chmod(file.name, self.storage.file_permissions_mode)
            os.utime(file.name, (content.found.modified, content.found.modified))
            os.replace(file.name, path)
        return ""

    def _tidy(self, folder: Path) -> None:
        """Remove what a killed run has left in a folder, the first time that one writes there."""
        if folder in self._tidied:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if UNFINISHED.fullmatch(entry.name):
                    remove_if_abandoned(entry.path)
        self._tidied.add(folder)


@contextlib.contextmanager
def unfinished_file(folder: Path) -> Iterator[BinaryIO]:
    """A file to write into, under a name of its own and locked; whatever keeps it is removed."""
    while True:
        file = (folder / f".copying-{uuid4().hex}").open("xb")
        locks.lock(file, locks.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else taken for abandoned before it was locked
            break
        file.close()
    try:
        yield file
    finally:
        Path(file.name).unlink(missing_ok=True)  # it has its right name by now, or failed
        file.close()


def remove_if_abandoned(path: str) -> None:
    """Remove an unfinished file unless a running process holds its lock."""
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        if locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            os.unlink(path)
