from django.db import connection


def release_connection() -> None:
    """Close the thread's database connection before work that takes long and does not need it.

    The next query opens another. Within a transaction nothing is closed.
    """
    if not connection.in_atomic_block:
        connection.close()
