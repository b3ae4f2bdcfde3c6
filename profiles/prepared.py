"""Queries whose SQL is built once, and asked with other keys each time.

To build the SQL of a query takes Django three to five times as long as to ask it. What a page asks
is the same for all members, but for the keys in it.
"""

from typing import NamedTuple

from django.db import connection

HOLES = range(-9_001, -9_010, -1)  # stand where keys will; no row has a negative one
LARGEST_KEY = 2**63 - 1  # databases refuse larger numbers, and an address may have any


class SomeUser(NamedTuple):
    """What a query may depend on of the user who asks: the access rule needs nothing else."""

    pk: int
    is_staff: bool
    is_authenticated: bool


class Prepared:
    """A query of a user, and of some keys.

    `build` returns its queryset. It is called once for visitors, for members and for the staff,
    with a SomeUser and keys of no row, so it can decide nothing about a person: that is left to
    the database, each time anew.
    """

    def __init__(self, build):
        self.build = build
        self.statements = {}

    def statement(self, user, keys) -> tuple[type, str, list]:
        """Return the model, the SQL, and its parameters."""
        kind = connection.vendor, user.is_staff, user.is_authenticated
        if kind not in self.statements:
            pk, *holes = HOLES[: 1 + len(keys)]
            queryset = self.build(SomeUser(pk, *kind[1:]), *holes)
            self.statements[kind] = queryset.model, *queryset.query.sql_with_params()
        model, sql, parameters = self.statements[kind]
        values = (user.pk, *(min(key, LARGEST_KEY) for key in keys))
        filled = dict(zip(HOLES, values, strict=False))
        return model, sql, [filled.get(each, each) for each in parameters]

    def objects(self, user, *keys: int) -> list:
        """Return the rows as model objects."""
        model, sql, parameters = self.statement(user, keys)
        return list(model._default_manager.raw(sql, parameters))

    def rows(self, user, *keys: int, part: slice | None = None) -> list[tuple]:
        """Return rows of texts and numbers, as the database has them."""
        _, sql, parameters = self.statement(user, keys)
        if part:
            sql += f" LIMIT {part.stop - (part.start or 0)} OFFSET {part.start or 0}"
        return answer(sql, parameters)

    def count(self, user, *keys: int, most: int) -> int:
        """Return the number of rows, or `most` if there are more."""
        _, sql, parameters = self.statement(user, keys)
        counting = f"SELECT COUNT(*) FROM ({sql} LIMIT {most}) counted"  # noqa: S608 - by Django
        return answer(counting, parameters)[0][0]


def answer(sql: str, parameters: list) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
