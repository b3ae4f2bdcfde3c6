import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from portal.copying import engine as copying
from portal.copying.engine import Outcome
from portal.copying.stores import Unusable
from portal.files.references import field_label, field_storages, file_fields, references
from portal.staging.live import live_pairs
from portal.staging.progress import Progress, size_words
from portal.staging.report import Report
from portal.staging.s3_batch import account_of, copy_by_batch

RESULTS = ("copied", "unchanged", "missing", "denied", "failed")
TROUBLE = ("missing", "denied", "failed")
MAX_JOBS = 256
INTERRUPTED = 130  # the exit status of what Ctrl-C ends


class Command(BaseCommand):
    help = (
        "Copy from the live site the files that this site's rows name, into the same names. "
        "What is there already and has not changed is skipped, so that after an interruption, "
        "whatever its cause, the same command goes on where it was. Refused outside staging and "
        "development, and where this site's files are live's."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be copied, and copy nothing"
        )
        parser.add_argument(
            "--only",
            action="append",
            metavar="app.Model.field",
            help="copy only the files of this field; may be given several times",
        )
        parser.add_argument(
            "--jobs",
            type=number_of_jobs,
            default=copying.JOBS,
            help="how many files are copied at a time (default: %(default)s)",
        )
        ending = parser.add_mutually_exclusive_group()
        ending.add_argument(
            "--report", type=Path, metavar="FILE.json", help="write what happened to this file"
        )
        ending.add_argument(
            "--s3-batch",
            action="store_true",
            help="let S3 Batch Operations copy, unchanged files too; see docs/staging.md",
        )

    def handle(self, *, dry_run, only, jobs, report, s3_batch, **options):
        fields = fields_named(only)
        pairs = live_pairs(field_storages(fields), jobs=jobs)
        if s3_batch:
            self.hand_over(fields, pairs, dry_run)
            return
        self.counts = {field_label(*pair): Counter() for pair in fields}
        self.progress = Progress(self.stderr, count_of_references(fields))
        try:
            self.report = Report(report, dry_run=dry_run)
        except OSError as error:
            raise CommandError(f"The report cannot be written: {error}") from error
        with self.report:
            try:
                for outcome in outcomes(fields, pairs, jobs=jobs, dry_run=dry_run):
                    self.note(outcome)
                ending = None
            except KeyboardInterrupt:
                ending = CommandError(
                    "Stopped. What has been copied is whole; run the same command again to go on.",
                    returncode=INTERRUPTED,
                )
            except Unusable as error:
                ending = CommandError(str(error))
            self.progress.clear()
            self.print_table(dry_run)
            if ending is None and (trouble := self.total(*TROUBLE)):
                ending = CommandError(f"{trouble:,} files could not be copied; see above.")
            self.report.finish(fields=self.counts, ending=ending and str(ending))
        if ending:
            raise ending

    def hand_over(self, fields, pairs, dry_run: bool) -> None:
        """Leave the copying to S3 Batch Operations, and say how to watch it."""
        role_arn, storage = settings.BATCH_ROLE_ARN, storages["protected"]
        if not role_arn:
            raise CommandError("Set BATCH_ROLE_ARN; docs/staging.md says to which role.")
        handed_over = copy_by_batch(
            references(fields), pairs, storage=storage, role_arn=role_arn,
            prefix=settings.BATCH_REPORT_PREFIX, dry_run=dry_run,
        )  # fmt: skip
        try:
            for job in handed_over:
                self.stdout.write(f"{job.files:,} files, from {job.source} to {job.target}.")
                if job.id:
                    self.stdout.write(
                        f"  Watch it: aws s3control describe-job --job-id {job.id} --account-id "
                        f"{account_of(role_arn)} --region {storage.region_name}"
                    )
        except Unusable as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            "Nothing was handed over: this was a dry run."
            if dry_run
            else "When all is complete, copy_live_media copies what failed, and checks the rest."
        )

    def note(self, outcome: Outcome) -> None:
        """Count an outcome for each field that names the file; its bytes only once."""
        size = outcome.bytes if outcome.result == "copied" else 0
        labels = dict.fromkeys(f"{owner.model}.{owner.field}" for owner in outcome.owners)
        for number, label in enumerate(labels):
            self.counts[label][outcome.result] += 1
            self.counts[label]["bytes"] += 0 if number else size
        for owner in outcome.owners:
            self.progress.add(size if owner is outcome.owners[0] else 0)
        if outcome.result not in TROUBLE:
            return
        self.progress.clear()
        for owner in outcome.owners:
            self.stderr.write(
                f"{outcome.result}: {owner.model} {owner.pk}, {owner.field}: "
                f"{owner.name!r}. {outcome.reason}"
            )
            self.report.add(
                result=outcome.result, reason=outcome.reason,
                model=owner.model, pk=str(owner.pk), field=owner.field, name=owner.name,
            )  # fmt: skip

    def total(self, *results: str) -> int:
        return sum(counts[result] for counts in self.counts.values() for result in results)

    def print_table(self, dry_run: bool) -> None:
        headings = ("to copy" if dry_run else "copied", *RESULTS[1:], "bytes")
        width = max(map(len, (*self.counts, "field")))
        rows = [("field", *headings)]
        for label, counts in self.counts.items():
            numbers = (f"{counts[result]:,}" for result in RESULTS)
            rows.append((label, *numbers, size_words(counts["bytes"])))
        for label, *cells in rows:
            self.stdout.write(f"{label:{width}}" + "".join(f"{cell:>12}" for cell in cells))


def outcomes(fields, pairs, *, jobs: int, dry_run: bool) -> Iterator[Outcome]:
    """The outcome of each file that the fields name; its owners are the References to it."""
    with closing(references(fields)) as rows:  # or a cursor outlives a run that was stopped
        for storage, named in groupby(rows, attrgetter("storage")):
            wanted = ((name, list(owners)) for name, owners in groupby(named, attrgetter("name")))
            yield from copying.copy(wanted, *pairs[storage], jobs=jobs, dry_run=dry_run)


def fields_named(labels: list[str] | None) -> list:
    """The file fields of these labels, or all of them."""
    fields = {field_label(*pair): pair for pair in file_fields()}
    if unknown := set(labels or []) - fields.keys():
        raise CommandError(
            f"There is no file field {', '.join(sorted(unknown))}. There are: {', '.join(fields)}."
        )
    return [pair for label, pair in fields.items() if not labels or label in labels]


def count_of_references(fields) -> int:
    return sum(QuerySet(model).exclude(**{field.name: ""}).count() for model, field in fields)


def number_of_jobs(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"must be between 1 and {MAX_JOBS}")
    return number
