"""Django's PostgreSQL backend, with a limit to how long a request waits for an answer.

A database that has stopped answering but keeps its connections open (its host is frozen, a query
waits for a lock) would block a thread of gunicorn permanently: neither Django nor gunicorn limits
that wait, and a statement_timeout needs a server that still works. Commands, such as a migration
that builds an index, wait without a limit. middleware.py marks the requests.
"""

import contextlib
from types import SimpleNamespace
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from .middleware import is_limited

CANCEL_SECONDS = 1


class BoundedConnection(psycopg.Connection):
    """A connection on which a request waits at most `answer_seconds` for each answer."""

    answer_seconds = None  # no limit

    def wait(self, gen, *args, timeout=None, **kwargs):
        """Wait as psycopg does, and close the connection if no answer comes in time."""
        if timeout is None and is_limited():
            timeout = self.answer_seconds
        try:
            return super().wait(gen, *args, timeout=timeout, **kwargs)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise  # the server did answer: with an error
            self.give_up()
            raise psycopg.OperationalError(
                f"PostgreSQL did not answer within {timeout} seconds"
            ) from error

    def give_up(self):
        """Close the connection, after asking the server to stop the query that nobody reads."""
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL with one more entry in OPTIONS: `answer_timeout`, in seconds.

    DATABASE_URL may set it (...?answer_timeout=10); Environment.database() has the default.
    """

    # Django uses this as the module psycopg: its exceptions, and connect().
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})

    def get_connection_params(self):
        params = super().get_connection_params()
        params.pop("answer_timeout", None)
        return params

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if seconds := self.settings_dict["OPTIONS"].get("answer_timeout"):
            connection.answer_seconds = float(seconds)
        return connection

    def chunked_cursor(self):
        """Return a cursor on the server; in a request, only within a transaction.

        A pool such as pgbouncer lends a connection for one transaction, and would ask another one
        for the rows after the first. Libraries read so, too, as allauth does at a log-in.
        """
        if is_limited() and not self.in_atomic_block:
            return self.cursor()
        return super().chunked_cursor()
