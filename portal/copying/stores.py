"""The interface of a store: a bucket or a folder, as the copy engine uses it.

folder_store.py and s3_store.py are the two kinds. A store that has no such file returns None or
raises FileNotFoundError; one that does not allow something raises PermissionError. After Transient
the request is retried, after Changed the whole file; Unusable ends the run.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

CHUNK_BYTES = 128 * 1024
PLAIN_ETAG = re.compile(r"[0-9a-f]{32}")
UNKNOWN = object()  # in place of a FileInfo: the store has not been asked yet


class Transient(OSError):
    """The store is busy, or the connection broke: the same request may well succeed later."""


class Changed(OSError):
    """The file has changed since the copy began, so the copy has to begin again."""


class Unusable(Exception):
    """Nothing can be done with this store, and no retry would help; the text has the reason."""


class FileInfo(NamedTuple):
    """The size, time and ETag of a file, which a store gives without opening it."""

    size: int  # bytes
    modified: float  # seconds since 1970, by the store's own clock
    etag: str = ""  # empty if the store has none that could be compared

    @property
    def md5(self) -> str:
        """The content's MD5, in hexadecimal; empty if the ETag is not an MD5."""
        return self.etag if PLAIN_ETAG.fullmatch(self.etag) else ""


class Page(NamedTuple):
    """A part of a listing."""

    files: Iterable[tuple[str, FileInfo]]  # by name, in the order of UTF-8 bytes; read once
    last: str  # the last of the names
    is_last: bool  # True if the listing ends here


@dataclass
class Content:
    """An open file: its FileInfo, and its bytes in chunks of at most CHUNK_BYTES."""

    info: FileInfo
    headers: dict[str, str]  # Content-Type and the like; empty if the store keeps none
    chunks: Iterator[bytes]


class Source(Protocol):
    """A store that files are read from."""

    lists: bool  # False if asking for one file costs as little as a listing would

    def page(self, after: str) -> Page:
        """Return the files whose names come after the given one, as many as fit on a page."""

    def find(self, name: str) -> FileInfo | None:
        """Return the file of this name, or None if there is none."""

    def copied_headers(self, name: str) -> dict[str, str]:
        """Return the headers to store a copy with; empty if the store keeps none."""

    def md5(self, name: str) -> str:
        """Return the content's MD5; only called for stores without ETags."""

    def open(
        self, name: str, part: range | None = None, etag: str = ""
    ) -> AbstractContextManager[Content]:
        """Read a file, or a part of it. Raises Changed if it no longer has this ETag."""


class Target(Source, Protocol):
    """A store that files are written to."""

    keeps_time: bool  # a copy has the time of its original
    checks_md5: bool  # refuses content whose MD5 is not the one in its FileInfo
    single_bytes: float  # the size up to which a file is written in one request

    def write(self, name: str, content: Content) -> str:
        """Store a file; returns the MD5 of what has been stored, or "" if the store has none."""

    def can_copy_from(self, source: Source) -> bool:
        """Return True if both are of one service, which can copy without this machine.

        Only such a target needs may_read(), copy() and copy_part().
        """
