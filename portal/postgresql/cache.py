from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connections, router


class SharedCache(DatabaseCache):
    """Django's cache in a table, with an error when the database is read-only.

    Django treats every write that fails as a race that another process has won. The log-in
    throttle would count that as one attempt too many, and turn the member away.
    """

    def _base_set(self, mode, key, value, timeout=DEFAULT_TIMEOUT):
        is_set = super()._base_set(mode, key, value, timeout)
        if not is_set and self.is_read_only():
            raise OperationalError("The database takes no changes, so nothing is cached.")
        return is_set

    def is_read_only(self) -> bool:
        """Return True if the database takes no changes, as a standby does."""
        with connections[router.db_for_write(self.cache_model_class)].cursor() as cursor:
            cursor.execute("SHOW transaction_read_only")
            return cursor.fetchone()[0] == "on"
