"""What somebody typed into the search box, as folded words and phrases."""

import re
from dataclasses import dataclass

from django.db.models import Q

from .fold import fold

PHRASE = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]')
SHORT = 2  # letters; words no longer than this are looked for at the start of words alone


@dataclass(frozen=True)
class Query:
    """Words in any order, parts of words included, and phrases, of which each is there as it is."""

    words: tuple[str, ...]
    phrases: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Query":
        phrases = filter(None, map(fold, PHRASE.findall(text)))
        words = fold(PHRASE.sub(" ", text)).split()
        return cls(tuple(dict.fromkeys(words)), tuple(dict.fromkeys(phrases)))

    def __bool__(self):
        return bool(self.words or self.phrases)

    @property
    def parts(self) -> list[str]:
        """All that a folded text must contain."""
        return [*map(word_pattern, self.words), *(f" {phrase} " for phrase in self.phrases)]

    def matches(self, field: str) -> Q:
        """Return the condition that a folded text has all of the words and phrases."""
        return contains(field, self.parts)


def contains(field: str, parts) -> Q:
    """Return the condition that a text contains all parts."""
    return Q(*(Q(**{f"{field}__contains": part}) for part in parts))


def word_pattern(word: str) -> str:
    return word if len(word) > SHORT else f" {word}"
