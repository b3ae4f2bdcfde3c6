from collections import Counter
from contextlib import closing
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError
from django.utils import timezone
from django.utils.module_loading import import_string

from portal.files import conf, sweeping
from portal.files.hints import of_database, with_hint
from portal.files.locations import shares_files_with_live
from portal.files.references import field_storages
from portal.files.sweeping import DELETED, FAILED, MISSING, NAMED, ORPHAN, YOUNG, SweepRefused
from portal.files.tables import table_lines

DEFAULT_AGE_HOURS = 24
MAX_AGE_HOURS = 100 * 365 * 24
MIN_AGE_HOURS = 1  # longer than anything here takes from storing a file to the commit of its row

COLUMNS = (NAMED, YOUNG, ORPHAN, DELETED, FAILED, MISSING)


class Command(BaseCommand):
    help = (
        "List the files in the site's storages that no row of the database names (orphans), and "
        "the rows whose file is missing. With --delete, delete the orphans; a file that code has "
        "stored without a row is an orphan too. Exit status 1 if a file is missing or could not be "
        "deleted."
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
            help="leave younger files alone, because their rows may not be committed yet "
            f"(default {DEFAULT_AGE_HOURS}, at least {MIN_AGE_HOURS})",
        )
        parser.add_argument(
            "--most", action="store_true", help="delete even if most of many files are orphans"
        )

        parser.add_argument(
            "--confirmed-fork",
            metavar="NAME@HOST:PORT",
            help="delete although the database is a physical copy of the live one (a fork), at "
            "this address; docs/staging.md",
        )

    def handle(self, *, delete, older_than, most, confirmed_fork, **options):
        if conf.SITE_ENVIRONMENT != "production" and shares_files_with_live():
            raise CommandError(
                "This site keeps its files where LIVE_STORAGES has the live site's:"
                " they are not this site's own."
            )
        if not MIN_AGE_HOURS <= older_than <= MAX_AGE_HOURS:  # nor "nan"
            raise CommandError(
                f"--older-than must be at least {MIN_AGE_HOURS} (hours), at most {MAX_AGE_HOURS:,}."
            )
        before = timezone.now() - timedelta(hours=older_than)
        storages = field_storages()
        try:
            if delete and conf.SWEEP_GUARD:
                import_string(conf.SWEEP_GUARD)(confirmed_fork)
            sweeping.refuse_overlap(storages)
            if delete:
                sweeping.look_first(storages, before, most)
            counts = {
                label: self.sweep(label, storage, before, delete)
                for label, storage in storages.items()
            }
        except SweepRefused as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(with_hint(error)) from error
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(f"The rows could not be read: {of_database(error)}") from error
        self.summarize(counts)

    def sweep(self, label, storage, before, delete) -> Counter:
        """Print a line for each file that is not as it should be, and count them all."""
        counts = Counter()
        with closing(sweeping.results_in(storage, before)) as results:
            for result in results:
                outcome, note = result.kind, ""
                if outcome == MISSING:
                    row = result.reference
                    note = f"{row.model} {row.pk} {row.field}"
                if outcome == ORPHAN and delete:
                    outcome, note = sweeping.deleted(storage, result.name)
                if outcome in {ORPHAN, DELETED, FAILED, MISSING}:
                    line = f"{outcome:<8} {label} {readable(result.name)} {note}"
                    self.stdout.write(line.rstrip())
                counts[outcome] += 1
        return counts

    def summarize(self, counts):
        """Print a table on a terminal, and a line for each storage in a pipe."""
        if self.stdout.isatty():
            rows = [
                (label, *(count[column] for column in COLUMNS)) for label, count in counts.items()
            ]
            for line in table_lines([("storage", *COLUMNS), *rows]):
                self.stdout.write(line)
        else:
            for label, count in counts.items():
                cells = " ".join(f"{column}={count[column]}" for column in COLUMNS)
                self.stdout.write(f"total    {label} {cells}")
        total = sum(counts.values(), Counter())
        if total[MISSING] or total[FAILED]:
            raise CommandError(
                f"Missing files: {total[MISSING]}. Files not deleted: {total[FAILED]}."
            )


def readable(name: str) -> str:
    """Return a name on one line: a bucket's keys may hold line breaks and terminal escapes."""
    return name if name.isprintable() else ascii(name)
