"""The sender: one thread in each process that serves, which delivers what is in the outbox.

It starts after the fork (gunicorn.conf.py, or the process's first request), is woken by this
process's own commits, and looks by itself for what other processes have written.
"""

import logging
import os
import threading

from django.conf import settings
from django.db import DatabaseError, connections, transaction

from portal.postgresql.middleware import limited_waits

from . import delivery

logger = logging.getLogger(__name__)

POLL_SECONDS = 10
ANSWER_FIRST_SECONDS = 0.2  # the request that has woken the sender is answered meanwhile
STOP_SECONDS = 10  # of gunicorn's graceful_timeout


class Sender(threading.Thread):
    """Delivers until it is stopped, and survives whatever a delivery raises."""

    def __init__(self):
        super().__init__(name="outbox", daemon=True)
        self.pid = os.getpid()
        self.woken, self.stopping = threading.Event(), threading.Event()
        self.is_outage = False

    def run(self):
        while not self.stopping.is_set():
            self.woken.clear()
            self.deliver()
            if self.woken.wait(POLL_SECONDS):
                self.stopping.wait(ANSWER_FIRST_SECONDS)

    def deliver(self):
        """Deliver what is due, and keep no connection to the database for the time after."""
        try:
            with limited_waits():
                delivery.deliver_due(self.stopping.is_set)
            self.is_outage = False
        except DatabaseError as error:
            if not self.is_outage:
                logger.warning("The outbox cannot be read: %s", type(error).__name__)
            self.is_outage = True
        except Exception:
            logger.exception("The outbox could not be delivered")
        finally:
            connections.close_all()

    def stop(self):
        """Have it end after the message that it is sending."""
        self.stopping.set()
        self.woken.set()


_sender: Sender | None = None
_starting = threading.Lock()


def start() -> None:
    """Start this process's sender, unless it has one or is to have none."""
    global _sender
    if _sender and _sender.pid == os.getpid():
        return
    if settings.OUTBOX_BACKEND is None or settings.OUTBOX_AT_ONCE or not settings.OUTBOX_IN_WEB:
        return
    with _starting:
        if not _sender or _sender.pid != os.getpid():
            _sender = Sender()
            _sender.start()


def stop() -> None:
    """Stop this process's sender; a message that takes longer is sent again after its lease."""
    if _sender and _sender.pid == os.getpid():
        _sender.stop()
        _sender.join(STOP_SECONDS)


def announce_on_commit() -> None:
    transaction.on_commit(announce, robust=True)


def announce() -> None:
    """Tell this process's sender that a message has been committed, or deliver it at once."""
    if settings.OUTBOX_AT_ONCE:
        delivery.deliver_due()
    elif _sender and _sender.pid == os.getpid():
        _sender.woken.set()
