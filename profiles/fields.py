"""A model field for one line of text that people read, such as a name."""

import unicodedata

from django import forms
from django.db import models


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC), in which equal texts are equal strings.

    macOS types some letters as two characters; a search for the one would miss the other.
    """
    return unicodedata.normalize("NFC", text)


class LineFormField(forms.CharField):
    """A form field for a LineField."""

    def to_python(self, value):
        return composed(super().to_python(value))


class LineField(models.CharField):
    """A line of text, stored and compared in composed form; validators limit its characters."""

    def to_python(self, value):
        value = super().to_python(value)
        return composed(value) if isinstance(value, str) else value

    def pre_save(self, model_instance, add):
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value):
        return self.to_python(super().get_prep_value(value))

    def formfield(self, **kwargs):
        return super().formfield(**{"form_class": LineFormField, **kwargs})
