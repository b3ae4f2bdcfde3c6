from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connections, router

DELETED_AT_ONCE = 1_000  # expired entries; after an attack, no log-in waits for all of them


class SharedCache(DatabaseCache):
    """Django's cache in a PostgreSQL table, in which the counters of the throttle are safe.

    Django's own cache evicts entries that have not expired: enough requests by anonymous clients
    would reset the throttle. Here an entry lasts until it expires. The table is limited all the
    same: entries last an hour at most (ACCOUNT_RATE_LIMITS), the throttle itself limits how many a
    client can cause, and with more than MAX_ENTRIES each write deletes expired ones, so no job has
    to.
    """

    def _cull(self, db, cursor, now, num):
        """Delete only expired entries, without waiting for other processes that do the same."""
        table = connections[db].ops.quote_name(self._table)
        cursor.execute(
            f"DELETE FROM {table} WHERE cache_key IN (SELECT cache_key FROM {table}"  # noqa: S608
            " WHERE expires < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
            [now, DELETED_AT_ONCE],
        )

    def _base_set(self, mode, key, value, timeout=DEFAULT_TIMEOUT):
        """Write an entry; raise OperationalError if the database is read-only.

        Django treats a write that fails as one that another process was faster with. The throttle
        would take that for an attempt too many, and refuse the log-in.
        """
        is_set = super()._base_set(mode, key, value, timeout)
        if not is_set and self.is_read_only():
            raise OperationalError("The database takes no changes, so nothing is cached.")
        return is_set

    def is_read_only(self) -> bool:
        """Return True if the database is read-only, as a standby is."""
        with connections[router.db_for_write(self.cache_model_class)].cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            return cursor.fetchone()[0] == "on"
