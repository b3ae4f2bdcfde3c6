"""One step of the nightly list: what was chosen in a form that nobody has saved is deleted."""

from django.core.management.base import BaseCommand

from profiles.uploads.pending import delete_abandoned
from profiles.uploads.stored import delete_expired


class Command(BaseCommand):
    help = (
        "Deletes the files that people chose in a form and did not save in time, and those that a "
        "process was storing when it was killed. To be run daily; running it again changes nothing."
    )

    def handle(self, **options):
        self.stdout.write(f"Deleted {delete_expired()} expired uploads.")
        if abandoned := delete_abandoned():
            self.stdout.write(f"Deleted {abandoned} files of processes that were killed.")
