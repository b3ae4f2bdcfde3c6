"""Compares storages with the database: files that no row names, and rows without their file.

Both sides are read in the order of names and merged, so that memory does not grow with their
number. Files without a row are left by transactions that were rolled back, by processes that were
killed, and by deletes that the storage refused.
"""

import os
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from copy import copy
from datetime import UTC, datetime
from heapq import merge
from itertools import combinations, groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from portal.s3.addresses import prefix_of
from portal.s3.client import COMMAND_ATTEMPTS
from portal.s3.errors import StorageError, storage_errors

from .locations import may_share_files
from .references import Reference, file_fields, named_among, references

NAMED, YOUNG, ORPHAN, MISSING = "named", "young", "orphan", "missing"
DELETED, FAILED = "deleted", "failed"  # what becomes of an orphan
CHECKED_AT_ONCE = 500  # names in one query
MANY = 100  # orphans; more, and more than half of all files, mean a wrong bucket or database


class SweepRefused(Exception):
    """The storages cannot be swept as they are."""


class Stored(NamedTuple):
    """A file that a storage holds."""

    name: str
    written: datetime


class SweepResult(NamedTuple):
    """A stored file, or a reference whose file is missing."""

    kind: str  # NAMED, YOUNG, ORPHAN or MISSING
    name: str
    stored: Stored | None = None
    reference: Reference | None = None


def results_in(storage: Storage, before: datetime) -> Generator[SweepResult]:
    """Yield the results for one storage, compared with all fields that keep files in it.

    Close it if it may not be read to its end: an error would keep its cursors open, and SQLite
    reports those, below the error's own message, when the process ends.
    """
    fields = [pair for pair in file_fields() if pair[1].storage == storage]
    with closing(references(fields)) as rows:
        yield from sweep_results(storage, rows, before)


def sweep_results(
    storage: Storage, rows: Iterable[Reference], before: datetime
) -> Iterator[SweepResult]:
    """Yield a result for each file, and for each reference whose file is missing.

    A file without a row is an ORPHAN if it was last written before the given time. A younger one
    may belong to a transaction that has not been committed: an upload comes before its row.
    """
    merged = compared(rows, listing(storage), before)
    while batch := list(islice(merged, CHECKED_AT_ONCE)):
        yield from rechecked(storage, batch)


def rechecked(storage: Storage, batch: list[SweepResult]) -> Iterator[SweepResult]:
    """Yield the results that are still true: rows change while a bucket is being listed."""
    doubtful = [result.name for result in batch if result.kind in {ORPHAN, MISSING}]
    named = named_among(storage, doubtful) if doubtful else set()
    for result in batch:
        if result.kind == ORPHAN and result.name in named:
            result = result._replace(kind=NAMED)
        if result.kind != MISSING or result.name in named:
            yield result


def compared(
    rows: Iterable[Reference], stored: Iterable[Stored], before: datetime
) -> Iterator[SweepResult]:
    """Yield a result for each name, of two streams in the order of their names, merged."""
    last = ""
    # merge() starts the first iterator first, so the query begins before the listing. A file is
    # stored before its row, so the listing has the file of each row that the query returns.
    both = merge(rows, stored, key=attrgetter("name"))
    for name, group in groupby(both, key=attrgetter("name")):
        if name < last:
            raise SweepRefused("The storage does not list its files in the order of their names.")
        last = name
        items = list(group)
        naming = [item for item in items if isinstance(item, Reference)]
        files = [item for item in items if isinstance(item, Stored)]
        if not files:
            yield from (SweepResult(MISSING, name, reference=row) for row in naming)
        elif naming:
            yield SweepResult(NAMED, name, files[0])
        else:
            yield SweepResult(YOUNG if files[0].written >= before else ORPHAN, name, files[0])


def look_first(storages: dict[str, Storage], before: datetime, most: bool) -> None:
    """Look at every storage before the first delete. Raises SweepRefused, or OSError."""
    for label, storage in storages.items():
        with closing(results_in(storage, before)) as results:
            refuse_suspicious(label, results, most)


