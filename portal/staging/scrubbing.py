"""Removing people from a copy of the live database, by a written decision for every column.

The engine names no model: a project states its decisions in a ScrubRules value, as
profiles/scrub_rules.py does, and names that in SCRUB_RULES. A column or a table without a decision
stops the scrub before anything has changed.

Rows are deleted by plain SQL, which sends no signals, and no file is deleted. On the day of the
copy the rows name files as live does: with one wrong variable, deleting a row's file would delete
the live one. 100,000 rows would also take as many requests to S3. sweep_media removes the files
that no row names any more; before that, it looks at whose bucket it is.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import NamedTuple

from django.apps import apps
from django.core.exceptions import FieldError
from django.db import Error, connection, transaction
from django.db.models import ForeignObjectRel, Model, Q, QuerySet

from portal.files.hints import named

from .invented import Rule
from .misstatements import misstatements
from .planner import renew_statistics
from .replacing import LikeLive, replace_values
from .sampling import STAFF_ALONE, Choice, People, people_chosen
from .suggestions import suggestions
from .undecided import (
    columns_without_field,
    tables_out_of_sight,
    undecided_columns,
    undecided_tables,
)

EVERY_ROW = Q()
NO_ROW = Q(pk__in=[])


class Cleared(NamedTuple):
    """A value that a column is set to, and the rows in which it is."""

    value: object = None
    where: Q = EVERY_ROW


class Decision(NamedTuple):
    """The rows of a table that are deleted, and what happens to each column of the others.

    Each column is in one of `kept`, `cleared`, `replaced` and `rebuilt`; one in `replaced` may also
    be cleared in the rows that are not replaced.
    """

    deleted_rows: Q
    kept: str = ""  # names of fields, separated by spaces; kept in rows that are replaced, too
    cleared: dict[str, Cleared] = {}
    replaced: dict[str, Rule] = {}  # the rule for each column
    replaced_rows: Q = NO_ROW  # in the other rows these columns are kept
    unlike_live: str = ""  # names of fields in which no new value may be in a row of the live site
    rebuilt: str = ""  # names of fields that ScrubRules.rebuild derives from other columns

    @property
    def keeps_rows(self) -> bool:
        """Return False if every row is deleted, so that no column needs a decision."""
        return self.deleted_rows != EVERY_ROW


@dataclass(frozen=True)
class ScrubRules:
    """A project's decisions about its database."""

    # By label of the model, a parent before the models that point to it: rows are deleted from the
    # last entry to the first.
    decisions: dict[str, Decision]
    stated_in: str  # the module to change when a decision is missing, for messages
    people: People | None = None  # for decisions by of_departed() and of_replaced()
    # Called in the same transaction when all else is done: writes what is derived from the rows.
    rebuild: Callable[[], None] | None = None
    # Tables of the database that belong to no model.
    kept_tables: frozenset[str] = frozenset()
    emptied_tables: frozenset[str] = frozenset()
    # Labels of models whose rows a router keeps in another database. Nothing there is changed.
    elsewhere: frozenset[str] = frozenset()

    def models(self) -> list[type[Model]]:
        """Return the models that the decisions are about."""
        models = apps.get_models(include_auto_created=True)
        return [model for model in models if model._meta.label not in self.elsewhere]


# Rows written meanwhile make a scrub fail in ways that look like other mistakes.
IN_USE = "If the site is in use, put it into maintenance mode first."


class ScrubRefused(Exception):
    """The database cannot be scrubbed as it is; nothing has been changed."""


class Change(NamedTuple):
    """The rows that a scrub has changed in a model, a column of a model, or a table."""

    what: str
    deleted: int = 0  # rows
    cleared: int = 0  # rows
    replaced: int = 0  # rows


def reason_to_refuse(
    environment: str, database_host: str, shares_files_with_live: bool
) -> str | None:
    """The reason why this site must not be scrubbed, in a sentence; None if it may be."""
    if environment not in {"staging", "development"}:
        return f"This is a {environment} site: only a staging or development one may be scrubbed."
    if environment == "development" and not is_near(database_host):
        # A laptop without settings counts as development, whichever database it was given.
        return (
            "The database is on another machine and may be the live one. "
            "If it is a copy, say so with SITE_ENVIRONMENT=staging."
        )
    if shares_files_with_live:
        return (
            f"This site's files are where {named('the LIVE_ variables say', 'LIVE_STORAGES says')}"
            " that the live site's files are, so this may be the live site."
        )
    return None


def is_near(database_host: str) -> bool:
    """Return True if a host is this machine, or a neighbour in a network of containers."""
    if database_host.startswith("/") or database_host in {"127.0.0.1", "::1"}:
        return True
    return not set(".:") & set(database_host)  # a name without dots, and no IPv6 address


