"""Shows members why somebody was found: the place in the resume where a word stands."""

import re
from functools import cache
from typing import NamedTuple

from .fold import fold
from .models import ResumeText
from .query import Query, word_pattern

CONTEXT = 50  # characters before and after the word


class Snippet(NamedTuple):
    """A word of a resume, and the text around it."""

    before: str
    word: str
    after: str


def with_snippets(cards: list, text: str) -> list:
    """Return cards, of which those have a `snippet` whose name and headline do not show the words.

    For members alone: visitors neither see resumes nor find anybody by them.
    """
    query = Query.of(text)
    words = [*query.words, *(word for phrase in query.phrases for word in phrase.split())]
    unseen = {card.pk: unseen_words(card, words) for card in cards}
    pks = [pk for pk, words in unseen.items() if words]
    if not pks:
        return cards
    texts = ResumeText.objects.findable().filter(pk__in=pks).values_list("pk", "text")
    snippets = {pk: snippet_of(text, unseen[pk]) for pk, text in texts}
    return [card._replace(snippet=snippets.get(card.pk)) for card in cards]


def unseen_words(card, words: list[str]) -> list[str]:
    shown = f" {fold(card.name)} {fold(card.headline)} "
    return [word for word in words if word_pattern(word) not in shown]


def snippet_of(text: str, words: list[str]) -> Snippet | None:
    """Return the first of the words that stands in a text, with what is around it."""
    folded = cache(lambda: f" {fold(text)}")  # once for all words, and for most texts never
    for word in words:
        span = place_as_it_is(text, word)
        if not span and f" {word}" in folded():
            span = place_when_folded(text, word)
        if span:
            start, end = span
            before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
            if start > CONTEXT:
                before = f"… {before.partition(' ')[2]}"
            if end + CONTEXT < len(text):
                after = f"{after.rpartition(' ')[0]} …"
            return Snippet(before, text[start:end], after)
    return None


def place_as_it_is(text: str, word: str) -> tuple[int, int] | None:
    """Return where a word of the text begins and ends that begins with a folded word."""
    found = re.search(rf"\b{re.escape(word)}\w*", text, re.IGNORECASE | re.ASCII)
    return found.span() if found else None


def place_when_folded(text: str, word: str) -> tuple[int, int] | None:
    """Return the same of a word with accents, or in another alphabet; it takes ten times longer."""
    for each in re.finditer(r"\S+", text):
        if f" {word}" in f" {fold(each[0])}":
            return each.span()
    return None
