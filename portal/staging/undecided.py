"""Columns and tables of the database that have no decision, and decisions that have no column."""

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import connection

from . import identity

# Tables in schemas that are not on the search path, and materialized views in any; those of an
# extension are its own.
OUT_OF_SIGHT = """
    SELECT CASE WHEN pg_table_is_visible(c.oid) THEN relname ELSE nspname || '.' || relname END
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE (relkind = 'm' OR relkind IN ('r', 'p', 'f') AND NOT pg_table_is_visible(c.oid))
        AND nspname <> 'information_schema' AND nspname !~ '^pg_'
        AND NOT EXISTS (
            SELECT FROM pg_depend
            WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e'
        )
"""

if TYPE_CHECKING:
    from .scrubbing import ScrubRules


def undecided_columns(rules: "ScrubRules") -> list[str]:
    """Columns without a decision, and decisions without a column, as app.Model.field (why)."""
    present, decided, wrong = set(), set(), set()
    for model in rules.models():
        label = model._meta.label
        decision = rules.decisions.get(label)
        if decision is None or decision.keeps_rows:  # a proxy has no columns
            present |= {f"{label}.{field.name}" for field in model._meta.local_concrete_fields}
    for label, decision in rules.decisions.items():
        try:
            apps.get_model(label)
        except LookupError:
            wrong.add(f"{label} (no such model)")
            continue
        kept, rebuilt = decision.kept.split(), decision.rebuilt.split()
        decided |= {
            f"{label}.{name}" for name in [*kept, *decision.cleared, *decision.replaced, *rebuilt]
        }
        others = {*decision.cleared, *decision.replaced, *rebuilt}
        wrong |= {f"{label}.{name} (kept or not)" for name in others.intersection(kept)}
    wrong |= {f"{name} (no column of rows that stay)" for name in decided - present}
    return sorted(wrong | (present - decided))


def columns_without_field(rules: "ScrubRules") -> list[str]:
    """Columns that the database has and the models have not, as table.column.

    The live site's release may be ahead: the rows that stay keep what is in such a column. Columns
    that PostgreSQL generates are not meant: they hold what others do.
    """
    found = []
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
        for model in rules.models():
            table, decision = model._meta.db_table, rules.decisions.get(model._meta.label)
            is_emptied = decision is not None and not decision.keeps_rows
            if model._meta.proxy or table not in present or is_emptied:
                continue
            known = {field.column for field in model._meta.local_concrete_fields}
            known |= derived_columns(cursor, table)
            found += [f"{table}.{name}" for name in column_names(cursor, table) - known]
    return sorted(found)


def column_names(cursor, table: str) -> set[str]:
    """Return the columns of a table, without what get_table_description() reads of each."""
    cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} LIMIT 0")  # noqa: S608
    return {column[0] for column in cursor.description}


def derived_columns(cursor, table: str) -> set[str]:
    """Return the columns that PostgreSQL makes of others of the row, which have the decisions."""
    if connection.vendor != "postgresql":
        return set()
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attgenerated <> ''",
        [connection.ops.quote_name(table)],
    )
    return {name for (name,) in cursor.fetchall()}


def undecided_tables(rules: "ScrubRules") -> list[str]:
    """Tables of the database that belong to no model and have no decision."""
    of_models = {model._meta.db_table for model in rules.models()}
    known = of_models | rules.kept_tables | rules.emptied_tables | {identity.TABLE}
    return sorted(set(connection.introspection.table_names()) - known)


def tables_out_of_sight(rules: "ScrubRules") -> list[str]:
    """Tables and materialized views that no query of the scrub reaches, unless they may stay."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(OUT_OF_SIGHT)
        return sorted({name for (name,) in cursor.fetchall()} - rules.kept_tables)
