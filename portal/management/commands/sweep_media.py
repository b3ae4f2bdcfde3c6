from collections import Counter
from datetime import timedelta

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from portal import sweeping
from portal.advice import with_advice
from portal.live import shares_files_with_live
from portal.references import field_storages, file_fields, references
from portal.sweeping import MISSING, NAMED, ORPHAN, YOUNG, SweepRefused

DEFAULT_AGE_HOURS = 24
MIN_AGE_HOURS = 1  # longer than anything here takes from storing a file to the commit of its row
MANY = 100  # files; where more, and most, have no row, the bucket or the database is a wrong one

DELETED, FAILED = "deleted", "failed"
COLUMNS = (NAMED, YOUNG, ORPHAN, DELETED, FAILED, MISSING)


class Command(BaseCommand):
    help = (
        "Lists the files in the site's storages that no row of the database names (orphans), and "
        "the rows whose file is missing. With --delete, the orphans go; what code has stored "
        "without a row is one too. Exit status 1 if a file is missing or could not be deleted."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--delete", action="store_true", help="delete the orphans; without it, nothing changes"
        )
        parser.add_argument(
            "--older-than",
            type=float,
            default=DEFAULT_AGE_HOURS,
            metavar="HOURS",
            help="leave younger files alone, for their rows may be on the way "
            f"(default {DEFAULT_AGE_HOURS}, at least {MIN_AGE_HOURS})",
        )
        parser.add_argument(
            "--most", action="store_true", help="delete even if most of many files are orphans"
        )

    def handle(self, *, delete, older_than, most, **options):
        if settings.SITE_ENVIRONMENT != "production" and shares_files_with_live():
            raise CommandError(
                "The files are where LIVE_* says that live's are: not this site's own."
            )
        if older_than < MIN_AGE_HOURS:
            raise CommandError(f"--older-than must be at least {MIN_AGE_HOURS} (hours).")
        before = timezone.now() - timedelta(hours=older_than)
        storages = field_storages()
        try:
            sweeping.refuse_overlap(storages)
            if delete:  # look at everything before the first delete
                for label, storage in storages.items():
                    refuse_strange(label, found_in(storage, before), most)
            counts = {
                label: self.sweep(label, storage, before, delete)
                for label, storage in storages.items()
            }
        except SweepRefused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(with_advice(error)) from error
        self.summarize(counts)

    def sweep(self, label, storage, before, delete) -> Counter:
        counts = Counter()
        for finding in found_in(storage, before):
            outcome, note = finding.kind, ""
            if outcome == MISSING:
                row = finding.reference
                note = f"{row.model} {row.pk} {row.field}"
            if outcome == ORPHAN and delete:
                outcome, note = deleted(storage, finding.name)
            if outcome in {ORPHAN, DELETED, FAILED, MISSING}:
                self.stdout.write(f"{outcome:<8} {label} {readable(finding.name)} {note}".rstrip())
            counts[outcome] += 1
        return counts

    def summarize(self, counts):
        """A table for a person, and a line for each storage for a pipe."""
        if self.stdout.isatty():
            width = max(map(len, counts))
            self.stdout.write(f"{'':{width}}" + "".join(f"{column:>10}" for column in COLUMNS))
            for label, count in counts.items():
                cells = "".join(f"{count[column]:>10,}" for column in COLUMNS)
                self.stdout.write(f"{label:{width}}{cells}")
        else:
            for label, count in counts.items():
                cells = " ".join(f"{column}={count[column]}" for column in COLUMNS)
                self.stdout.write(f"total    {label} {cells}")
        total = sum(counts.values(), Counter())
        if total[MISSING] or total[FAILED]:
            raise CommandError(
                f"Missing files: {total[MISSING]}. Files not deleted: {total[FAILED]}."
            )


def found_in(storage, before):
    fields = [pair for pair in file_fields() if pair[1].storage == storage]
    return sweeping.findings(storage, references(fields), before)


def deleted(storage, name):
    try:
        sweeping.delete(storage, name)
    except OSError as error:  # one that cannot be deleted is no reason to keep the others
        return FAILED, str(error)
    return DELETED, ""


def refuse_strange(label, findings, most):
    """Raise SweepRefused where the orphans may be somebody's files after all."""
    counts = Counter()
    for finding in findings:
        counts[finding.kind] += 1
        if finding.kind == MISSING and not sweeping.is_plain(finding.name):
            row = finding.reference
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


def readable(name: str) -> str:
    """A name on one line: keys in a bucket may hold line breaks and a terminal's commands."""
    return name if name.isprintable() else ascii(name)
