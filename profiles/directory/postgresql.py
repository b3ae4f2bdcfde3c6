"""PostgreSQL's indexes for words and parts of them. SQLite gives the same answers without any."""

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


class RunPostgresql(RunSQL):
    """SQL for PostgreSQL alone."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        if schema_editor.connection.vendor == "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class WordsIndex(RunPostgresql):
    """The words of a WordsField as a column of PostgreSQL's own, with a GIN index.

    The words are taken as they are, between spaces: to_tsvector() would split "c++" and "3d" by
    rules of its own. Without positions, since nothing is ranked by them.
    """

    def __init__(self, table: str, column: str):
        self.table, self.column = table, column
        vector = f"{column}_vector"
        super().__init__(
            f"ALTER TABLE {table} ADD COLUMN {vector} tsvector GENERATED ALWAYS AS"
            f" (array_to_tsvector(string_to_array(btrim({column}, ' '), ' '))) STORED;"
            f"CREATE INDEX {table}_{vector} ON {table} USING gin ({vector})"
            " WITH (fastupdate = off)",
            f"ALTER TABLE {table} DROP COLUMN {vector}",
        )

    def deconstruct(self):
        return type(self).__name__, [self.table, self.column], {}


class TrigramIndex(RunPostgresql):
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
