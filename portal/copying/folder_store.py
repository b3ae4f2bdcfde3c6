"""A folder as the copy engine sees it."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO
from uuid import uuid4

from django.core.files import locks
from django.core.files.storage import FileSystemStorage

from .stores import CHUNK_BYTES, Changed, Content, FileInfo, Unusable

UNFINISHED = re.compile(r"\.copying-[0-9a-f]{32}")  # the name of a file while it is written


class Folder:
    """The files of a FileSystemStorage.

    A file is written under another name in the same folder and then renamed, so that no reader gets
    half a file. It gets the time of the source's, by which the next run recognises it.
    """

    lists = False  # asking for one file costs microseconds, in any order
    keeps_time = True
    checks_md5 = False
    single_bytes = float("inf")

    def __init__(self, storage: FileSystemStorage):
        self.storage, self.path = storage, Path(storage.location)
        self._tidied: set[Path] = set()

    def __str__(self):
        return f"The folder {self.path}"

    def find(self, name: str) -> FileInfo | None:
        try:
            status = os.stat(self.storage.path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return FileInfo(status.st_size, status.st_mtime) if S_ISREG(status.st_mode) else None

    def copied_headers(self, name: str) -> dict[str, str]:
        return {}

    def can_copy_from(self, source) -> bool:
        return False

    @contextlib.contextmanager
    def open(self, name: str, part: range | None = None, etag: str = "") -> Iterator[Content]:
        with Path(self.storage.path(name)).open("rb") as file:
            status = os.fstat(file.fileno())
            part = range(status.st_size) if part is None else part
            if part.stop > status.st_size:
                raise Changed("The file has become shorter meanwhile.")
            file.seek(part.start)
            sizes = [CHUNK_BYTES] * (len(part) // CHUNK_BYTES) + [len(part) % CHUNK_BYTES]
            yield Content(FileInfo(len(part), status.st_mtime), {}, map(file.read, sizes))

    def md5(self, name: str) -> str:
        digest = md5(usedforsecurity=False)
        with self.open(name) as content:
            for chunk in content.chunks:
                digest.update(chunk)
        return digest.hexdigest()

    def write(self, name: str, content: Content) -> str:
        """Write a file; returns no MD5, because only this process has handled its bytes.

        Raises ValueError for a name such as a//b, whose file would replace that of a/b.
        """
        path = Path(self.storage.path(name))
        if name != os.path.relpath(path, self.path):
            raise ValueError("A folder would keep a file of this name under another one.")
        with no_room_for_any_file(self):
            self._write(path, content)
        return ""

    def _write(self, path: Path, content: Content) -> None:
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
            os.utime(file.name, (content.info.modified, content.info.modified))
            os.replace(file.name, path)

    def _tidy(self, folder: Path) -> None:
        """Remove unfinished files of a killed run from a folder, before the first write to it."""
        if folder in self._tidied:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                if UNFINISHED.fullmatch(entry.name):
                    remove_if_abandoned(entry.path)
        self._tidied.add(folder)


@contextlib.contextmanager
def no_room_for_any_file(folder: Folder) -> Iterator[None]:
    """Raise Unusable if the disk is full: the files after this one would not fit either."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise Unusable(f"{folder} is on a disk that is full.") from error


@contextlib.contextmanager
def unfinished_file(folder: Path) -> Iterator[BinaryIO]:
    """Open a locked file under a temporary name; it is removed unless it has been renamed."""
    while True:
        file = (folder / f".copying-{uuid4().hex}").open("xb")
        locks.lock(file, locks.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:  # else another run removed it before it was locked
            break
        file.close()
    try:
        yield file
    finally:
        Path(file.name).unlink(missing_ok=True)  # it has been renamed, or writing failed
        file.close()


def remove_if_abandoned(path: str) -> None:
    """Remove an unfinished file unless a running process holds its lock."""
    with contextlib.suppress(FileNotFoundError), open(path, "r+b") as file:
        if locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            os.unlink(path)
