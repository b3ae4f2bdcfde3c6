"""Queries whose SQL is built once, and asked with other keys each time.

To build the SQL of a query takes Django three to five times as long as to ask it. What a page asks
is the same for all members, but for the keys in it.
"""

import re
from typing import NamedTuple

from django.db import connection
from django.db.models import Model

MOST_HOLES = 32
# They stand where keys and texts will: no row has a negative key, no folded text such a character.
HOLES = range(-9_000, -9_000 - MOST_HOLES, -1)
TEXT_HOLES = "".join(map(chr, range(0xE000, 0xE000 + MOST_HOLES)))
TEXT_HOLE = re.compile(f"[{TEXT_HOLES}]")
LARGEST_KEY = 2**63 - 1  # databases refuse larger numbers, and an address may have any


class SomeUser(NamedTuple):
    """The part of a user that a query may depend on: the access rule needs nothing else."""

    pk: int
    is_staff: bool
    is_authenticated: bool


class Statement(NamedTuple):
    """The SQL of a queryset as Django has built it, and how to read its rows."""

    model: type[Model]
    sql: str
    parameters: tuple
    fields: list[str]  # the first columns, if the rows are model objects
    annotations: dict[str, int]  # the others, by number
    converters: dict  # by the column's number, of what the database has in a form of its own

    @classmethod
    def of(cls, queryset) -> "Statement":
        """Build a queryset's SQL; see ModelIterable in django/db/models/query.py."""
        compiler = queryset.query.get_compiler(connection=connection)
        sql, parameters = compiler.as_sql()
        columns = [column for column, _, _ in compiler.select]
        chosen = compiler.klass_info["select_fields"]
        fields = [columns[number].target.attname for number in chosen]
        converters = compiler.get_converters(columns)
        return cls(queryset.model, sql, parameters, fields, compiler.annotation_col_map, converters)

    def converted(self, row: tuple) -> list:
        """Return a row's values as Python has them."""
        values = list(row)
        for number, (converters, column) in self.converters.items():
            for convert in converters:
                values[number] = convert(values[number], column, connection)
        return values

    def instance(self, row) -> Model:
        """Return a row as a model object, with what is annotated as attributes."""
        found = self.model.from_db(connection.alias, self.fields, row[: len(self.fields)])
        for name, number in self.annotations.items():
            setattr(found, name, row[number])
        return found


class Prepared:
    """A query of a user, and of some keys or texts.

    `build` returns its queryset. It is called once for visitors, for members and for the staff,
    with a SomeUser and keys of no row, so it can decide nothing about a person: that is left to
    the database, each time anew. A text is compared as it is, so LIKE's wildcards are its caller's.
    """

    def __init__(self, build):
        self.build = build
        self.statements: dict[tuple, Statement] = {}

    def statement(self, user, keys) -> Statement:
        """Return what was built for such a user, and as many keys and texts."""
        kind = connection.vendor, user.is_staff, user.is_authenticated, *map(type, keys)
        if kind not in self.statements:
            holes = [
                TEXT_HOLES[number] if isinstance(key, str) else HOLES[number]
                for number, key in enumerate(keys, start=1)
            ]
            queryset = self.build(SomeUser(HOLES[0], *kind[1:3]), *holes)
            self.statements[kind] = Statement.of(queryset)
        return self.statements[kind]

    def rows(self, user, *keys: int | str, part: slice | None = None) -> list:
        """Return the rows as they are, all of them or a part."""
        statement = self.statement(user, keys)
        sql = statement.sql
        if part:
            sql += f" LIMIT {part.stop - (part.start or 0)} OFFSET {part.start or 0}"
        found = answer(sql, statement.parameters, user, keys)
        return [statement.converted(row) for row in found] if statement.converters else found

    def objects(self, user, *keys: int | str) -> list:
        """Return the rows as model objects."""
        statement = self.statement(user, keys)
        return [statement.instance(row) for row in self.rows(user, *keys)]

    def count(self, user, *keys: int | str, most: int) -> int:
        """Return the number of rows, or `most` if there are more."""
        statement = self.statement(user, keys)
        sql = f"SELECT COUNT(*) FROM ({statement.sql} LIMIT {most}) counted"  # noqa: S608 - by Django
        return answer(sql, statement.parameters, user, keys)[0][0]


def answer(sql: str, parameters, user, keys) -> list[tuple]:
    """Ask the database, with the keys in the parameters' holes."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [filled(parameter, user.pk, *keys) for parameter in parameters])
        return cursor.fetchall()


def filled(parameter, *keys):
    """Return a parameter with what belongs into its holes."""
    if isinstance(parameter, str):
        return TEXT_HOLE.sub(lambda hole: keys[TEXT_HOLES.index(hole[0])], parameter)
    if parameter in HOLES:
        return min(keys[HOLES.index(parameter)], LARGEST_KEY)
    return parameter
