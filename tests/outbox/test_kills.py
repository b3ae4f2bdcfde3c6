"""A sender that is killed at any moment loses nothing: catalogue E4; `make kills` has 20."""

import os
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django.core.mail import send_mail
from django.db import connection

from portal.outbox.models import OutgoingMessage
from tests.support.dyno import eventually
from tests.support.mail_server import MailServer

ROOT = Path(__file__).parents[2]
# What the server does, and the event at which the sender is killed.
MOMENTS = [
    ("accept", "accepted"), ("accept", "text"), ("refuse", "rcpt"), ("hang", "connect"),
    ("accept", "accepted"), ("accept", "connect"), ("reset", "connect"), ("hang at text", "text"),
    ("accept", "mail"), ("accept", "rcpt"), ("busy", "connect"), ("accept", "accepted"),
    ("refuse", "mail"), ("accept", "text"), ("hang", "connect"), ("accept", "accepted"),
    ("accept", "rcpt"), ("hang at text", "text"), ("accept", "mail"), ("accept", "accepted"),
]  # fmt: skip
KILLS = int(os.environ.get("KILLS", "4"))
# More than there are kills, so that none is killed twice while the server has its text: it would
# be left to the staff, as nobody could know whether it has arrived.
ADDRESSES = [f"{number}@example.org" for number in range(24)]
RECOVERY_SECONDS = 60


@pytest.fixture
def environment(transactional_db, tmp_path):
    """The variables of a sender that reaches the test's database and mail server."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        pytest.skip(
            "needs a database that processes share: python -m tests.support.with_postgresql ..."
        )
    parameters = connection.get_connection_params()
    host = str(parameters["host"]).replace("/", "%2F")
    return os.environ | {
        "DATABASE_URL": f"postgres://{database['USER']}@{host}/{database['NAME']}",
        "SECRET_KEY": settings.SECRET_KEY,
    }


@contextmanager
def sender(environment, server):
    """A sender's process; killed at the latest with the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.sender_process"],
        cwd=ROOT,
        env=environment | {"EMAIL_URL": f"smtp://127.0.0.1:{server.port}"},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def kill_at(event, environment, server) -> None:
    """Run a sender until the server sees the event."""
    reached = threading.Event()

    with sender(environment, server) as process:

        def kill(seen):
            if seen == event and not reached.is_set():
                process.kill()
                process.wait()
                reached.set()

        server.on_event = kill
        assert reached.wait(RECOVERY_SECONDS), f"no {event} while the server is to {server.mode}"
        server.on_event = lambda event: None


@pytest.mark.whole
def test_a_killed_sender_loses_nothing_and_repeats_at_most_once(environment, settings):
    """E4: the server refuses, hangs and recovers meanwhile."""
    settings.OUTBOX_AT_ONCE = False
    for address in ADDRESSES:
        send_mail("Hello", "How are you?", None, [address])
    ids = dict(OutgoingMessage.objects.values_list("to", "message_id"))

    with MailServer() as server:
        for mode, event in MOMENTS[:KILLS]:
            server.mode = mode
            kill_at(event, environment, server)
        server.mode = "accept"
        with sender(environment, server):
            assert eventually(are_all_sent, RECOVERY_SECONDS), states()

    copies = Counter(server.recipients)
    assert set(copies) == set(ADDRESSES)
    assert max(copies.values()) <= 2
    deaths_after_acceptance = [event for _, event in MOMENTS[:KILLS]].count("accepted")
    deaths_in_between = [event for _, event in MOMENTS[:KILLS]].count("text")
    assert copies.total() <= len(ADDRESSES) + deaths_after_acceptance + deaths_in_between
    assert copies.total() > len(ADDRESSES), "no kill came between an acceptance and its commit"
    for accepted in server.accepted:
        assert accepted.message_id == ids[accepted.to]


def are_all_sent() -> bool:
    return not OutgoingMessage.objects.exclude(state="sent").exists()


def states() -> list:
    return list(OutgoingMessage.objects.values_list("to", "state", "attempts", "last_error"))
