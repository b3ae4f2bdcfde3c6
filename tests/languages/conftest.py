"""The pseudo language, and a society that writes Greek."""

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from .pseudo import CODE, Mirrored, Pseudo


@pytest.fixture
def pseudo(settings, monkeypatch):
    """The site with one more language, of which the tests know what was translated into it."""
    settings.LANGUAGES = [*settings.LANGUAGES, (CODE, "⟦⟧")]
    language = Pseudo()
    monkeypatch.setitem(trans_real._translations, CODE, language)
    yield language
    translation.deactivate()


@pytest.fixture
def mirrored(settings, monkeypatch):
    """The site with a language that runs to the left."""
    settings.LANGUAGES = [*settings.LANGUAGES, (Mirrored.code, "עברית")]
    monkeypatch.setitem(trans_real._translations, Mirrored.code, Mirrored())
    yield Mirrored.code
    translation.deactivate()
