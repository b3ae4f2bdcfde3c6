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
from pathlib import PurePosixPath
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

AT_ONCE = 200  # files that are handed to the threads together
DRAWN_AT_ONCE = 2  # each takes some 10 MB


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
    name = PurePosixPath(reference.name).stem
    return name == name_of(reference.model, reference.field, reference.pk)


def references_to_live(fields: Fields | None = None) -> Generator[Reference, None, None]:
    """Yield the references to files that come from live, in the order of references()."""
    with closing(references(fields)) as rows:
        yield from (row for row in rows if not is_placeholder(row))


def store_placeholders(rules: ScrubRules, *, jobs: int, dry_run: bool = False) -> Stored:
    """Draw and store the placeholders that rows name and that are not there. Raises CommandError.

    A dry run only counts.
    """
    stored = unchanged = 0
    for model, column, rule in placeholder_columns(rules):
        target = store(model._meta.get_field(column).storage, S3Target, jobs)
        rows = rows_with_placeholder(model, column, rule)
        with ThreadPoolExecutor(min(jobs, DRAWN_AT_ONCE)) as pool:
            while some := list(islice(rows, AT_ONCE)):
                store_one = partial(stored_now, target, rule, column, dry_run)
                done = list(pool.map(store_one, some))
                stored += sum(done)
                unchanged += len(done) - sum(done)
    return Stored(stored, unchanged)


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


def stored_now(target: Target, rule: Placeholder, column: str, dry_run: bool, row: Row) -> bool:
    """Store a placeholder unless it is there; return True if it was not.

    A resume of a former refresh may be under an older name, or have another number of pages.
    """
    name = row.values[column]
    try:
        found = Retry()(lambda: target.find(name))
        if found and rule.is_fixed:
            return False
        body = rule.draw(row)
        info = FileInfo(len(body), time.time(), md5(body, usedforsecurity=False).hexdigest())
        if found and found.size == info.size and found.md5 in {info.md5, ""}:
            return False
        if not dry_run:
            Retry()(lambda: target.write(name, Content(info, {}, iter([body]))))
    except (OSError, Unusable) as error:
        raise CommandError(f"{target}: a placeholder could not be stored. {error}") from error
    return True
