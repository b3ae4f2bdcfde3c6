"""Texts of all alphabets as words of ASCII letters: what is stored, and what is asked."""

import re

from anyascii import anyascii

from profiles.fields import composed

APOSTROPHES = str.maketrans("", "", "'`")
WORD = re.compile(r"[a-z0-9+#]+")  # "c++" and "c#" are words, too
MAX_SORT_KEY = 150
AFTER_ALL_LETTERS = "~"


def fold(text: str) -> str:
    """Return a text as lower-case ASCII words with single spaces between them.

    Accents go, other alphabets are transliterated, "O'Brien" is one word and "Jean-Luc" two.
    """
    if not text.isascii():
        text = anyascii(composed(text))
    return " ".join(WORD.findall(text.translate(APOSTROPHES).lower()))


def sort_key(name: str) -> str:
    """Return the key by which people are sorted; those without a name come last."""
    return fold(name)[:MAX_SORT_KEY] or AFTER_ALL_LETTERS
