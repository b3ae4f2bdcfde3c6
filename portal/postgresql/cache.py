from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connections, router

DELETED_AT_ONCE = 1_000  # expired entries, so that no log-in waits for all that an attack has left


class SharedCache(DatabaseCache):
    """Django's cache in a table, on PostgreSQL, fit to hold the counters of the log-in throttle.

    Django's own evicts entries that still count, whoever wrote them: enough requests by anonymous
    clients would reset the throttle. Here an entry lasts until it expires. The table is bounded
    all the same: entries last five minutes at most, each client is limited in how many it can
    cause by the very limits that they count, and expired ones are deleted by the writes that
    follow as soon as there are more than MAX_ENTRIES, so that no job has to.
    """

    def _cull(self, db, cursor, now, num):
        """Delete expired entries alone, without waiting for other processes that do the same."""
        table = connections[db].ops.quote_name(self._table)
        cursor.execute(
            f"DELETE FROM {table} WHERE cache_key IN (SELECT cache_key FROM {table}"  # noqa: S608
            " WHERE expires < %s LIMIT %s FOR UPDATE SKIP LOCKED)",
            [now, DELETED_AT_ONCE],
        )

    def _base_set(self, mode, key, value, timeout=DEFAULT_TIMEOUT):
        """Write an entry; raise OperationalError if the database takes no changes.

        Django treats every write that fails as a race that another process has won. The log-in
        throttle would count that as one attempt too many, and turn the member away.
        """
        is_set = super()._base_set(mode, key, value, timeout)
        if not is_set and self.is_read_only():
            raise OperationalError("The database takes no changes, so nothing is cached.")
        return is_set

    def is_read_only(self) -> bool:
        """Return True if the database takes no changes, as a standby does."""
        with connections[router.db_for_write(self.cache_model_class)].cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            return cursor.fetchone()[0] == "on"
