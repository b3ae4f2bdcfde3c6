"""Copies between any two places of a site: to move its files, or to back them up.

A place is a storage of STORAGES by its alias, one of LIVE_STORAGES ("live default"), which can only
be read from, or a folder by its path.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.core.management.base import CommandError
from storages.backends.s3 import S3Storage

from portal.copying.folder_store import UNFINISHED, Folder
from portal.copying.retry import Retry
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import Source, Target
from portal.files.locations import may_lie_within, share_files
from portal.files.policies import is_protected, is_public, made
from portal.files.references import (
    Fields,
    Reference,
    field_label,
    file_fields,
    references,
)
from portal.files.sweeping import folder_listing

from . import conf
from .live import store

LIVE = "live "
LISTED = ("files", "listed")  # in the place of a model and a field: the label is files.listed


class Move(NamedTuple):
    """A source and a target, and the storages that they are."""

    source: Source
    target: Target
    source_storage: Storage
    target_storage: Storage


def move_between(source_name: str, target_name: str, *, jobs: int) -> Move:
    """Return the two stores. Makes no request. Raises CommandError where a copy could do harm."""
    if target_name.startswith(LIVE):
        raise CommandError("Files of the live site are only read: --to must not name it.")
    source, target = storage_named(source_name), storage_named(target_name)
    if share_files(source, target):
        raise CommandError(
            f"{source_name} and {target_name} are one place, or one lies within the other."
        )
    if any(share_files(target, twin) for twin in made(conf.LIVE_STORAGES).values()):
        raise CommandError(f"{target_name} is where LIVE_STORAGES has the live site's files.")
    if is_opened(target) and holds_protected(source):
        raise CommandError(f"{target_name} is public, and the files of {source_name} are not.")
    is_path = isinstance(source, FileSystemStorage) and "/" in source_name
    if is_path and not Path(source.location).is_dir():  # type: ignore[attr-defined]
        raise CommandError(f"There is no folder {source_name} to copy from.")
    return Move(store(source, S3Source, jobs), store(target, S3Target, jobs), source, target)


def is_opened(target: Storage) -> bool:
    """Return True if everybody could read what is copied there: it lies in a public storage."""
    return any(may_lie_within(target, each) for each in known_storages() if is_public(each))


def holds_protected(source: Storage) -> bool:
    """Return True if files of a protected storage might be among those that are read.

    A folder is protected if a protected storage keeps its files there. The prefix of a public
    storage in a bucket is public, even within the prefix of a protected one.
    """
    is_open = isinstance(source, S3Storage) and is_public(source)
    return any(
        may_lie_within(each, source) or (may_lie_within(source, each) and not is_open)
        for each in known_storages()
        if is_protected(each)
    )


def known_storages() -> list[Storage]:
    """Return the storages of this site and of the live one. Makes no request."""
    return [*made(settings.STORAGES).values(), *made(conf.LIVE_STORAGES).values()]


def storage_named(name: str) -> Storage:
    """Return the storage of an alias, or of a folder's path. Raises CommandError."""
    if name in settings.STORAGES:
        return storages[name]
    if name.removeprefix(LIVE) in conf.LIVE_STORAGES and name.startswith(LIVE):
        return made(conf.LIVE_STORAGES)[name.removeprefix(LIVE)]
    if "/" in name:
        return FileSystemStorage(Path(name).expanduser().absolute())
    known = [*settings.STORAGES, *(f"{LIVE}{alias}" for alias in conf.LIVE_STORAGES)]
    raise CommandError(
        f"There is no place {name}. There are: {', '.join(known)}, and folders, of which the path"
        " has a slash."
    )


def refuse_protected_names(move: Move) -> None:
    """Raise CommandError where a folder has files that rows keep in a protected storage.

    Such a folder is a backup; its path does not tell that it would be opened to everyone.
    """
    if not isinstance(move.source_storage, FileSystemStorage) or not is_opened(move.target_storage):
        return
    folder = Path(move.source_storage.location)
    protected = [pair for pair in file_fields() if is_protected(pair[1].storage)]
    with closing(named_files(protected)) as named:
        for name, _ in named:
            if (folder / name).is_file():
                raise CommandError(
                    f"{folder} holds protected files, such as {name}, and the target is public."
                )


def fields_between(move: Move) -> Fields:
    """Return the fields that keep their files in one of the two storages. Raises CommandError."""
    kept_in = {
        storage: [pair for pair in file_fields() if pair[1].storage == storage]
        for storage in (move.source_storage, move.target_storage)
    }
    found = [fields for fields in kept_in.values() if fields]
    if len(found) != 1:
        raise CommandError(
            "Rows do not tell which files are meant: "
            + ("fields keep files in both places" if found else "no field keeps files in either")
            + ". Use --all, which copies every file that the source lists."
        )
    return found[0]


def named_files(fields: Fields) -> Generator[tuple[str, list[Reference]]]:
    """Yield the names that rows have, with the rows, in the order that the engine asks for."""
    for name, owners in groupby(references(fields), attrgetter("name")):
        yield name, list(owners)


def listed_files(move: Move) -> Generator[tuple[str, list[Reference]]]:
    """Yield the names of all files in the source, in order. Raises Unusable or OSError."""
    for name in listed_names(move.source):
        yield name, [Reference("", name, LISTED[0], None, LISTED[1])]


def listed_names(source: Source) -> Iterator[str]:
    """Yield the names of all files in a store, in the order of UTF-8 bytes."""
    if isinstance(source, Folder):
        names = (stored.name for stored in folder_listing(source.path))
        yield from (name for name in names if not UNFINISHED.fullmatch(name.rpartition("/")[2]))
        return
    retry, after, is_last = Retry(), "", False
    while not is_last:
        page = retry(partial(source.page, after))
        # S3's console makes folders: empty objects with a slash at the end.
        yield from (name for name, _ in page.files if name and not name.endswith("/"))
        after, is_last = page.last, page.is_last


def labels(fields: Fields | None) -> Iterable[str]:
    """Return the labels under which the outcomes are counted."""
    return [".".join(LISTED)] if fields is None else [field_label(*pair) for pair in fields]