def refuse_suspicious(label: str, results: Iterable[SweepResult], most: bool) -> None:
    """Raise SweepRefused if the orphans may be files that are still needed."""
    counts = Counter()
    for result in results:
        counts[result.kind] += 1
        if result.kind == MISSING and not is_plain(result.name):
            row = result.reference
            raise SweepRefused(
                f"Nothing was deleted: {row.model} {row.pk} {row.field} has a name that is not "
                "written as the storage writes it, so its file would be taken for an orphan."
            )
    files = counts[NAMED] + counts[YOUNG] + counts[ORPHAN]
    if counts[ORPHAN] > max(MANY, files / 2) and not most:
        raise SweepRefused(
            f"Nothing was deleted: no row names {counts[ORPHAN]:,} of the {files:,} files in "
            f"{label}. Is this the right database, and the right bucket? If so, add --most."
        )


def listing(storage: Storage) -> Iterator[Stored]:
    """Yield the files of a storage, in the order of their names. Raises SweepRefused."""
    if isinstance(storage, S3Storage):
        return bucket_listing(storage)
    if isinstance(storage, FileSystemStorage):
        return folder_listing(Path(storage.location))
    raise SweepRefused(f"{type(storage).__name__} is not a storage that can be swept.")


def bucket_listing(storage: S3Storage) -> Iterator[Stored]:
    """Yield the objects below a prefix; S3 sorts keys as UTF-8 bytes, as Python sorts text."""
    prefix = prefix_of(storage)
    with storage_errors("list", prefix, storage):
        pages = with_retries(storage).connection.meta.client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=storage.bucket_name or "", Prefix=prefix):
            if "IsTruncated" not in page:  # else a page of a proxy would be an empty bucket
                raise StorageError(
                    f"Could not list {prefix}: the answer is none of S3", storage=storage
                )
            for item in page.get("Contents", []):
                # S3's console makes folders: empty objects with a slash at the end.
                if not item["Key"].endswith("/"):
                    name = item["Key"].removeprefix(prefix)
                    yield Stored(name, item["LastModified"])


def folder_listing(folder: Path, prefix: str = "") -> Iterator[Stored]:
    """Yield the files below a folder; in memory are the entries of one folder at a time."""
    if not (folder / prefix).is_dir():
        return
    with os.scandir(folder / prefix) as entries:
        names = [entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in entries]
    # With the slash, "a.b" comes before what is in the folder "a", as it does in a bucket.
    for name in sorted(names):
        if name.endswith("/"):
            yield from folder_listing(folder, prefix + name)
        else:
            # st_mtime may be that of a copy's original; st_ctime is when this file was created.
            came = (folder / prefix / name).lstat().st_ctime
            yield Stored(prefix + name, datetime.fromtimestamp(came, UTC))


def delete(storage: Storage, name: str) -> None:
    """Delete exactly this file. Raises OSError.

    Storage.delete() would clean the name first: for "a//b" it deletes "a/b".
    """
    if isinstance(storage, S3Storage):
        with storage_errors("delete", name, storage):
            with_retries(storage).bucket.Object(f"{prefix_of(storage)}{name}").delete()
    else:  # a FileSystemStorage: listing() refuses any other
        Path(storage.location, name).unlink(missing_ok=True)


def deleted(storage: Storage, name: str) -> tuple[str, str]:
    """Delete a file; return the outcome, and why it failed if it did."""
    try:
        delete(storage, name)
    except OSError as error:  # the other orphans are deleted all the same
        return FAILED, str(error)
    return DELETED, ""


def with_retries(storage: S3Storage) -> S3Storage:
    """Return a copy of the storage that retries requests as often as a command has time for."""
    storage = copy(storage)
    storage.attempts = COMMAND_ATTEMPTS
    return storage


def is_plain(name: str) -> bool:
    """Return False for a name that is stored as another: "a//b" as "a/b", "./a" as "a"."""
    return clean_name(name) == name and not name.startswith("/")


def refuse_overlap(storages: dict[str, Storage]) -> None:
    """Raise SweepRefused if files of one storage would count as orphans of another."""
    for (label, one), (other_label, other) in combinations(storages.items(), 2):
        if may_share_files(one, other):
            raise SweepRefused(f"The storages {label} and {other_label} keep their files together.")
