"""A file field for uploads: it stores what it has cleaned, under a random name."""

from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import uuid4

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import models
from django.db.models.fields.files import FieldFile
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

EMPTY = _("This file is empty. Please choose another.")


class Cleaned(NamedTuple):
    """What a field makes of an upload."""

    file: File  # the file to store
    others: dict[str, Any] = {}  # values of the row's other fields, such as a smaller picture
    notes: list = []  # sentences for whoever has uploaded it, to be translated


class CleanedFieldFile(FieldFile):
    """A file on a model that stores nothing but what the field has cleaned."""

    _cleaned = None  # the content that has been through the field's rule, if any has

    def clean(self):
        """Replace a new upload by its cleaned content; a second call does nothing."""
        if self and not self._committed and self.file is not self._cleaned:
            self.file = self._clean(self.file)

    def save(self, name, content, save=True):
        # Model.save(), through pre_save, and avatar.save() both call this.
        if content is not self._cleaned:
            content = self._clean(content)
        super().save(name, content, save)

    def _clean(self, content):
        cleaned = self.field.cleaned(content)
        for name, value in cleaned.others.items():
            setattr(self.instance, name, value)
        self._cleaned = cleaned.file
        return cleaned.file

    save.alters_data = True  # type: ignore[attr-defined] # a template must not call it


class CleanedFileField(models.FileField):
    """A file field that stores only what ``clean_upload`` returns, under a random name.

    The rule holds for the admin, for any form and for the shell alike. A subclass states:

    ``extension``     ends the stored name, such as ``.pdf``
    ``content_type``  is what the file is served as; what the browser declared is ignored
    ``accept``        tells the browser's file chooser what to offer
    ``clean_upload``  turns an upload into what is stored, or raises ValidationError
    """

    attr_class = CleanedFieldFile
    extension = ""
    content_type = ""
    accept = ""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 200)  # directory and uuid, with room for a suffix
        super().__init__(*args, **kwargs)

    def clean_upload(self, file: File, **choices) -> Cleaned:
        """Return the file to store, and what else the row is to say of it.

        `choices` are what the person who uploads it has chosen, such as how a photo is cut.

        Raises ValidationError, in words that say what is wrong and what to do.
        """
        raise NotImplementedError

    def cleaned(self, content, **choices) -> Cleaned:
        """Return the cleaned form of anything that can be read, with its own name and type."""
        if not isinstance(content, File):
            content = File(content)
        cleaned = self.clean_upload(content, **choices)
        # Storages prefer a declared type to the name: `evil.pdf` could be stored as text/html.
        file = File(cleaned.file, name=f"cleaned{self.extension}")
        file.content_type = self.content_type  # type: ignore[attr-defined]
        return cleaned._replace(file=file)

    def clean(self, value, model_instance):
        value = super().clean(value, model_instance)
        if isinstance(value, CleanedFieldFile):
            value.clean()
        return value

    def pre_save(self, model_instance, add):
        """Store a new upload; where the file is removed, so is what was made of it."""
        file = super().pre_save(model_instance, add)
        if not file:
            for name in self.companions():
                default = model_instance._meta.get_field(name).get_default()
                setattr(model_instance, name, default)
        return file

    def companions(self) -> list[str]:
        """The names of the row's fields that hold what was made of the file.

        They stand behind this field in the model, so that they are saved after it.
        """
        return []

    def generate_filename(self, instance, filename):
        # The browser's name for the file may be hostile, personal or taken: none of it is kept.
        return super().generate_filename(instance, f"{uuid4()}{self.extension}")

    def formfield(self, **kwargs):
        # No max_length: the browser's name is not stored, so its length does not matter.
        form_field = super().formfield(**{"max_length": None, **kwargs})
        form_field.widget.attrs.setdefault("accept", self.accept)
        form_field.error_messages["empty"] = EMPTY
        return form_field


class MadeFileField(models.FileField):
    """A file that the site has made itself, such as a smaller picture, under a random name."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("max_length", 200)
        kwargs.setdefault("blank", True)
        super().__init__(*args, **kwargs)

    def generate_filename(self, instance, filename):
        return super().generate_filename(instance, f"{uuid4()}{PurePath(filename).suffix}")


def check_size(file: File, max_bytes: int) -> None:
    """Refuse an empty file, and one of more than ``max_bytes``, before a byte of it is read."""
    if not file.size:
        raise ValidationError(EMPTY, code="empty")
    if file.size > max_bytes:
        raise too_large(max_bytes)


def too_large(max_bytes: int) -> ValidationError:
    """Return the refusal of a file of more than ``max_bytes``."""
    return ValidationError(
        _("This file is larger than %(megabytes)s MB. Please choose a smaller one."),
        code="too_large",
        params={"megabytes": number_format(f"{max_bytes / 1_000_000:.3g}")},
    )
