"""PostgreSQL's statistics for its planner: they hold values of rows, also of deleted ones.

Names and addresses that are frequent, or lie at even distances, stand in pg_stats until a table is
analysed again; of an empty table, even after that.
"""

from django.db import connection

CLEAR = """
    SELECT pg_clear_attribute_stats(
        schemaname::text, tablename::text, attname::text, inherited
    )
    FROM pg_stats WHERE schemaname = ANY (current_schemas(false))
"""
CLEARS_SINCE = 180_000  # PostgreSQL 18; on an older server, those of empty tables stay


def renew_statistics() -> None:
    """Replace the statistics by those of the rows that are there, in the current transaction.

    The planner then also knows at once that most rows were deleted.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        if connection.pg_version >= CLEARS_SINCE:
            cursor.execute(CLEAR)
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"ANALYZE {connection.ops.quote_name(table)}")
