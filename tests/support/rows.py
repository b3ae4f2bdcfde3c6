"""The database as text, for tests about what may be in it."""

import io

from django.core.management import call_command
from django.db import connection


def scrub_members(**options) -> str:
    """Run the command, and return what it printed."""
    out = io.StringIO()
    call_command("scrub_members", stdout=out, **options)
    return out.getvalue()


def whole_database() -> str:
    """Every row of every table, whether or not it belongs to a model, as text."""
    lines = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            lines += [f"{table} {row}" for row in cursor.fetchall()]
    return "\n".join(lines)
