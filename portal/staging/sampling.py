"""Who stays on a staging site: the staff as they are, and a sample of the members as other people.

The sample is stratified: a project writes down the kinds of people that its pages treat differently
(Stratum), and each kind comes along. Who it is depends on the seed and on the rows' keys alone.

The choice is a temporary table, which the conditions of the scrub rules read: so a rule is the same
whether three people stay or three thousand.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from django.apps import apps
from django.db import connection
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import MD5, Cast, Concat, Length

TABLE = "staging_people"
# The SQL is this module's own, and nobody's input is in it.
STAYING = RawSQL(f"SELECT person FROM {TABLE}", ())  # noqa: S608, S611
REPLACED = RawSQL(f"SELECT person FROM {TABLE} WHERE is_replaced", ())  # noqa: S608, S611
UNCHANGED = RawSQL(f"SELECT person FROM {TABLE} WHERE NOT is_replaced", ())  # noqa: S608, S611
ROWS_AT_ONCE = 500
EVERYBODY, NOBODY = Q(), Q(pk__in=[])


class Stratum(NamedTuple):
    """A kind of people of whom some are to be in every sample."""

    name: str
    where: Q = EVERYBODY
    longest: str = ""  # the path of a text: those whose text is longest come first


@dataclass(frozen=True)
class People:
    """The model whose rows are people, and who of them stays on a staging site."""

    model: str  # its label
    unchanged: Q  # those who always stay as who they are
    consenting: Q = NOBODY  # those who have agreed to stay as who they are
    strata: tuple[Stratum, ...] = ()


class Choice(NamedTuple):
    """The people of one refresh, as an operator has chosen."""

    keep: int = 0  # people who stay as other people
    seed: str = ""
    keep_consenting: bool = False


STAFF_ALONE = Choice()


def of_departed(path: str) -> Q:
    """Return the condition for rows whose `path` leads to somebody who is deleted."""
    return Q(**{f"{path}__isnull": False}) & ~Q(**{f"{path}__in": STAYING})


def of_replaced(path: str) -> Q:
    """Return the condition for rows whose `path` leads to somebody who becomes another person."""
    return Q(**{f"{path}__in": REPLACED})


def of_unchanged(path: str) -> Q:
    """Return the condition for rows whose `path` leads to somebody who stays as they are."""
    return Q(**{f"{path}__in": UNCHANGED})


@contextmanager
def people_chosen(people: People, choice: Choice) -> Iterator[None]:
    """Write down who stays, for as long as the block lasts. To be used in a transaction."""
    rows = QuerySet(apps.get_model(people.model))
    key = rows.model._meta.pk.rel_db_type(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {TABLE} (person {key} PRIMARY KEY, is_replaced boolean)"
        )
    unchanged = people.unchanged
    if choice.keep_consenting:
        unchanged = unchanged | people.consenting
    # A query of its own for the keys: a condition may lead to several rows of a person.
    staying = rows.filter(pk__in=rows.filter(unchanged).values("pk"))
    write(list(staying.values_list("pk", flat=True)), is_replaced=False)
    others = rows.exclude(pk__in=STAYING)
    write(sample(others, people.strata, choice.keep, choice.seed), is_replaced=True)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLE}")
    yield
    with connection.cursor() as cursor:  # after an error, the rollback removes it
        cursor.execute(f"DROP TABLE {TABLE}")


def write(keys: Iterable, *, is_replaced: bool) -> None:
    """Add people to the table of those who stay."""
    insert = f"INSERT INTO {TABLE} VALUES (%s, %s)"  # noqa: S608
    rows = ((key, is_replaced) for key in keys)
    while some := list(islice(rows, ROWS_AT_ONCE)):
        with connection.cursor() as cursor:
            cursor.executemany(insert, some)


def sample(others: QuerySet, strata: tuple[Stratum, ...], keep: int, seed: str) -> list:
    """Return the keys of `keep` people: some of each stratum, and the rest from all of them.

    One half of the sample is shared out to the strata, in their order; the other has each kind in
    about its own proportion.
    """
    by_chance = MD5(Concat(Value(f"{seed} "), Cast("pk", TextField())))
    chosen: dict = {}
    shares = [(stratum, max(1, keep // (2 * len(strata)))) for stratum in strata]
    for stratum, share in [*shares, (Stratum("everybody"), keep)]:
        longest = [Length(stratum.longest).desc(nulls_last=True)] if stratum.longest else []
        of_stratum = others.filter(stratum.where).values("pk")  # perhaps several rows of a person
        found = others.filter(pk__in=of_stratum).order_by(*longest, by_chance, "pk")
        for key in found.values_list("pk", flat=True)[:share]:
            if len(chosen) < keep:
                chosen[key] = None
    return list(chosen)
