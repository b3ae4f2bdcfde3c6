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
    """The condition that a text has all words and phrases of a query."""

    lookup_name = "has"
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        parts = [
            *(f" {word} " if is_whole(word) else f" {word[:MAX_WORD]}" for word in self.rhs.words),
            *(f" {phrase} " for phrase in self.rhs.phrases),
        ]
        return self.contains(compiler, connection, parts)

    def contains(self, compiler, connection, parts):
        lhs, params = self.process_lhs(compiler, connection)
        sql = " AND ".join([f"{lhs} LIKE %s"] * len(parts))
        return f"({sql})", [each for part in parts for each in (*params, f"%{part}%")]

    def as_postgresql(self, compiler, connection):
        lhs, params = self.process_lhs(compiler, connection)
        sql = f"{vector_of(lhs)} @@ %s::tsquery"
        params = [*params, tsquery(self.rhs)]
        if self.rhs.phrases:  # the index finds those who have the words
            phrases, phrase_params = self.contains(
                compiler, connection, [f" {phrase} " for phrase in self.rhs.phrases]
            )
            sql, params = f"({sql} AND {phrases})", [*params, *phrase_params]
        return sql, params


def is_whole(word: str) -> bool:
    """Return True for words that are too short to be looked for as the beginning of others."""
    return len(word) <= SHORT


def vector_of(column: str) -> str:
    """Return the quoted name of the column that has the words of another: "words_vector"."""
    return f'{column.removesuffix(chr(34))}_vector"'


def tsquery(query) -> str:
    """Return PostgreSQL's notation of a query; folded words hold nothing that has to be escaped."""
    words = [f"'{word[:MAX_WORD]}'" + (":*" if not is_whole(word) else "") for word in query.words]
    words += [f"'{word[:MAX_WORD]}'" for phrase in query.phrases for word in phrase.split()]
    return " & ".join(words)
