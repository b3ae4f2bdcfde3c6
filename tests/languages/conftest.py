"""The pseudo language, and a society that writes Greek."""

import pytest
from django.utils import translation
from django.utils.translation import trans_real

from .pseudo import CODE, Pseudo


@pytest.fixture
def pseudo(settings, monkeypatch):
    """The site with one more language, of which the tests know what was translated into it."""
    settings.LANGUAGES = [*settings.LANGUAGES, (CODE, "⟦⟧")]
    language = Pseudo()
    monkeypatch.setitem(trans_real._translations, CODE, language)
    yield language
    translation.deactivate()
