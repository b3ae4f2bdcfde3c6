"""Django's PostgreSQL backend, with a limit to how long a request waits for an answer.

A database that has stopped answering without hanging up (its host is frozen, a query waits for a
lock) would hold a thread of gunicorn's for good: neither Django nor gunicorn's threads give up by
themselves, and a statement_timeout is the frozen server's own to keep. Commands, such as a
migration that builds an index, wait as long as it takes.
"""

import contextlib
from types import SimpleNamespace

import psycopg
from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from portal.observability import timing

CANCEL_SECONDS = 1


class BoundedConnection(psycopg.Connection):
    """A connection on which a request waits `answer_seconds` for each answer; None: for good."""

    answer_seconds = None

    def wait(self, gen, *args, timeout=None, **kwargs):
        """Wait for what psycopg waits for; gives the connection up if nothing comes in time."""
        if timeout is None and timing.current():
            timeout = self.answer_seconds
        try:
            return super().wait(gen, *args, timeout=timeout, **kwargs)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise  # an answer, and a bad one
            self.give_up()
            raise psycopg.OperationalError(
                f"PostgreSQL did not answer within {timeout} seconds"
            ) from error

    def give_up(self):
        """Close the connection, after asking the server not to go on for nobody's sake."""
        with contextlib.suppress(psycopg.Error):
            self.cancel_safe(timeout=CANCEL_SECONDS)
        self.close()


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL with one more of OPTIONS: `answer_timeout`, in seconds.

    Environment.database() sets it, where DATABASE_URL does not: ...?answer_timeout=10
    """

    # What Django asks of the module psycopg: its exceptions, and connections.
    Database = SimpleNamespace(**vars(psycopg) | {"connect": BoundedConnection.connect})

    def get_connection_params(self):
        params = super().get_connection_params()
        params.pop("answer_timeout", None)
        return params

    def get_new_connection(self, conn_params):
        connection = super().get_new_connection(conn_params)
        if seconds := self.settings_dict["OPTIONS"].get("answer_timeout"):
            connection.answer_seconds = float(seconds)
        return connection
