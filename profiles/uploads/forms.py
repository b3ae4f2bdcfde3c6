"""A form of a profile that stores its files as they come, and names them when it is saved."""

import logging
from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from portal.s3.errors import StorageError

from .crop import Crop
from .stored import StoredUpload
from .turns import Busy

logger = logging.getLogger(__name__)

EXPIRED = _("The file that you had chosen is no longer kept. Please choose it again.")
BUSY_SECONDS = 60
BUSY = _("The site is busy with other files. Please choose this one again in a minute.")
UNREACHABLE = _(
    "We cannot reach the file storage, so this file is not kept. Nothing is wrong with your file: "
    "please choose it again in a few minutes, or save the rest without it."
)
UNPUBLISHED = _(
    "We cannot reach the file storage, so the photo cannot be used yet. Nothing is wrong with your "
    "photo: please save again in a few minutes."
)


def told_to_wait(response):
    """Mark a page with a form that could not be taken at this moment as one to ask for again."""
    response.status_code, response["Retry-After"] = 503, str(BUSY_SECONDS)
    return response


class StoredUploadsForm(forms.ModelForm):
    """Keeps the files that were chosen when another field is wrong, and names them on saving.

    A subclass has a profile's `avatar` and `resume` among its fields; `uploader` is who sends them.
    """

    uploader = None
    # What became of the files of a request, for a form that is validated more than once in it.
    received: Any = None  # a dict of StoredUploads and ValidationErrors

    def __init__(self, *args, uploader=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.uploader = uploader or self.uploader
        if self.received is None:
            self.received = {}
        self.uploads: dict[str, StoredUpload] = {}
        # The page tells what a field held when it was opened: what another page, or somebody else,
        # has saved since in a field that is left alone here is not undone.
        for name in self.fields.keys() - set(StoredUpload.Purpose):
            is_told = not self.is_bound or self.add_initial_prefix(name) in self.data
            self.fields[name].show_hidden_initial = is_told

    def clean_avatar(self):
        return self.chosen("avatar", crop=Crop.of(self.data, self.add_prefix("avatar")))

    def clean_resume(self):
        return self.chosen("resume")

    def chosen(self, name: str, **choices):
        """Store a file that has come, or find the one that came before; returns what is neither."""
        value = self.cleaned_data[name]
        stored = self.data.get(f"{self.add_prefix(name)}-stored")
        if stored and value is False:
            messages = self.fields[name].error_messages
            raise ValidationError(messages["contradiction"], code="contradiction")
        if isinstance(value, UploadedFile):
            upload = self.received_once(name, value, **choices)
        elif stored:
            upload = self.stored_before(name, stored)
        else:
            return value
        self.uploads[name] = self.fields[name].widget.stored = upload
        return None  # for the instance: nothing changes until the form is saved

    def received_once(self, name: str, file: UploadedFile, **choices) -> StoredUpload:
        def receive():
            try:
                return StoredUpload.receive(self.uploader, name, file, **choices)
            except Busy:
                raise ValidationError(BUSY, code="busy") from None

        return self.once(self.add_prefix(name), receive, UNREACHABLE)

    def once(self, key: str, store: Callable, unreachable):
        """Store something; in the next form of the same request, return or raise the same."""
        received = self.received
        if key not in received:
            try:
                received[key] = store()
            except StorageError as error:
                # Logged as the middleware does. The form comes back with what was typed.
                logger.error("%s", error, exc_info=error)
                received[key] = ValidationError(unreachable, code="unreachable")
            except ValidationError as error:
                received[key] = error
        if isinstance(received[key], ValidationError):
            raise received[key]
        return received[key]

    def stored_before(self, name: str, pk: str) -> StoredUpload:
        mine = StoredUpload.objects.usable().filter(owner=self.uploader, purpose=name)
        try:
            return mine.get(pk=pk)
        except (StoredUpload.DoesNotExist, ValueError, OverflowError):
            raise ValidationError(EXPIRED, code="expired") from None

    @property
    def changed_data(self):
        return [*dict.fromkeys([*super().changed_data, *getattr(self, "uploads", {})])]

    def full_clean(self):
        super().full_clean()
        if not self._errors:
            for name, upload in self.uploads.items():
                try:
                    self.once(f"{self.add_prefix(name)}-published", upload.publish, UNPUBLISHED)
                except ValidationError as error:
                    self.add_error(name, error)

    def is_left_out(self, name: str) -> bool:
        """Return True for a field that was not sent: an older page did not have it yet."""
        widget = self.fields[name].widget
        return widget.value_omitted_from_data(self.data, self.files, self.add_prefix(name))

    def save(self, commit=True):
        """Save what has changed, on the row as it is by now; the later of two savers wins.

        Files are in their places before the row is locked. A file that is replaced is deleted by
        django-cleanup after the commit, which has to know it from the locked row.
        """
        changed = {name: self.cleaned_data[name] for name in super().changed_data}
        for name in [*self.uploads, *filter(self.is_left_out, changed)]:
            changed.pop(name, None)
        uploads = StoredUpload.objects.filter(pk__in=[each.pk for each in self.uploads.values()])
        with transaction.atomic():
            row = self.instance
            if commit and row.pk:
                row = type(row).objects.select_for_update().get(pk=row.pk)
            # One that is not there any more was named by another save of the same form.
            for upload in uploads.select_for_update():
                changed |= upload.values()
            for name, value in changed.items():
                is_removed = value is False and name in StoredUpload.Purpose
                setattr(row, name, "" if is_removed else value)
            if commit:
                row.save()
                uploads.delete()
        self.instance = row
        return row

    @property
    def must_wait(self) -> bool:
        """Return True if a file was refused for a fault of the site's that will pass."""
        codes = ("busy", "unreachable")
        return any(self.has_error(name, code) for name in self.fields for code in codes)

    def notes(self) -> list[str]:
        """What the uploader is to be told of the files."""
        return [upload.shown_note for upload in self.uploads.values() if upload.note]
