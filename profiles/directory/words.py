"""A column of folded text that is searched by whole words and their beginnings.

PostgreSQL has the words in a column of its own with a GIN index (WordsIndex in postgresql.py),
which is a quarter of the text in size; parts of words, as in names, would take an index larger than
the text. SQLite reads the texts. Both give the same answers.
"""

from django.db import models
from django.db.models.lookups import Lookup

from .query import SHORT

MAX_WORD = 100  # letters; PostgreSQL refuses words of 2,047
BARRIER = "\n"  # between two fields, as a word of its own: no phrase reaches over it


class WordsField(models.TextField):
    """Words with single spaces between them and at both ends: see spaced_words()."""


def spaced_words(*texts: str) -> str:
    """Return folded texts as the value of a WordsField."""
    fields = (" ".join(word[:MAX_WORD] for word in text.split()) for text in texts)
    return f" {f' {BARRIER} '.join(filter(None, fields))} "


@WordsField.register_lookup
class Has(Lookup):
    """The condition that a text has all of some words: see words()."""

    lookup_name = "has"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        lhs, params = self.process_lhs(compiler, connection)
        parts = [f"% {word}%" if is_start else f"% {word} %" for word, is_start in self.rhs]
        sql = " AND ".join([f"{lhs} LIKE %s"] * len(parts))
        return f"({sql})", [each for part in parts for each in (*params, part)]

    def as_postgresql(self, compiler, connection):
        lhs, params = self.process_lhs(compiler, connection)
        # Folded words hold nothing that the notation of a tsquery would have to escape.
        parts = [f"'{word}'" + ":*" * is_start for word, is_start in self.rhs]
        return f"{vector_of(lhs)} @@ %s::tsquery", [*params, " & ".join(parts)]


def words(query) -> list[tuple[str, bool]]:
    """Return the words of a query, those of its phrases included.

    Each has True with it if it may be the beginning of another one.
    """
    found = [(word[:MAX_WORD], len(word) > SHORT) for word in query.words]
    of_phrases = (word for phrase in query.phrases for word in phrase.split())
    return found + [(word[:MAX_WORD], False) for word in of_phrases]


def vector_of(column: str) -> str:
    """Return the quoted name of the column that has the words of another: "words_vector"."""
    return f'{column.removesuffix(chr(34))}_vector"'
