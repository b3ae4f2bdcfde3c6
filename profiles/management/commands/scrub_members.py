from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from portal.live import shares_files_with_live
from profiles.scrubbing import ScrubRefused, reason_to_refuse, scrub


class Command(BaseCommand):
    help = (
        "Takes the members out of a staging copy of the live database: everybody who is not staff "
        "goes, with all that hangs on them; so do sessions, second factors, unconfirmed e-mail "
        "addresses and the names in the admin's log. Staff keep their accounts. All of it happens "
        "or none. Refused on a production site. Files are left alone: sweep_media removes them."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="count what would go, and change nothing"
        )

    def handle(self, *, dry_run, **options):
        host = connection.get_connection_params().get("host") or ""
        reason = reason_to_refuse(settings.SITE_ENVIRONMENT, host, shares_files_with_live())
        if reason:
            raise CommandError(f"Nothing was changed. {reason}")
        try:
            changes = scrub(dry_run=dry_run)
        except ScrubRefused as refused:
            raise CommandError(str(refused)) from refused
        self.report(changes)
        self.stdout.write("Nothing was changed: this was a dry run." if dry_run else "Scrubbed.")

    def report(self, changes):
        """A table of counts: names and addresses have no business in a nightly job's log."""
        width = max(len(change.what) for change in changes)
        self.stdout.write(f"{'':{width}}{'deleted':>10}{'cleared':>10}")
        for what, deleted, cleared in sorted(changes):
            if deleted or cleared:
                self.stdout.write(f"{what:{width}}{deleted or '':>10}{cleared or '':>10}".rstrip())
