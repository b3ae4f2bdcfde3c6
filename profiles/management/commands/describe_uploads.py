"""Makes what newer uploads have for older ones: the small photo, the first page, the text."""

import sys
import time
from contextlib import suppress

from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import Q

from portal.accounts.messages import composed
from portal.s3.errors import StorageError
from profiles.directory.models import unread
from profiles.models import Profile
from profiles.uploads.avatars import small_avatar
from profiles.uploads.pending import stored_files
from profiles.uploads.resumes import described_resume
from profiles.uploads.turns import Busy

PAUSE_SECONDS = 0.2  # for the uploads of people, who wait for the same turn
LEFT_OUT = (OSError, StorageError, ValidationError, Busy)


class Replaced(Exception):
    """The file was replaced while its pictures were made."""


class Command(BaseCommand):
    help = (
        "Makes the small photo, the picture of the first page and the number of pages for files "
        "that were uploaded before the site made them, and reads the text of resumes: their owners "
        "get a message, once, that members find them by its words from now on. Interrupted, it "
        "goes on where it was when it is run again; nothing on the site waits for it."
    )

    def add_arguments(self, parser):
        parser.add_argument("--limit", type=int, help="stop after so many members")

    def handle(self, *, limit, **options):
        if limit is not None and limit < 1:
            raise CommandError("--limit must be a whole number, 1 or more.")
        lacking = Profile.objects.filter(
            (~Q(avatar="") & Q(avatar_small=""))
            | (~Q(resume="") & Q(resume_bytes=None))
            | Q(pk__in=unread().values("pk"))
        )
        pks = list(lacking.order_by("pk").values_list("pk", flat=True)[:limit])
        left = lacking.count() - len(pks) if limit else 0
        failed = 0
        for done, pk in enumerate(pks, start=1):
            try:
                describe(Profile.objects.get(pk=pk))
            except Profile.DoesNotExist:
                continue
            except LEFT_OUT as error:
                failed += 1
                self.stderr.write(f"profile {pk}: {type(error).__name__}, left as it is")
            if sys.stdout.isatty() or done % 100 == 0 or done == len(pks):
                self.stdout.write(f"{done} of {len(pks)} members")
            time.sleep(PAUSE_SECONDS)
        if failed:
            raise CommandError(f"Left as they are: {failed}. Run it again to retry them.")
        if left > 0:
            self.stdout.write(f"Members left, for the next run: {left}.")
        else:
            self.stdout.write("Every photo and resume is described.")


def describe(profile) -> None:
    """Make what is lacking of a profile, and name it if the row still names the same files."""
    made = {}
    if profile.avatar and not profile.avatar_small:
        with profile.avatar.open() as file:
            made["avatar"] = {"avatar_small": small_avatar(file)}
    facts = {}
    if profile.resume and (profile.resume_bytes is None or unread().filter(pk=profile.pk)):
        with profile.resume.open() as file:
            facts = described_resume(file)
    if profile.resume and profile.resume_bytes is None:
        made["resume"] = {f"resume_{fact}": facts[fact] for fact in ("picture", "pages", "bytes")}
    for source, values in made.items():
        name_if_unchanged(profile, source, values)
    if facts:
        keep_text(profile, facts["text"])


def keep_text(profile, text: str) -> None:
    """Have members find a profile by the text of its resume, unless that was replaced, and say so.

    Its owner had chosen the file before the site read any.
    """
    with transaction.atomic():
        unchanged = unread().filter(pk=profile.pk, resume=profile.resume.name)
        row = unchanged.select_for_update(of=("self",)).select_related("user").first()
        if row:
            row.new_resume_text = text
            row.save(update_fields=["resume"])
            if text and row.user.is_active and row.resume_is_searched:
                tell(row)


def tell(profile) -> None:
    context = {"profile": profile, "is_hidden": profile.visibility == Profile.Visibility.HIDDEN}
    composed("profiles/email/resume_is_searched", profile.user.email, context).send()


def name_if_unchanged(profile, source: str, values: dict) -> None:
    """Store the files among `values`, and write them into the row unless `source` was replaced."""
    files = {field: value for field, value in values.items() if isinstance(value, File)}
    numbers = {field: value for field, value in values.items() if isinstance(value, int)}
    with suppress(Replaced), stored_files(profile, files):
        names = {field: getattr(profile, field).name for field in files}
        unchanged = {"pk": profile.pk, source: getattr(profile, source).name}
        if not Profile.objects.filter(**unchanged).update(**names, **numbers):
            raise Replaced
