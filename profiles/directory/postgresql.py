"""PostgreSQL's index for parts of words. SQLite does without, and gives the same answers."""

from django.contrib.postgres.operations import TrigramExtension
from django.core.management.base import CommandError
from django.db import DatabaseError
from django.db.migrations.operations import RunSQL

DBA_LINE = "CREATE EXTENSION pg_trgm;"


class Trigrams(TrigramExtension):
    """Create pg_trgm, or say who can."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except DatabaseError as error:
            database = schema_editor.connection.settings_dict["NAME"]
            raise CommandError(
                f"PostgreSQL did not create its extension pg_trgm, which the search needs: {error}"
                f"Nothing was changed. Run this as a user who may (the owner of the database, or a"
                f' superuser), connected to the database "{database}", and then migrate again:\n\n'
                f"    {DBA_LINE}\n"
            ) from error

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        """Leave the extension: others may use it."""


class TrigramIndex(RunSQL):
    """A GIN index on a column of folded text, on PostgreSQL alone.

    It serves LIKE '%word%'. A GinIndex in Meta.indexes would be a B-tree on SQLite. "fastupdate"
    would leave what was added lately in a list that each search reads from end to end; profiles
    are searched more often than saved.
    """

    def __init__(self, table: str, column: str):
        self.table, self.column = table, column
        name = f"{table}_{column}_trgm"
        super().__init__(
            f"CREATE INDEX {name} ON {table} USING gin ({column} gin_trgm_ops)"
            " WITH (fastupdate = off)",
            f"DROP INDEX {name}",
        )

    def deconstruct(self):
        return type(self).__name__, [self.table, self.column], {}

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
