"""The language of a member: a choice of their own, or whatever their browser asks for."""

from django import forms
from django.conf import settings
from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _


def choices() -> list:
    """Return the languages of the site, each in its own words, after the browser's."""
    return [("", _("The one that the browser asks for")), *settings.LANGUAGES]


class LanguageSelect(forms.Select):
    """A list of languages whose names are pronounced as those languages are."""

    def create_option(self, name, value, *args, **kwargs):
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["lang"] = value
        return option


class LanguageField(models.CharField):
    """The code of one of LANGUAGES; blank for the browser's."""

    def __init__(self, *args, **kwargs):
        words = {
            "verbose_name": _("language"),
            "help_text": _("Of the pages that this member sees, and of messages to them."),
        }
        # The former release goes on adding members while a new one is deployed.
        empty = {"blank": True, "default": "", "db_default": ""}
        fixed = {"max_length": 20, "choices": choices, **empty}
        super().__init__(*args, **words | kwargs | fixed)

    def deconstruct(self):
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("choices", "max_length", "blank", "default", "db_default"):
            kwargs.pop(fixed, None)
        kwargs.pop("verbose_name", None)
        kwargs.pop("help_text", None)
        return name, path, args, kwargs

    def formfield(self, **kwargs):
        return super().formfield(**{"widget": LanguageSelect, **kwargs})


def language_of(user, otherwise: str = "") -> str:
    """Return the language that a user has chosen, or else another one; at last, the site's.

    A choice that is no language of the site any more counts as none.
    """
    offered = dict(settings.LANGUAGES)
    for code in (getattr(user, "language", ""), otherwise):
        if code in offered:
            return code
    return str(settings.LANGUAGE_CODE)


def speak(request, code: str) -> None:
    """Have a request answered in a language."""
    translation.activate(code)
    request.LANGUAGE_CODE = translation.get_language()
