"""A form of a profile that stores its files as they come, and names them when it is saved."""

from contextlib import ExitStack

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from .crop import Crop
from .stored import StoredUpload

EXPIRED = (
    "What you had chosen was kept for an hour and is deleted now. Please choose the file again."
)


class StoredUploadsForm(forms.ModelForm):
    """Keeps the files that were chosen when another field is wrong, and names them on saving.

    A subclass has a profile's `avatar` and `resume` among its fields; `uploader` is who sends them.
    """

    uploader = None

    def __init__(self, *args, uploader=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.uploader = uploader or self.uploader
        self.uploads: dict[str, StoredUpload] = {}

    def clean_avatar(self):
        return self.chosen("avatar", crop=Crop.of(self.data, self.add_prefix("avatar")))

    def clean_resume(self):
        return self.chosen("resume")

    def chosen(self, name: str, **choices):
        """Store a file that has come, or find the one that came before; returns what is neither."""
        value = self.cleaned_data[name]
        stored = self.data.get(f"{self.add_prefix(name)}-stored")
        if isinstance(value, UploadedFile):
            upload = StoredUpload.receive(self.uploader, name, value, **choices)
        elif stored and value is not False:
            upload = self.stored_before(name, stored)
        else:
            return value
        self.uploads[name] = self.fields[name].widget.stored = upload
        return None  # for the instance: nothing changes until the form is saved

    def stored_before(self, name: str, pk: str) -> StoredUpload:
        mine = StoredUpload.objects.usable().filter(owner=self.uploader, purpose=name)
        try:
            return mine.get(pk=pk)
        except (StoredUpload.DoesNotExist, ValueError, OverflowError):
            raise ValidationError(EXPIRED, code="expired") from None

    @property
    def changed_data(self):
        return [*dict.fromkeys([*super().changed_data, *getattr(self, "uploads", {})])]

    def save(self, commit=True):
        """Save what has changed, on the row as it is by now; the later of two savers wins.

        Files are in their places before the row is locked. A file that is replaced is deleted by
        django-cleanup after the commit, which has to know it from the locked row.
        """
        if not commit:
            return super().save(commit=False)
        with ExitStack() as undo:
            values = {name: self.cleaned_data[name] for name in super().changed_data}
            values = {name: value for name, value in values.items() if name not in self.uploads}
            for upload in self.uploads.values():
                values |= upload.values_to_name(undo)
            with transaction.atomic():
                row = type(self.instance).objects.select_for_update().get(pk=self.instance.pk)
                for name, value in values.items():
                    setattr(row, name, "" if value is False else value)
                row.save()
                mine = [upload.pk for upload in self.uploads.values()]
                StoredUpload.objects.filter(pk__in=mine).delete()
            undo.pop_all()
        self.instance = row
        return row

    def notes(self) -> list[str]:
        """What the uploader is to be told of the files."""
        return [upload.note for upload in self.uploads.values() if upload.note]