def scrub(
    rules: ScrubRules, choice: Choice = STAFF_ALONE, *, dry_run: bool = False
) -> list[Change]:
    """Apply all the rules or none of them, and return what has changed.

    A dry run does the same and rolls it back. Raises ScrubRefused.
    """
    refuse_undecided(rules)
    if choice != STAFF_ALONE and rules.people is None:
        raise ScrubRefused(
            f"Nothing was changed. {rules.stated_in} does not say whose rows are people, so none"
            " of them can be kept."
        )
    try:
        with transaction.atomic():
            with people_chosen(rules.people, choice) if rules.people else nullcontext():
                changes = apply(rules)
            if not dry_run:
                renew_statistics()
            connection.check_constraints()  # now, and not at a commit that may never come
            transaction.set_rollback(dry_run)
    except LikeLive as error:
        raise ScrubRefused(
            f"Nothing was changed. A value invented for {error} is one that somebody has on live."
            " It is made from this site's SECRET_KEY: with another one, it is another."
        ) from error
    except Error as error:
        raise refused_by_database(error) from error
    return changes


def refused_by_database(error: Error, where: str = "") -> ScrubRefused:
    """Return the refusal for an error of the database, whose own message may quote a row."""
    kinds = dict.fromkeys((type(error).__name__, type(error.__cause__ or error).__name__))
    return ScrubRefused(
        f"Nothing was changed, because the database refused ({', '.join(kinds)}){where}. " + IN_USE
    )


def apply(rules: ScrubRules) -> list[Change]:
    """Apply the rules, in the transaction of scrub()."""
    changes = [*emptied_tables(rules)]
    for label, decision in reversed(rules.decisions.items()):
        try:
            changes += scrubbed(apps.get_model(label), decision, rules)
        except Error as error:
            where = f" what {rules.stated_in} says about {label}"
            raise refused_by_database(error, where) from error
        except FieldError as error:
            raise ScrubRefused(
                f"Nothing was changed. {rules.stated_in}, {label}: {error}."
            ) from error
    if rules.rebuild:
        rules.rebuild()
    return changes


def scrubbed(model: type[Model], decision: Decision, rules: ScrubRules) -> Iterator[Change]:
    """Apply the decision about one model. Raises ScrubRefused or LikeLive."""
    leaving = QuerySet(model).filter(decision.deleted_rows)
    refuse_dangling_rows(model, leaving, rules)
    # While all values of the live site are there to compare with.
    staying = QuerySet(model).filter(decision.replaced_rows).exclude(pk__in=leaving)
    counts = replace_values(staying, decision.replaced, decision.unlike_live.split())
    for column, count in counts.items():
        yield Change(f"{model._meta.label}.{column}", replaced=count)
    # Django returns None where it sees that no row can match.
    yield Change(model._meta.label, deleted=leaving._raw_delete(using=connection.alias) or 0)
    for column, (value, where) in decision.cleared.items():
        full = QuerySet(model).filter(where).exclude(**{column: value})
        yield Change(f"{model._meta.label}.{column}", cleared=full.update(**{column: value}))


def refuse_dangling_rows(model: type[Model], leaving: QuerySet, rules: ScrubRules) -> None:
    """Raise ScrubRefused if rows that stay point to rows that are about to be deleted."""
    for relation in model._meta.get_fields(include_parents=False, include_hidden=True):
        if isinstance(relation, ForeignObjectRel) and not relation.many_to_many:
            pointer = relation.field
            if pointer.model._meta.label in rules.elsewhere:
                continue  # no constraint holds between databases, and no query goes over both
            if QuerySet(pointer.model).filter(**{f"{pointer.name}__in": leaving}).exists():
                raise ScrubRefused(
                    f"Nothing was changed: rows of {pointer.model._meta.label} would stay whose "
                    f"{pointer.name} is a row of {model._meta.label} that is deleted. "
                    f"Decide about them in {rules.stated_in}. {IN_USE}"
                )


def emptied_tables(rules: ScrubRules) -> Iterator[Change]:
    """Empty the tables that the rules say are emptied, as far as they exist."""
    present = rules.emptied_tables.intersection(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in sorted(present):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
            yield Change(table, deleted=cursor.rowcount)


def refuse_undecided(rules: ScrubRules) -> None:
    """Raise ScrubRefused unless there is one decision about each table and column."""
    columns, tables = undecided_columns(rules), undecided_tables(rules)
    if problems := [
        *columns,
        *columns_without_field(rules),
        *tables,
    ]:
        lines = suggestions(columns, tables, rules.decisions)
        how = (
            "\nLines to paste, with the rows that are deleted in place of the dots (NO_ROW,"
            " EVERY_ROW or a Q), and with people's own columns in cleared or replaced instead of"
            " kept:\n"
        )
        raise ScrubRefused(
            f"Nothing was changed. {rules.stated_in} does not say what becomes of "
            f"{', '.join(problems)}.{how + lines if lines else ''}"
        )
    if unseen := tables_out_of_sight(rules):
        raise ScrubRefused(
            f"Nothing was changed. The scrub does not reach {', '.join(unseen)}, in another schema"
            " or a materialized view, which may hold what members have written. Drop it from this"
            f" copy, or name it in kept_tables, in {rules.stated_in}."
        )
    if wrong := [*misstatements(rules)]:
        raise ScrubRefused(f"Nothing was changed. {' '.join(wrong)}")
