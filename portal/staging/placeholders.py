"""Files of people who do not exist, in place of those of the live site, which are not fetched.

A Placeholder is the rule for a column that names a file. Its names are recognised by this site's
secret alone: a copy from live leaves them out, and what has not been stored is stored by the next
run.
"""

import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from hashlib import md5
from itertools import islice
from posixpath import basename, splitext
from typing import NamedTuple

from django.apps import apps
from django.core.management.base import CommandError
from django.db.models import Model, QuerySet

from portal.copying.retry import Retry
from portal.copying.s3_store import S3Target
from portal.copying.stores import Content, FileInfo, Target, Unusable
from portal.files.references import Fields, Reference, references

from .chance import Chance, Row
from .live import store
from .replacing import batches
from .scrubbing import ScrubRules

AT_ONCE = 50  # files that are asked for, drawn and handed to the threads together


@dataclass(frozen=True)
class Placeholder:
    """The rule for a column of file names; where a row has a file, it names one that is drawn."""

    folder: str
    suffix: str
    draw: Callable[[Row], bytes]
    is_fixed: bool = False  # the content follows from the row's key, and not from other columns

    def __call__(self, row: Row, column: str) -> str:
        if not row.values[column]:
            return ""
        return f"{self.folder}/{name_of(row.model._meta.label, column, row.pk)}{self.suffix}"


class Stored(NamedTuple):
    """How many placeholders were stored, and how many were there already."""

    stored: int = 0
    unchanged: int = 0


def name_of(model: str, column: str, key: object) -> str:
    """Return the name of a placeholder, without its folder and its suffix."""
    return str(Chance(model, column, key, "file").uuid())


def is_placeholder(reference: Reference) -> bool:
    """Return True if a row names a file that this site has drawn itself."""
    name, _ = splitext(basename(reference.name))
    return name == name_of(reference.model, reference.field, reference.pk)


def references_to_live(fields: Fields | None = None) -> Generator[Reference, None, None]:
    """Yield the references to files that come from live, in the order of references()."""
    with closing(references(fields)) as rows:
        yield from (row for row in rows if not is_placeholder(row))


def store_placeholders(rules: ScrubRules, *, jobs: int, dry_run: bool = False) -> Stored:
    """Draw and store the placeholders that rows name and that are not there. Raises CommandError.

    A dry run only counts.
    """
    seen = stored = 0
    for model, column, rule in placeholder_columns(rules):
        target = store(model._meta.get_field(column).storage, S3Target, jobs)
        rows = rows_with_placeholder(model, column, rule)
        try:
            with ThreadPoolExecutor(jobs) as pool:  # waits for the target; this thread draws
                while some := list(islice(rows, AT_ONCE)):
                    names = [row.values[column] for row in some]
                    found = pool.map(partial(find, target), names)
                    writes = [
                        pool.submit(write, target, name, body, dry_run=dry_run)
                        for name, row, there in zip(names, some, found, strict=True)
                        if (body := missing(rule, row, there)) is not None
                    ]
                    for each in writes:
                        each.result()
                    seen, stored = seen + len(some), stored + len(writes)
        except (OSError, Unusable) as error:
            raise CommandError(f"{target}: a placeholder could not be stored. {error}") from error
    return Stored(stored, seen - stored)


def find(target: Target, name: str) -> FileInfo | None:
    return Retry()(lambda: target.find(name))


def missing(rule: Placeholder, row: Row, found: FileInfo | None) -> bytes | None:
    """Draw a placeholder; return None if it is there.

    A resume of a former refresh may be under an older name, or have another number of pages.
    """
    if found and rule.is_fixed:
        return None
    body = rule.draw(row)
    is_there = found and found.size == len(body) and found.md5 in {digest(body), ""}
    return None if is_there else body


def digest(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


def write(target: Target, name: str, body: bytes, *, dry_run: bool) -> None:
    if not dry_run:
        info = FileInfo(len(body), time.time(), digest(body))
        Retry()(lambda: target.write(name, Content(info, {}, iter([body]))))


def placeholder_columns(rules: ScrubRules) -> Iterator[tuple[type[Model], str, Placeholder]]:
    """Yield the columns that name placeholders, with their models and rules."""
    for label, decision in rules.decisions.items():
        for column, rule in decision.replaced.items():
            if isinstance(rule, Placeholder):
                yield apps.get_model(label), column, rule


def rows_with_placeholder(model: type[Model], column: str, rule: Placeholder) -> Iterator[Row]:
    """Yield the rows whose column names the placeholder that the rule makes for them."""
    for batch in batches(QuerySet(model).exclude(**{column: ""})):
        yield from (row for row in batch if row.values[column] == rule(row, column))
