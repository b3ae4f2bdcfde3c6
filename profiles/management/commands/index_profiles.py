from time import monotonic

from django.core.management.base import BaseCommand, CommandError

from profiles.directory.indexing import (
    forget_unused_words,
    index_all,
    learn_missing_words,
)
from profiles.models import Profile

REPORT_SECONDS = 5


class Command(BaseCommand):
    help = (
        "Makes the search of the directory find what the profiles say. Saving a profile does that "
        "as well; this is for rows written without it (bulk_create(), update(), SQL, a restored "
        "dump) and after an update of the site that folds texts differently. Right rows are only "
        "read, so a run that was ended may be repeated."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--check",
            action="store_true",
            help="Change nothing; exit status 1 if there is something to do.",
        )

    def handle(self, *, check, **options):
        profiles = Profile.objects.all()
        total, done, wrong, reported = profiles.count(), 0, 0, monotonic()
        for _, size, wrong_in_batch in index_all(profiles, dry_run=check):
            done += size
            wrong += wrong_in_batch
            if monotonic() - reported > REPORT_SECONDS:
                reported = monotonic()
                self.stdout.write(f"{done:,} of {total:,} profiles read, {wrong:,} not up to date")
        if check and wrong:
            raise CommandError(
                f"Not up to date: {wrong:,} of {done:,} profiles. Run manage.py index_profiles."
            )
        forgotten = 0
        if not check:
            forgotten = forget_unused_words()
            learn_missing_words()
        self.stdout.write(
            f"Profiles: {done:,}, brought up to date: {wrong:,}. Rows of unused words deleted: "
            f"{forgotten:,}."
        )
