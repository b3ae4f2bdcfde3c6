"""Queries whose SQL is built once, and asked with other keys each time.

To build the SQL of a query takes Django three to five times as long as to ask it. What a page asks
is the same for all members, but for the keys in it.
"""

import re
from typing import NamedTuple

from django.db import connection

MOST_HOLES = 32
# They stand where keys and texts will: no row has a negative key, no folded text such a character.
HOLES = range(-9_000, -9_000 - MOST_HOLES, -1)
TEXT_HOLES = "".join(map(chr, range(0xE000, 0xE000 + MOST_HOLES)))
TEXT_HOLE = re.compile(f"[{TEXT_HOLES}]")
LARGEST_KEY = 2**63 - 1  # databases refuse larger numbers, and an address may have any


class SomeUser(NamedTuple):
    """What a query may depend on of the user who asks: the access rule needs nothing else."""

    pk: int
    is_staff: bool
    is_authenticated: bool


class Prepared:
    """A query of a user, and of some keys or texts.

    `build` returns its queryset. It is called once for visitors, for members and for the staff,
    with a SomeUser and keys of no row, so it can decide nothing about a person: that is left to
    the database, each time anew. A text is compared as it is, so LIKE's wildcards are its caller's.
    """

    def __init__(self, build):
        self.build = build
        self.statements = {}

    def statement(self, user, keys) -> tuple[type, str, list]:
        """Return the model, the SQL, and its parameters."""
        kind = connection.vendor, user.is_staff, user.is_authenticated, *map(type, keys)
        if kind not in self.statements:
            holes = [
                TEXT_HOLES[number] if isinstance(key, str) else HOLES[number]
                for number, key in enumerate(keys, start=1)
            ]
            queryset = self.build(SomeUser(HOLES[0], *kind[1:3]), *holes)
            self.statements[kind] = queryset.model, *queryset.query.sql_with_params()
        model, sql, parameters = self.statements[kind]
        return model, sql, [filled(parameter, user.pk, *keys) for parameter in parameters]

    def objects(self, user, *keys: int) -> list:
        """Return the rows as model objects."""
        model, sql, parameters = self.statement(user, keys)
        return list(model._default_manager.raw(sql, parameters))

    def rows(self, user, *keys: int, part: slice | None = None) -> list[tuple]:
        """Return the rows as the database has them: on SQLite, moments are texts."""
        _, sql, parameters = self.statement(user, keys)
        if part:
            sql += f" LIMIT {part.stop - (part.start or 0)} OFFSET {part.start or 0}"
        return answer(sql, parameters)

    def count(self, user, *keys: int, most: int) -> int:
        """Return the number of rows, or `most` if there are more."""
        _, sql, parameters = self.statement(user, keys)
        counting = f"SELECT COUNT(*) FROM ({sql} LIMIT {most}) counted"  # noqa: S608 - by Django
        return answer(counting, parameters)[0][0]


def filled(parameter, *keys):
    """Return a parameter with what belongs into its holes."""
    if isinstance(parameter, str):
        return TEXT_HOLE.sub(lambda hole: keys[TEXT_HOLES.index(hole[0])], parameter)
    if isinstance(parameter, int) and parameter in HOLES:
        return min(keys[HOLES.index(parameter)], LARGEST_KEY)
    return parameter


def answer(sql: str, parameters: list) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
