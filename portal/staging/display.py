"""A copy as the person at the terminal sees it; shared by copy_live_media and refresh_staging."""

from collections.abc import Callable

from django.core.management.base import OutputWrapper

from portal.copying.engine import Outcome
from portal.files.tables import table_lines

from .media import RESULTS, TROUBLE, Result, bytes_copied, trouble
from .progress import Progress, size_words
from .report import Report


class CopyDisplay:
    """Shows progress and trouble on stderr, and the table of the result on stdout.

    Trouble also goes into the report, with `facts` that say which part of a run it belongs to.
    """

    def __init__(
        self,
        stdout: OutputWrapper,
        stderr: OutputWrapper,
        report: Report,
        count_all: Callable[[], int] | None,
        **facts,
    ):
        self.stdout, self.stderr, self.report, self.facts = stdout, stderr, report, facts
        self.progress = Progress(stderr, count_all)

    def show(self, outcome: Outcome) -> None:
        """Count an outcome as progress, and print it if it is trouble."""
        for number, _ in enumerate(outcome.owners):
            self.progress.add(bytes_copied(outcome) if number == 0 else 0)
        if outcome.result not in TROUBLE:
            return
        self.progress.clear()
        for owner in outcome.owners:
            row = f"{owner.model} {owner.pk}, {owner.field}: " if owner.pk is not None else ""
            self.stderr.write(f"{outcome.result}: {row}{owner.name!r}. {outcome.reason}")
            self.report.add(**self.facts, **trouble(owner, outcome.result, outcome.reason))

    def finish(self, result: Result, *, dry_run: bool) -> None:
        """Print the table: a line for each field."""
        self.progress.clear()
        headings = ("field", "to copy" if dry_run else "copied", *RESULTS[1:], "bytes")
        rows = [
            (label, *(counts[name] for name in RESULTS), size_words(counts["bytes"]))
            for label, counts in result.fields.items()
        ]
        for line in table_lines([headings, *rows]):
            self.stdout.write(line)
