"""The stored files that the database names: every FileField of every model.

Rows decide which files are wanted. The sweep and a copy compare them with what a storage holds,
both in the order of their names, so that neither is held in memory.
"""

from collections.abc import Collection, Generator, Iterable
from heapq import merge
from operator import attrgetter
from typing import NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import connections
from django.db.models import FileField, Model, QuerySet, TextField, Value
from django.db.models.functions import Cast, Collate
from django.db.models.lookups import GreaterThan

# The collations that sort as UTF-8 bytes do: the order in which S3 lists keys.
BYTE_ORDER = {"postgresql": "C", "sqlite": "BINARY"}
ROWS_AT_ONCE = 2000

Fields = Iterable[tuple[type[Model], FileField]]


class Reference(NamedTuple):
    """A row that names a stored file."""

    storage: str  # its label: see storage_label()
    name: str  # as it stands in the row, without the storage's prefix
    model: str  # such as "profiles.Profile"
    pk: object
    field: str


def file_fields() -> list[tuple[type[Model], FileField]]:
    """Return every file field with the model whose table has its column.

    An inherited field is found once if the parent has a table of its own, and on each child if
    the parent is abstract. Proxies have none. The files that an unmanaged table names are wanted
    too.
    """
    return [
        (model, field)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, FileField)
    ]


def field_label(model: type[Model], field: FileField) -> str:
    """Return the name of a field in messages and options, such as profiles.Profile.avatar."""
    return f"{model._meta.label}.{field.name}"


def storage_label(storage: Storage) -> str:
    """Return the label of a storage: its alias, or else the first field that keeps files in it."""
    for alias in settings.STORAGES:
        if storages[alias] == storage:
            return alias
    return next(field_label(*pair) for pair in file_fields() if pair[1].storage == storage)


def field_storages(fields: Fields | None = None) -> dict[str, Storage]:
    """Return the storages that the fields (by default all) keep files in, sorted by label."""
    fields = file_fields() if fields is None else fields
    return dict(
        sorted({storage_label(field.storage): field.storage for _, field in fields}.items())
    )


def references(fields: Fields | None = None) -> Generator[Reference]:
    """Yield what the fields (by default all) name, sorted by storage and name.

    The order is that of UTF-8 bytes. A name that two rows share comes twice.
    """
    by_storage = {}
    for model, field in file_fields() if fields is None else fields:
        by_storage.setdefault(storage_label(field.storage), []).append((model, field))
    for label, pairs in sorted(by_storage.items()):
        streams = [field_references(label, model, field) for model, field in pairs]
        try:
            # Python compares text by code points, which is the order of UTF-8 bytes too.
            yield from merge(*streams, key=attrgetter("name"))
        finally:
            for stream in streams:  # which closes its cursor, if the caller has stopped reading
                stream.close()


def field_references(label: str, model: type[Model], field: FileField) -> Generator[Reference]:
    """Yield what one field names, in byte order, read from the database a few rows at a time."""
    rows = QuerySet(model)  # not a manager, which may hide rows
    stored_name = Collate(Cast(field.name, TextField()), BYTE_ORDER[connections[rows.db].vendor])
    in_order = rows.filter(GreaterThan(stored_name, Value(""))).order_by(stored_name, "pk")
    for pk, name in in_order.values_list("pk", stored_name).iterator(ROWS_AT_ONCE):
        yield Reference(label, name, model._meta.label, pk, field.name)


def named_among(storage: Storage, names: Collection[str]) -> set[str]:
    """Return those of the given names, in a storage, that a row names at this moment."""
    named = set()
    for model, field in file_fields():
        if field.storage == storage:
            rows = QuerySet(model).filter(**{f"{field.name}__in": names})
            named.update(map(str, rows.values_list(field.name, flat=True)))
    return named
