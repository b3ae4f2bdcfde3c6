"""The language of a member: the field, its list of choices, and which one is spoken."""

import re
from types import SimpleNamespace

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from portal.accounts.languages import LanguageField, choices, language_of, speak
from profiles.models import User

LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
ASKED_FOR = "The one that the browser asks for"


def test_the_choices_are_the_browsers_and_those_of_the_site(settings):
    settings.LANGUAGES = [*LANGUAGES, ("nl", "Nederlands")]

    assert [(code, str(name)) for code, name in choices()] == [
        ("", ASKED_FOR), *LANGUAGES, ("nl", "Nederlands"),
    ]  # fmt: skip
    with translation.override("de"):
        assert str(choices()[0][1]) != ASKED_FOR
        assert choices()[1:3] == LANGUAGES, "each in its own words"


def test_each_language_is_pronounced_as_itself():
    field = LanguageField().formfield()

    options = re.findall(r"<option[^>]*>", field.widget.render("language", "de"))

    assert options == [
        '<option value="">',
        '<option value="en-gb" lang="en-gb">',
        '<option value="de" selected lang="de">',
    ]
    assert (field.required, str(field.label)) == (False, "Language")
    assert str(field.help_text) == "Of the pages that this member sees, and of messages to them."


def test_a_language_is_one_of_the_site_or_none():
    field = LanguageField()

    assert [field.clean(code, None) for code in ("", "de", "en-gb")] == ["", "de", "en-gb"]
    for code in ("fr", "DE", None):
        with pytest.raises(ValidationError):
            field.clean(code, None)
    assert (field.max_length, field.default, field.db_default, field.blank) == (20, "", "", True)


def test_a_migration_names_nothing_that_another_site_has_otherwise():
    _, path, args, kwargs = LanguageField(verbose_name="x", max_length=9).deconstruct()

    assert (path, args, kwargs) == ("portal.accounts.languages.LanguageField", [], {})


@pytest.mark.parametrize(
    ("chosen", "otherwise", "spoken"),
    [
        ("de", "en-gb", "de"),
        ("de", "", "de"),
        ("", "de", "de"),
        ("", "", "en-gb"),
        ("fr", "de", "de"),
        ("fr", "fr", "en-gb"),
        ("en-gb", "de", "en-gb"),
    ],
)
def test_a_choice_prevails_over_the_page_and_that_over_the_site(chosen, otherwise, spoken):
    assert language_of(User(language=chosen), otherwise) == spoken
    if not chosen:
        assert language_of(None, otherwise) == spoken
        assert language_of(SimpleNamespace(), otherwise) == spoken


def test_a_site_may_have_another_language(settings):
    settings.LANGUAGE_CODE = "de"

    assert language_of(None) == "de"


def test_a_request_is_answered_in_a_language():
    request = SimpleNamespace()

    with translation.override("en-gb"):
        speak(request, "de")
        assert (translation.get_language(), request.LANGUAGE_CODE) == ("de", "de")
