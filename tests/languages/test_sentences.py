"""Sentences that rows keep: how they are written, read and shown."""

import json

import pytest
from django.core.exceptions import ValidationError
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.translation import gettext_lazy

from portal.sentences.history import HistoryInWords
from portal.sentences.stored import read, sentence, shown, stored, stored_error


class Member:
    def __str__(self):
        return "Ada"


def test_a_sentence_is_english_with_its_values_apart():
    """Numbers stay numbers, by which plurals go; anything else is its text."""
    with translation.override("de"):
        made = sentence(gettext_lazy("Members"), count=2, share=0.5, who=Member(), none=None)

    assert made == ["Members", {"count": 2, "share": 0.5, "who": "Ada", "none": "None"}]


@pytest.mark.parametrize(
    ("sentences", "kept"),
    [
        ([], ""),
        ([["Members", {}]], "Members"),
        ([["Hello %(who)s", {"who": "Zoë"}]], '[["Hello %(who)s", {"who": "Zoë"}]]'),
        ([["Members", {}], ["Log in", {}]], '[["Members", {}], ["Log in", {}]]'),
    ],
)
def test_sentences_are_a_text_if_there_is_one_without_values(sentences, kept):
    assert stored(*sentences) == kept
    assert read(kept) == sentences
    assert shown(kept) == shown(sentences)


@pytest.mark.parametrize(
    "text",
    ["[[", "[[1]]", '[["a"]]', '[["a", 5]]', '[["a", {}, 1]]', "[[sic]] he wrote", "[5]", "100 %"],
)
def test_plain_text_is_taken_as_it_is(text):
    """As of a release that kept no sentences, or of somebody who begins so."""
    assert read(text) == [[text, {}]]
    assert shown(text) == text


def test_sentences_are_shown_in_the_language_of_the_reader():
    kept = stored(sentence("Log in"), sentence("%(count)d on the way again.", count=2))

    assert shown(kept) == "Log in 2 on the way again."
    with translation.override("de"):
        assert shown(kept) == f"{translation.gettext('Log in')} " + (
            translation.gettext("%(count)d on the way again.") % {"count": 2}
        )
        assert shown(kept) != "Log in 2 on the way again."
    assert shown("") == shown([]) == ""


def test_an_error_is_kept_with_all_that_it_says():
    error = ValidationError(
        [
            ValidationError("Too long: %(most)s", params={"most": 7}),
            ValidationError("Not a name"),
        ]
    )

    assert json.loads(stored_error(error)) == [
        ["Too long: %(most)s", {"most": 7}],
        ["Not a name", {}],
    ]
    assert shown(stored_error(error)) == "Too long: 7 Not a name"
    assert stored_error(ValidationError("Not a name")) == "Not a name"


class Entry:
    def __init__(self, change_message):
        self.change_message = change_message


def test_a_history_is_shown_in_words_but_for_what_django_translates(rf):
    """A page that is no list of entries, such as a redirect, is passed on."""
    of_django = '[{"changed": {"fields": ["Name"]}}]'
    entries = [Entry(of_django), Entry(stored(sentence("Hello %(who)s", who="Ada"))), Entry("")]
    pages = [TemplateResponse(rf.get("/"), "x", {"action_list": entries}), "redirect"]

    class Admin:
        def history_view(self, request, object_id, extra_context=None):
            assert (request, object_id, extra_context) == ("request", "7", {"a": 1})
            return pages.pop(0)

    class Ours(HistoryInWords, Admin):
        pass

    expected = pages[0]
    assert Ours().history_view("request", "7", {"a": 1}) is expected
    assert [entry.change_message for entry in entries] == [of_django, "Hello Ada", ""]
    assert Ours().history_view("request", "7", {"a": 1}) == "redirect"
