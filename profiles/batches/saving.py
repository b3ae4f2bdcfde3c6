"""Receives files for a batch, and gives those that were confirmed to their members."""

import time
from typing import NamedTuple

from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from portal.sentences.stored import sentence, stored, stored_error
from profiles.models import Profile
from profiles.uploads.stored import StoredUpload, shown_name

from .matching import match
from .models import BatchFile

SAVE_SECONDS = 15  # of one request; what is left over is saved by the next
THERE_IS_ONE = {  # by the purpose of the upload
    "avatar": _("There is a photo already. Tick “Replace it” to do so."),
    "resume": _("There is a resume already. Tick “Replace it” to do so."),
}
NEITHER = ValidationError(  # such as a resume from a word processor
    _(
        "This is neither a photo that we can read nor a PDF. Please choose a JPEG, PNG, WebP, HEIC,"
        " AVIF or GIF file, or a resume as PDF."
    )
)
SET = {  # for the history of the member, in the admin
    "avatar": gettext_noop("Set the photo from the file “%(file)s”."),
    "resume": gettext_noop("Set the resume from the file “%(file)s”."),
}


def manageable_by(staff):
    """The profiles whose files this member of the staff may change."""
    profiles = Profile.objects.visible_to(staff)
    if staff.is_superuser:
        return profiles
    return profiles.filter(user__is_staff=False, user__is_superuser=False)


def purpose_of(file: File) -> str:
    """A PDF is a resume, whatever its name, and everything else a photo."""
    head = file.read(1024)
    file.seek(0)
    is_pdf = b"%PDF-" in head or (file.name or "").lower().endswith(".pdf")
    return StoredUpload.Purpose.RESUME if is_pdf else StoredUpload.Purpose.AVATAR


def receive(owner, file: File, folder: str = "") -> BatchFile:
    """Store a file and match it with a member, or report why it is refused. Raises Busy."""
    name = shown_name(file)
    try:
        upload = StoredUpload.receive(owner, purpose_of(file), file)
    except ValidationError as error:
        refusal = stored_error(NEITHER if error.code == "not_a_photo" else error)
        return BatchFile.objects.create(owner=owner, filename=name, refusal=refusal)
    found = match(file.name or "", folder, manageable_by(owner))
    return BatchFile.objects.create(
        owner=owner,
        upload=upload,
        filename=name,
        profile=found.profile,
        how=found.how,
        candidates=[each.pk for each in found.candidates],
    )


class Saved(NamedTuple):
    """The end of a batch: how many files were saved, and the reasons for the others."""

    number: int
    left: dict[int, str]  # by the number of the file
    unfinished: int  # not yet tried at the end of the time


def save_batch(files: list[BatchFile], replace: set[int], by) -> Saved:
    """Give each file to the member it is matched with; one failure costs no other file."""
    left, ready = {}, []
    owners: dict[tuple, BatchFile] = {}
    for each in files:
        if each.profile is None:
            left[each.pk] = gettext("Please choose the member.")
        elif first := owners.get((each.profile_id, each.upload.purpose)):
            words = gettext("%(file)s is for the same member. Please take one away.")
            left[each.pk] = words % {"file": first.filename}
        else:
            owners[each.profile_id, each.upload.purpose] = each
            ready.append(each)
    count, deadline = 0, time.monotonic() + SAVE_SECONDS
    for number, each in enumerate(ready):
        if time.monotonic() > deadline:
            return Saved(count, left, len(ready) - number)
        if why := save_one(each, each.pk in replace, by):
            left[each.pk] = why
        else:
            count += 1
    return Saved(count, left, 0)


def save_one(file: BatchFile, may_replace: bool, by) -> str:
    """Name a file on its member's profile; returns why not, or nothing.

    The files are in their places before the row is locked, and what is replaced is deleted after
    the commit, as in the form of a single member.
    """
    if file.replaces and not may_replace:
        return str(THERE_IS_ONE[file.upload.purpose])
    try:
        file.upload.publish()
    except FileNotFoundError:
        if StoredUpload.objects.filter(pk=file.upload.pk).exists():
            raise
        return ""  # saved by another click on the same button
    with transaction.atomic():
        locked = manageable_by(by).select_for_update(of=("self",))
        profile = locked.filter(user=file.profile.user_id).first()
        upload = StoredUpload.objects.select_for_update().filter(pk=file.upload.pk).first()
        if profile is None:
            return gettext("This member is not there any more.")
        if upload is None:
            return ""
        if getattr(profile, upload.purpose) and not may_replace:
            return gettext("Somebody has added one meanwhile. Tick “Replace it” to replace that.")
        for name, value in upload.values().items():
            setattr(profile, name, value)
        profile.save()
        upload.delete()
        words = sentence(SET[upload.purpose], file=file.filename)
        LogEntry.objects.log_actions(by.pk, [profile.user], CHANGE, stored(words))
    return ""
