"""Copying the files that this site's rows name from live, and comparing them afterwards.

The copy engine (portal/copying) copies names and does not print. These functions give it the names
that the rows hold, and count its outcomes for each field. The commands print.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from django.core.management.base import CommandError
from django.db.models import QuerySet

from portal.copying import engine as copying
from portal.copying.engine import Outcome
from portal.copying.stores import Source, Target, Unusable
from portal.files.exit_status import INTERRUPTED
from portal.files.references import Fields, Reference, field_label, file_fields

from .placeholders import references_to_live

RESULTS = ("copied", "unchanged", "missing", "denied", "failed")
TROUBLE = ("missing", "denied", "failed")
AS_ON_LIVE, DIFFERENT = "as on live", "different"

Pairs = dict[str, tuple[Source, Target]]  # by the label of a storage


@dataclass
class Result:
    """The counts of a copy or a comparison, complete or as far as it came."""

    fields: dict[str, Counter]  # by label; a copy counts "bytes" as well
    unusable: str = ""  # why it had to end early
    is_interrupted: bool = False

    def total(self, *results: str) -> int:
        """The number of files of all fields with one of these results."""
        return sum(counts[result] for counts in self.fields.values() for result in results)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Record Ctrl-C, or a bucket that cannot be used at all, in place of raising it."""
        try:
            yield
        except KeyboardInterrupt:
            self.is_interrupted = True
        except Unusable as error:
            self.unusable = str(error)


def copy_media(
    fields: Fields,
    pairs: Pairs,
    *,
    jobs: int,
    dry_run: bool,
    each: Callable[[Outcome], None],
) -> Result:
    """Copy each file that the fields name, and call `each` with its outcome as it arrives.

    A file that several rows of a field name is counted once.
    """
    result = Result({field_label(*pair): Counter() for pair in fields})
    with result.ending():
        for outcome in outcomes(fields, pairs, jobs=jobs, dry_run=dry_run):
            count(outcome, result.fields)
            each(outcome)
    return result


def copy_error(result: Result) -> CommandError | None:
    """The error with which a command ends after this copy; None if every file has arrived."""
    if result.is_interrupted:
        return CommandError(
            "Stopped. What has been copied is whole; run the same command again to go on.",
            returncode=INTERRUPTED,
        )
    if result.unusable:
        return CommandError(result.unusable)
    if trouble := result.total(*TROUBLE):
        return CommandError(f"{trouble:,} files could not be copied; see above.")
    return None


def count(outcome: Outcome, counts: dict[str, Counter]) -> None:
    """Count an outcome once for each field that names the file, and its bytes for the first."""
    labels = dict.fromkeys(f"{owner.model}.{owner.field}" for owner in outcome.owners)
    for number, label in enumerate(labels):
        counts[label][outcome.result] += 1
        counts[label]["bytes"] += bytes_copied(outcome) if number == 0 else 0


def bytes_copied(outcome: Outcome) -> int:
    """The bytes that were moved, or in a dry run would be, for this outcome."""
    return outcome.bytes if outcome.result == "copied" else 0


def verify_media(
    fields: Fields, pairs: Pairs, *, jobs: int, each: Callable[[Outcome, str], None]
) -> Result:
    """Compare source and target again, and count the rows of each field by what was found.

    Copies nothing. Calls `each` with each outcome and the word for it: AS_ON_LIVE, DIFFERENT or
    one of TROUBLE.
    """
    words = {"unchanged": AS_ON_LIVE, "copied": DIFFERENT}
    result = Result({field_label(*pair): Counter() for pair in fields})
    with result.ending():
        for outcome in outcomes(fields, pairs, jobs=jobs, dry_run=True):
            word = words.get(outcome.result, outcome.result)
            for owner in outcome.owners:
                result.fields[f"{owner.model}.{owner.field}"][word] += 1
            each(outcome, word)
    return result


def trouble(owner: Reference, result: str, reason: str) -> dict[str, str]:
    """The entry in a report about a row whose file did not arrive."""
    return {
        "result": result,
        "reason": reason,
        "model": owner.model,
        "pk": str(owner.pk),
        "field": owner.field,
        "name": owner.name,
    }


def outcomes(fields: Fields, pairs: Pairs, *, jobs: int, dry_run: bool) -> Generator[Outcome]:
    """The outcome of each file that the fields name; its owners are the References to it."""
    with closing(references_to_live(fields)) as rows:  # else a cursor outlives a stopped run
        for storage, named in groupby(rows, attrgetter("storage")):
            wanted = ((name, list(owners)) for name, owners in groupby(named, attrgetter("name")))
            yield from copying.copy(wanted, *pairs[storage], jobs=jobs, dry_run=dry_run)


def fields_named(labels: Iterable[str] | None) -> list:
    """The file fields with these labels, by default all. Raises CommandError."""
    fields = {field_label(*pair): pair for pair in file_fields()}
    if unknown := set(labels or []) - fields.keys():
        raise CommandError(
            f"There is no file field {', '.join(sorted(unknown))}. There are: {', '.join(fields)}."
        )
    return [pair for label, pair in fields.items() if not labels or label in labels]


def count_of_references(fields: Fields) -> int:
    """The number of rows that name a file, counted once for each field."""
    return sum(QuerySet(model).exclude(**{field.name: ""}).count() for model, field in fields)


def count_from_live(fields: Fields) -> int:
    """The same without those whose file this site has drawn itself."""
    return sum(1 for _ in references_to_live(fields))
