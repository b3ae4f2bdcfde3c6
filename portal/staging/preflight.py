"""Trying both ends of a refresh before anything has changed.

A scrub cannot be taken back, so a wrong key, bucket or prefix has to be found before it. What
copies is tried as it is. What proves that the keys for live cannot write is a client of its own
(portal/exposure/read_only_key.py), at names that nobody uses.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TypeVar
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal.copying.folder_store import Folder
from portal.copying.retry import Retry
from portal.copying.stores import Source, Unusable
from portal.exposure.findings import OK
from portal.exposure.read_only_key import key_cannot_delete, key_cannot_store
from portal.files.hints import settings_of_live, with_hint
from portal.files.policies import in_buckets
from portal.files.references import Fields, field_references, storage_label
from portal.files.sweeping import with_retries
from portal.s3.errors import storage_errors

from . import conf
from .media import Pairs
from .placeholders import is_placeholder

NAMES_TRIED = 5  # where a key may not list: files that are asked for one by one

Result = TypeVar("Result")


def refuse_unmigrated() -> None:
    """Raise CommandError if a migration of this release has not been applied.

    A copy of a live site on an older release lacks columns until then.
    """
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        first, _ = waiting[0]
        raise CommandError(
            f"Nothing was changed. The database is not migrated: {len(waiting)} migrations of this"
            f" release have not been applied, the first of them {first}. Run manage.py migrate,"
            " then this again."
        )


def try_both_ends(
    storages: dict[str, Storage],
    pairs: Pairs,
    fields: Fields,
    *,
    dry_run: bool,
    live_key_may_write: bool,
) -> None:
    """Try keys, buckets and prefixes of both ends. Raises CommandError; nothing has changed then.

    A dry run stores no file on trial, so that a target which cannot be written to is not found.
    """
    named = first_names(fields)
    for label, (source, target) in pairs.items():
        refuse_unreadable(source, named.get(label, []))
        if target.lists:
            with suppress(PermissionError):  # a key may write where it may not list
                tried(target, partial(target.page, ""))
        if not dry_run:
            refuse_unwritable(storages[label])
    if not live_key_may_write:
        refuse_writing_keys(pairs.keys())


def first_names(fields: Fields) -> dict[str, list[str]]:
    """Return a few of the names that rows have, by the labels of their storages."""
    named = {}
    for model, field in fields:
        label = storage_label(field.storage)
        rows = field_references(label, model, field)
        of_live = (row.name for row in rows if not is_placeholder(row))
        named.setdefault(label, []).extend(islice(of_live, NAMES_TRIED))
        rows.close()
    return named


def refuse_unreadable(source: Source, names: list[str]) -> None:
    """Raise CommandError unless the source can be listed, or else one of the names be read."""
    if isinstance(source, Folder):
        is_empty = not any(source.path.glob("*"))
    else:
        try:
            page = tried(source, lambda: source.page(""))
            is_empty = page.is_last and next(iter(page.files), None) is None
        except PermissionError as error:
            refuse_if_all_denied(source, names, error)
            return
    if is_empty and names:
        raise CommandError(
            f"Nothing was changed. {source}, holds no file at all, and rows name some. Is it the"
            " right bucket, and the right prefix?"
        )


def refuse_if_all_denied(source: Source, names: list[str], error: PermissionError) -> None:
    """Raise CommandError if the key may not even read a single one of the files."""
    for name in names:
        with suppress(PermissionError):
            tried(source, partial(source.find, name))
            return
    if names:
        raise CommandError(
            f"Nothing was changed. {source}, can neither be listed nor read. {error} Correct"
            f" {settings_of_live()}, or what the key may do; check_storage tells which."
        )


def refuse_unwritable(storage: Storage) -> None:
    """Raise CommandError unless this site can store a file and delete it again."""
    storage = with_retries(storage)
    name = f"refresh-staging-{uuid4()}.txt"
    try:
        with storage_errors("store", name, storage):
            storage.save(name, ContentFile(b"from manage.py refresh_staging\n"))
    except OSError as error:
        with suppress(OSError), storage_errors("delete", name, storage):
            storage.delete(name)  # an interrupted upload may have been stored
        raise CommandError(f"Nothing was changed. {with_hint(error)}") from error
    try:
        with storage_errors("delete", name, storage):
            storage.delete(name)
    except OSError as error:
        raise CommandError(
            f"Nothing was changed but that {name} was stored on trial. {with_hint(error)}"
        ) from error


def refuse_writing_keys(aliases) -> None:
    """Raise CommandError unless each key for live is proven to neither store nor delete."""
    twins = in_buckets(conf.LIVE_STORAGES)
    for alias in aliases:
        if alias not in twins:
            continue  # a folder, or a class that check_storage names
        for question in (key_cannot_store, key_cannot_delete):
            found = question(f"live {alias}", with_retries(twins[alias]))
            if found.outcome != OK:
                raise CommandError(
                    f"Nothing was changed. It is not proven of live {alias} that"
                    f" {found.statement}: {found.observed}. {found.hint}"
                    " --live-key-may-write goes on all the same."
                )


def tried(store, attempt: Callable[[], Result]) -> Result:
    """Return what an attempt returns. Raises PermissionError, or CommandError for the rest."""
    try:
        return Retry()(attempt)
    except PermissionError:
        raise
    except (OSError, Unusable) as error:
        raise CommandError(f"Nothing was changed. {store}: {error}") from error
