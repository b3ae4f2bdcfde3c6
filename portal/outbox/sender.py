"""The sender: a thread in each process that serves requests, which delivers the outbox.

It starts after the fork (gunicorn.conf.py, or the process's first request). This process's commits
wake it; for messages of other processes it looks every POLL_SECONDS.
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
ANSWER_FIRST_SECONDS = 0.2  # in which the request that has woken the sender is answered
STOP_SECONDS = 10  # less than gunicorn's graceful_timeout


class Sender(threading.Thread):
    """Delivers until it is stopped, whatever exceptions a delivery raises."""

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
        """Deliver what is due, then close the connection to the database."""
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
        """Make the thread end after the message that it is sending."""
        self.stopping.set()
        self.woken.set()


_sender: Sender | None = None
_starting = threading.Lock()


def start() -> None:
    """Start this process's sender, unless it is running or the settings forbid it."""
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
    """Call announce() once the open transaction is committed."""
    transaction.on_commit(announce, robust=True)


def announce() -> None:
    """Tell this process's sender that a message has been committed, or deliver it at once."""
    if settings.OUTBOX_AT_ONCE:
        delivery.deliver_due()
    elif _sender and _sender.pid == os.getpid():
        _sender.woken.set()
