"""Stored uploads: what a person has chosen, kept until a form names it.

A file is received, checked, cleaned and stored once, at once. Saving a form only names it, so a
form that comes back with an error keeps what was chosen, and no row is locked while a file is
parsed or sent to S3. What nobody has named by its time is deleted by the nightly command.
"""

from contextlib import ExitStack
from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.db import models
from django.utils import timezone

from portal.files.fields import MadeFileField
from portal.files.storages import protected_media

MAX_FILENAME = 100


def upload_folder(upload, filename):
    """Where a file will stay if it is a resume: naming it then moves nothing."""
    return f"{upload.purpose}s/{filename}"


class StoredUploadQuerySet(models.QuerySet):
    def usable(self):
        return self.filter(expires_at__gt=timezone.now())

    def expired(self):
        return self.filter(expires_at__lte=timezone.now())


class StoredUpload(models.Model):
    """A cleaned file under a protected name, for a field of some profile that `purpose` names."""

    class Purpose(models.TextChoices):
        AVATAR = "avatar", "photo"
        RESUME = "resume", "resume"

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="stored_uploads"
    )
    purpose = models.CharField(max_length=10, choices=Purpose)
    filename = models.CharField(max_length=MAX_FILENAME, blank=True)  # as its owner knows it
    file = MadeFileField(storage=protected_media, upload_to=upload_folder)
    # The smaller square of a photo, or the first page of a resume.
    picture = MadeFileField(storage=protected_media, upload_to=upload_folder)
    pages = models.PositiveIntegerField(null=True)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    objects = StoredUploadQuerySet.as_manager()

    def __str__(self):
        return f"{self.get_purpose_display()} {self.pk}"

    @classmethod
    def receive(cls, owner, purpose: str, file: File, **choices):
        """Clean a file by the rule of the profile's field, and store it.

        `choices` are what the person has chosen about it, such as `crop`. Raises ValidationError,
        where the file is refused or the owner has stored too many; Busy, where others are first.
        """
        refuse_too_many(owner)
        cleaned = profile_field(purpose).cleaned(file, **choices)
        upload = cls(
            owner=owner,
            purpose=purpose,
            filename=shown_name(file),
            note=cleaned.note,
            expires_at=timezone.now() + timedelta(seconds=settings.UPLOAD_KEPT_SECONDS),
        )
        upload.file = File(cleaned.file, name=f"{purpose}{profile_field(purpose).extension}")
        for value in cleaned.others.values():
            if isinstance(value, File):
                upload.picture = value
            elif value is not None:
                upload.pages = value
        with ExitStack() as undo:
            undo.callback(upload.discard_files)
            upload.save()
            undo.pop_all()
        return upload

    def values_to_name(self, undo: ExitStack) -> dict:
        """The values of the profile's fields that name this file.

        A resume stays where it is. A photo is stored once more where everybody may see it, which
        `undo` takes back; to be called before a row is locked.
        """
        if self.purpose == self.Purpose.RESUME:
            names = {"resume": self.file.name, "resume_picture": self.picture.name}
            return names | {"resume_pages": self.pages}
        return {
            "avatar": publish(self.file, "avatar", undo),
            "avatar_small": publish(self.picture, "avatar_small", undo),
        }

    def discard_files(self):
        """Delete what was stored, for a row that could not be."""
        for stored in (self.file, self.picture):
            if stored and stored._committed:
                stored.storage.delete(stored.name)


def refuse_too_many(owner) -> None:
    """Raise ValidationError for a member who has stored more within the hour than anybody needs."""
    most = settings.STAFF_UPLOADS_KEPT if owner.is_staff else settings.UPLOADS_KEPT
    if StoredUpload.objects.usable().filter(owner=owner).count() >= most:
        raise ValidationError(
            "You have sent a great many files within an hour. Please try again later.",
            code="too_many",
        )


def profile_field(purpose: str):
    """The profile's field for which a file is meant."""
    from profiles.models import Profile  # which needs this module first

    return Profile._meta.get_field(purpose)


def publish(stored, field_name: str, undo: ExitStack) -> str:
    """Store a file anew where the profile's field keeps its files; returns its name there."""
    field = profile_field(field_name)
    with stored.open() as file:
        content = ContentFile(file.read())
    content.content_type = getattr(field, "content_type", None)
    name = field.storage.save(field.generate_filename(None, stored.name), content)
    undo.callback(field.storage.delete, name)
    return name


def shown_name(file: File) -> str:
    """A file's name as its owner knows it, to be shown to its owner alone."""
    name = "".join(filter(str.isprintable, file.name or "")).rpartition("/")[2]
    return name if len(name) <= MAX_FILENAME else f"{name[: MAX_FILENAME - 6]}…{name[-5:]}"


def delete_expired() -> int:
    """Delete the uploads that no form has named in time; returns how many. django-cleanup deletes
    their files after the commit."""
    deleted, _ = StoredUpload.objects.expired().delete()
    return deleted
