"""Stored uploads: what a person has chosen, kept until a form names it.

A file is received, checked, cleaned and stored once, at once. Saving a form only names it, so a
form that comes back with an error keeps what was chosen, and no row is locked while a file is
parsed or sent to S3. What nobody has named by its time is deleted by the nightly command.
"""

from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.files.fields import MadeFileField
from portal.files.storages import protected_media, public_media
from portal.postgresql.release import release_connection
from portal.sentences.stored import sentence, shown, stored

from .pending import stored_files

MAX_FILENAME = 100
OF_PROFILE = {  # where an upload keeps what a profile's field has made of a file
    "avatar_small": "picture",
    "resume_picture": "picture",
    "resume_pages": "pages",
    "resume_bytes": "bytes",
    "new_resume_text": "text",
}
SAVING_TIME = timedelta(minutes=10)  # a form that named an upload in time is saved by then


def upload_folder(upload, filename):
    """Where a file will stay if it is a resume: naming it then moves nothing."""
    return f"{upload.purpose}s/{filename}"


class PublishedBefore(Exception):
    """Another save of the same form was first: what this one has stored is not needed."""


class StoredUploadQuerySet(models.QuerySet):
    def usable(self):
        return self.filter(expires_at__gt=timezone.now())

    def expired(self):
        """Uploads that no form may name any more, nor is just about to."""
        return self.filter(expires_at__lte=timezone.now() - SAVING_TIME)


class StoredUpload(models.Model):
    """A cleaned file under a protected name, for a field of some profile that `purpose` names."""

    class Purpose(models.TextChoices):
        AVATAR = "avatar", _("photo")
        RESUME = "resume", _("resume")

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stored_uploads"
    )
    purpose = models.CharField(max_length=10, choices=Purpose)
    filename = models.CharField(max_length=MAX_FILENAME, blank=True)  # as its owner knows it
    file = MadeFileField(storage=protected_media, upload_to=upload_folder)
    # The smaller square of a photo, or the first page of a resume.
    picture = MadeFileField(storage=protected_media, upload_to=upload_folder)
    # Both sizes of a photo once more, where everybody may see them, from when a form names it.
    published = MadeFileField(storage=public_media, upload_to="avatars")
    published_small = MadeFileField(storage=public_media, upload_to="avatars")
    pages = models.PositiveIntegerField(null=True)
    bytes = models.PositiveIntegerField(null=True)
    text = models.TextField(blank=True)  # of a resume
    note = models.CharField(max_length=300, blank=True)  # see portal/sentences/stored.py
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = StoredUploadQuerySet.as_manager()

    class Meta:
        verbose_name = _("stored upload")
        verbose_name_plural = _("stored uploads")

    def __str__(self):
        return f"{self.get_purpose_display()} {self.pk}"

    @property
    def shown_note(self) -> str:
        """The sentences for its owner, in the active language."""
        return shown(self.note)

    @classmethod
    def receive(cls, owner, purpose: str, file: File, **choices):
        """Clean a file by the rule of the profile's field, and store it.

        `choices` are what the person has chosen about it, such as `crop`. Raises ValidationError,
        where the file is refused or the owner has stored too many; Busy, where others are first.
        """
        refuse_too_many(owner)
        filename = shown_name(file)
        release_connection()  # uploads have more threads than there are connections to spare
        cleaned = profile_field(purpose).cleaned(file, **choices)
        upload = cls(
            owner=owner,
            purpose=purpose,
            filename=filename,
            note=stored(*map(sentence, cleaned.notes)),
            expires_at=timezone.now() + timedelta(seconds=settings.UPLOAD_KEPT_SECONDS),
        )
        contents = {"file": cleaned.file}
        for name, value in cleaned.others.items():
            if isinstance(value, File):
                contents[OF_PROFILE[name]] = value
            else:
                setattr(upload, OF_PROFILE[name], value)
        with stored_files(upload, contents):
            upload.save()
        return upload

    def publish(self):
        """Store a photo where everybody may see it; a resume stays where it is.

        To be called before the profile's row is locked. The row names the new files at once, so
        that they are deleted with it if the form is never saved.
        """
        if self.purpose != self.Purpose.AVATAR or self.published:
            return
        contents = {}
        for source, name in ((self.file, "published"), (self.picture, "published_small")):
            with source.open() as file:
                contents[name] = ContentFile(file.read(), name=source.name)
        with suppress(PublishedBefore), stored_files(self, contents):
            names = {name: getattr(self, name).name for name in contents}
            unpublished = StoredUpload.objects.filter(pk=self.pk, published="")
            if not unpublished.update(**names):
                raise PublishedBefore

    def values(self) -> dict:
        """The values of the profile's fields that name this file, once it is published."""
        if self.purpose == self.Purpose.AVATAR:
            return {"avatar": self.published.name, "avatar_small": self.published_small.name}
        return {
            "resume": self.file.name,
            "resume_picture": self.picture.name,
            "resume_pages": self.pages,
            "resume_bytes": self.bytes,
            "new_resume_text": self.text,
        }


def refuse_too_many(owner) -> None:
    """Raise ValidationError for a member who has stored more within the hour than anybody needs."""
    most = settings.STAFF_UPLOADS_KEPT if owner.is_staff else settings.UPLOADS_KEPT
    if StoredUpload.objects.usable().filter(owner=owner).count() >= most:
        raise ValidationError(
            _("You have sent a great many files within an hour. Please try again later.")
        )


def profile_field(purpose: str):
    """The profile's field for which a file is meant."""
    from profiles.models import Profile  # which needs this module first

    return Profile._meta.get_field(purpose)


def shown_name(file: File) -> str:
    """A file's name as its owner knows it, to be shown to its owner alone."""
    name = "".join(filter(str.isprintable, file.name or "")).rpartition("/")[2]
    return name if len(name) <= MAX_FILENAME else f"{name[: MAX_FILENAME - 6]}…{name[-5:]}"


def delete_expired() -> int:
    """Delete the uploads that no form has named in time; returns how many.

    django-cleanup deletes their files, each after its own commit: a run that is killed leaves rows
    to the next one, and a file without a row to sweep_media.
    """
    deleted = 0
    for upload in StoredUpload.objects.expired().iterator():
        upload.delete()
        deleted += 1
    return deleted
