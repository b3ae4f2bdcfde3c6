from collections import Counter
from contextlib import closing
from functools import partial
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from portal.copying.engine import copy
from portal.staging import conf
from portal.staging.display import CopyDisplay
from portal.staging.identity import add_fork_argument, refuse_live
from portal.staging.media import Result, copy_error, count, count_of_references
from portal.staging.moving import (
    fields_between,
    labels,
    listed_files,
    move_between,
    named_files,
    refuse_protected_names,
)
from portal.staging.report import Report

from .copy_live_media import add_jobs_argument


class Command(BaseCommand):
    help = (
        "Copies files between two places, to move them or to back them up: a storage by its alias "
        "in STORAGES, a live one (live default), from which files are only read, or a folder by "
        "its path. Names come from the rows of the storage that is one of the two, or with --all "
        "from a listing. Changes no row, deletes nothing, and skips what has not changed."
    )

    def add_arguments(self, parser):
        parser.add_argument("--from", required=True, dest="source", metavar="PLACE")
        parser.add_argument("--to", required=True, dest="target", metavar="PLACE")
        parser.add_argument(
            "--all",
            action="store_true",
            dest="copies_all",
            help="copy every file that the source lists, whether or not a row names it",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be copied, and copy nothing"
        )
        add_jobs_argument(parser)
        parser.add_argument(
            "--report", type=Path, metavar="FILE.json", help="write the result to this file"
        )
        add_fork_argument(parser)

    def handle(
        self, *, source, target, copies_all, dry_run, jobs, report, confirmed_fork, **options
    ):
        move = move_between(source, target, jobs=jobs)
        if conf.SITE_ENVIRONMENT != "production":
            refuse_live(confirmed_fork)
        if copies_all:
            refuse_protected_names(move)
        fields = None if copies_all else fields_between(move)
        count_all = None if fields is None else partial(count_of_references, fields)
        result = Result({label: Counter() for label in labels(fields)})
        with Report(report, dry_run=dry_run) as written:
            display = CopyDisplay(self.stdout, self.stderr, written, count_all)
            with result.ending():
                self.copy(move, fields, result, display, jobs=jobs, dry_run=dry_run)
            display.finish(result, dry_run=dry_run)
            error = copy_error(result)
            written.finish(fields=result.fields, ending=error and str(error))
        if error:
            raise error

    def copy(self, move, fields, result, display, **options) -> None:
        """Copy, and count and show each outcome. Raises CommandError if names cannot be listed."""
        wanted = listed_files(move) if fields is None else named_files(fields)
        try:
            with closing(wanted), closing(copy(wanted, *move[:2], **options)) as outcomes:
                for outcome in outcomes:
                    count(outcome, result.fields)
                    display.show(outcome)
        except OSError as error:
            raise CommandError(f"{move.source}: {error}") from error
