import argparse
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError

from portal.copying import engine as copying
from portal.copying.stores import Unusable
from portal.files.hints import of_database
from portal.files.references import field_storages
from portal.staging import conf
from portal.staging.display import CopyDisplay
from portal.staging.identity import add_fork_argument, refuse_live
from portal.staging.live import live_pairs
from portal.staging.media import (
    copy_error,
    copy_media,
    count_from_live,
    count_of_references,
    fields_named,
)
from portal.staging.placeholders import references_to_live
from portal.staging.report import Report
from portal.staging.s3_batch import account_of, copy_by_batch

MAX_JOBS = 256


class Command(BaseCommand):
    help = (
        "Copies the files that this site's rows name from the live site, under the same names. "
        "A file that is already here and has not changed is skipped, so after an interruption of "
        "any kind the same command goes on where it stopped. Refused outside staging and "
        "development, and where this site's files are the live site's own."
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
        add_jobs_argument(parser)
        add_fork_argument(parser)
        ending = parser.add_mutually_exclusive_group()
        ending.add_argument(
            "--report", type=Path, metavar="FILE.json", help="write the result to this file"
        )
        ending.add_argument(
            "--s3-batch",
            action="store_true",
            help="let S3 Batch Operations copy, unchanged files too; see docs/staging.md",
        )

    def handle(self, *, dry_run, only, jobs, report, s3_batch, confirmed_fork, **options):
        fields = fields_named(only)
        pairs = live_pairs(field_storages(fields), jobs=jobs)
        refuse_live(confirmed_fork)
        try:
            count_of_references(fields)  # asks each table before anything is copied
        except (OperationalError, ProgrammingError) as unread:
            raise CommandError(f"Nothing was copied. {of_database(unread)}") from unread
        if s3_batch:
            self.hand_over(fields, pairs, dry_run)
            return
        with Report(report, dry_run=dry_run) as written:
            count_all = partial(count_from_live, fields)
            display = CopyDisplay(self.stdout, self.stderr, written, count_all)
            result = copy_media(fields, pairs, jobs=jobs, dry_run=dry_run, each=display.show)
            display.finish(result, dry_run=dry_run)
            error = copy_error(result)
            written.finish(fields=result.fields, ending=error and str(error))
        if error:
            raise error

    def hand_over(self, fields, pairs, dry_run: bool) -> None:
        """Leave the copying to S3 Batch Operations, and print how to watch it."""
        role_arn = conf.BATCH_ROLE_ARN
        if not role_arn:
            raise CommandError("Set BATCH_ROLE_ARN; docs/staging.md says to which role.")
        if "protected" not in settings.STORAGES:
            raise CommandError(
                'Manifests are kept in the storage "protected", and STORAGES has none of that name.'
            )
        storage: Any = storages["protected"]
        handed_over = copy_by_batch(
            references_to_live(fields), pairs, storage=storage, role_arn=role_arn,
            prefix=conf.BATCH_REPORT_PREFIX, dry_run=dry_run,
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
            else "When every job is complete, run copy_live_media: it copies what the jobs could"
            " not, and checks the rest."
        )


def add_jobs_argument(parser) -> None:
    """Add --jobs, which all commands that copy have."""
    parser.add_argument(
        "--jobs",
        type=number_of_jobs,
        default=copying.JOBS,
        help="how many files are copied at a time (default: %(default)s)",
    )


def number_of_jobs(text: str) -> int:
    """Read a number of jobs. Raises ArgumentTypeError beyond MAX_JOBS."""
    if not text.isdecimal() or not 1 <= int(text) <= MAX_JOBS:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {MAX_JOBS}")
    return int(text)
