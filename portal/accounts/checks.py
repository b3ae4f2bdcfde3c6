"""A system check of accounts. It reads the database, so it needs the option --database."""

from django.core import checks
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from .verified_address import users_without_verified_address

MOST_PKS_NAMED = 20


@checks.register(checks.Tags.database)
def users_have_verified_addresses(app_configs, databases=None, **kwargs):
    """Warn of users who cannot change their address, or could log in with a former one.

    It is not an error, because `migrate` runs this check and would refuse to start.
    """
    return [
        warning
        for alias in databases or []
        if is_migrated(connections[alias])
        and (warning := warning_about(list(users_without_verified_address(alias))))
    ]


def is_migrated(connection) -> bool:
    """Return True if no migration is left to apply; one of them may correct the rows."""
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def warning_about(pks: list[int]) -> checks.Warning | None:
    """Return the warning about these users; None if there are none."""
    if not pks:
        return None
    named = ", ".join(map(str, pks[:MOST_PKS_NAMED])) + ", ..." * (len(pks) > MOST_PKS_NAMED)
    return checks.Warning(
        f"Users without a verified e-mail address of their own: {len(pks)} (pk {named}).",
        hint="Save each of them in the admin (with an address, if the member has none), or call"
        " save() in a shell: that makes the address. bulk_create(), update() and raw SQL do not.",
        id="accounts.W001",
    )
