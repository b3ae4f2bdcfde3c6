"""A model field for one line of text that people read, such as a name."""

import unicodedata

from django import forms
from django.db import models

SHORT = 1_000  # characters, which take a millisecond at most
MAX_MARKS = 30  # on a letter of a longer text: Unicode's stream-safe format (UAX 15)
PAIRS_OF_MARKS = "\u0f73\u0f75\u0f81"  # count as letters, and are composed of marks


def composed(text: str) -> str:
    """Return a text in Unicode's composed form (NFC), in which equal texts are equal strings.

    macOS types some letters as two characters; a search for the one would miss the other. A long
    text with more marks on a letter than any language has is returned as it is.
    """
    return text if has_many_marks(text) else unicodedata.normalize("NFC", text)


def has_many_marks(text: str) -> bool:
    """Return True for a text that takes too long to compose.

    Composing sorts the marks on a letter, in a time that grows with the square of their number:
    the megabyte that a form can send would take an hour, in which the process does nothing else.
    """
    if len(text) <= SHORT or text.isascii():
        return False
    marks = 0
    for character in text:
        is_mark = unicodedata.combining(character) or character in PAIRS_OF_MARKS
        marks = marks + 1 if is_mark else 0
        if marks > MAX_MARKS:
            return True
    return False


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
