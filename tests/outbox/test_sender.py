"""The sender's thread: the processes that start it, what wakes it, and how it ends."""

import contextlib
import os
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.mail import send_mail
from django.db import DatabaseError, connection

from portal.outbox import delivery, sender
from portal.outbox.models import OutgoingMessage
from portal.outbox.sender import Sender, announce_on_commit
from portal.postgresql.middleware import is_limited
from tests.support.dyno import Visitor, Web, eventually, procfile, run
from tests.support.mail_server import MailServer

ROOT = Path(__file__).parents[2]
ADDRESSES = [f"{number}@example.org" for number in range(12)]
EXIT_SECONDS = 25  # of the 30 that a host grants
EMAIL = "ada@example.org"


@pytest.fixture
def senders():
    """Senders of this test, all of which end with it."""
    senders = [Sender() for _ in range(3)]
    yield senders
    for each in senders:
        each.stop()
        if each.ident:
            each.join()


@pytest.fixture
def no_sender(monkeypatch):
    """This process has not started its sender yet; one that the test starts is stopped."""
    monkeypatch.setattr(sender, "_sender", None)
    yield
    sender.stop()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_senders_send_each_message_once(mail_server, senders):
    """E4."""
    if connection.vendor == "sqlite":
        pytest.skip("a database in memory, as tests have it, is for one thread")
    for address in ADDRESSES:
        send_mail("Hello", "How are you?", None, [address])

    for each in senders:
        each.start()
    done = eventually(lambda: OutgoingMessage.objects.filter(state="sent").count() == 12, 20)

    assert done
    assert Counter(mail_server.recipients) == Counter(ADDRESSES)


@pytest.mark.django_db(transaction=True)
def test_a_commit_wakes_the_sender_of_its_process(mail_server, monkeypatch, no_sender):
    monkeypatch.setattr(sender, "POLL_SECONDS", 600)
    monkeypatch.setattr(sender, "announce_on_commit", sender.announce)
    monkeypatch.setattr(Sender, "deliver", lambda self: delivered.release())
    delivered = threading.Semaphore(0)
    sender.start()
    assert delivered.acquire(timeout=10)  # what it does first, at the start

    send_mail("Hello", "How are you?", None, ADDRESSES[:1])

    assert delivered.acquire(timeout=10)


@pytest.mark.parametrize("error", [DatabaseError("away"), RuntimeError("ours")])
def test_a_sender_survives_what_a_delivery_raises(monkeypatch, senders, error):
    monkeypatch.setattr(sender, "POLL_SECONDS", 0.01)
    passes = threading.Semaphore(0)

    def fail(stopping):
        passes.release()
        raise error

    monkeypatch.setattr(delivery, "deliver_due", fail)
    senders[0].start()

    assert all(passes.acquire(timeout=10) for _ in range(3))
    assert senders[0].is_alive()


def test_an_outage_is_logged_when_it_begins_and_an_error_of_the_sites_each_time(
    monkeypatch, caplog
):
    """With bounded queries, and without a connection that is left open until the next pass."""
    away, ours = DatabaseError("away"), RuntimeError("ours")
    results, limited, closed = [away, away, None, away, ours, None], [], []

    def deliver(stopping):
        limited.append(is_limited())
        if error := results.pop(0):
            raise error

    monkeypatch.setattr(delivery, "deliver_due", deliver)
    monkeypatch.setattr(sender.connections, "close_all", lambda: closed.append("closed"))
    lines, delivering = [], Sender()

    while results:
        caplog.clear()
        delivering.deliver()
        lines.append([(record.levelname, record.getMessage()) for record in caplog.records])

    outage = [("WARNING", "The outbox cannot be read: DatabaseError")]
    error = [("ERROR", "The outbox could not be delivered")]
    assert lines == [outage, [], [], outage, error, []]
    assert limited == [True] * 6
    assert closed == ["closed"] * 6
    assert not is_limited()


def test_a_process_has_one_sender_and_a_fork_has_its_own(mail_server, monkeypatch, no_sender):
    monkeypatch.setattr(Sender, "deliver", lambda self: None)

    sender.start()
    first = sender._sender
    sender.start()
    again = sender._sender
    monkeypatch.setattr(os, "getpid", lambda: first.pid + 1)
    sender.start()
    forked = sender._sender
    monkeypatch.undo()
    first.stop()
    forked.stop()

    assert first is again
    assert forked is not first
    assert (first.name, first.daemon) == ("outbox", True), "it keeps no process from ending"


def test_of_two_requests_at_once_the_later_starts_no_second_sender(
    mail_server, monkeypatch, no_sender
):
    other = Sender()

    @contextlib.contextmanager
    def held_by_another():
        monkeypatch.setattr(sender, "_sender", other)
        yield

    monkeypatch.setattr(sender, "_starting", held_by_another())
    sender.start()

    assert sender._sender is other
    monkeypatch.setattr(sender, "_sender", None)


def test_a_fork_leaves_the_sender_of_its_parent_alone(monkeypatch, settings, no_sender):
    """gunicorn's workers inherit the variable, but not the thread."""
    settings.OUTBOX_AT_ONCE, joined = False, []
    inherited = Sender()
    monkeypatch.setattr(inherited, "join", joined.append)
    monkeypatch.setattr(sender, "_sender", inherited)

    with monkeypatch.context() as forked:
        forked.setattr(os, "getpid", lambda: inherited.pid + 1)
        sender.announce()
        sender.stop()
    assert (inherited.woken.is_set(), inherited.stopping.is_set(), joined) == (False, False, [])

    sender.announce()
    assert (inherited.woken.is_set(), inherited.stopping.is_set()) == (True, False)
    sender.stop()
    assert (inherited.stopping.is_set(), joined) == (True, [sender.STOP_SECONDS])


class Noted:
    """A sender that notes what is done with it."""

    def __init__(self, pid):
        self.pid, self.done = pid, []
        self.woken = SimpleNamespace(set=lambda: self.done.append("wake"))

    def stop(self):
        self.done.append("stop")

    def join(self, seconds):
        self.done.append(("join", seconds))


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("is_own", [True, False, None])
def test_only_the_sender_of_this_process_is_woken_and_stopped(
    monkeypatch, settings, is_own, at_once
):
    """A fork has that of its parent, whose thread is not there."""
    settings.OUTBOX_AT_ONCE, delivered = at_once, []
    noted = Noted(os.getpid() if is_own else os.getpid() + 1)
    monkeypatch.setattr(sender, "_sender", noted if is_own is not None else None)
    monkeypatch.setattr(delivery, "deliver_due", lambda: delivered.append(True))

    sender.announce()
    sender.stop()

    woken = ["wake"] if not at_once else []
    assert noted.done == ([*woken, "stop", ("join", 10)] if is_own else [])
    assert delivered == [True] * at_once


@pytest.mark.django_db(transaction=True)
def test_an_error_after_the_commit_does_not_fail_the_request(monkeypatch):
    """On a laptop, where a message is sent at once: the change and its message are saved."""

    def fail():
        raise RuntimeError("ours")

    monkeypatch.setattr(sender, "announce", fail)

    announce_on_commit()


@pytest.mark.parametrize(
    ("name", "value"),
    [("OUTBOX_IN_WEB", False), ("OUTBOX_AT_ONCE", True), ("OUTBOX_BACKEND", None)],
)
def test_no_sender_starts_where_it_has_nothing_to_do(mail_server, settings, no_sender, name, value):
    setattr(settings, name, value)

    sender.start()

    assert sender._sender is None


@pytest.fixture
def site(tmp_path):
    """The environment of a site on this machine, with one member, and its mail server."""
    with MailServer() as server:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
            "MEDIA_ROOT": str(tmp_path),
            "STATIC_ROOT": str(tmp_path / "static"),
            "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "DEBUG": "off",
            "WEB_CONCURRENCY": "2",
        }
        member = f"from profiles.models import User; User.objects.create_user('{EMAIL}', 'x')"
        made = run(
            "python manage.py migrate --no-input -v 0 && python manage.py collectstatic --no-input"
            f' -v 0 && python manage.py shell -v 0 -c "{member}"',
            ROOT,
            environment,
        )
        assert made.returncode == 0, made.stdout
        yield server, environment


@pytest.mark.whole
@pytest.mark.any_database
def test_one_dyno_is_enough_and_stops_in_time(site, tmp_path):
    """E4: gunicorn's workers deliver; SIGTERM is obeyed while the mail server hangs."""
    server, environment = site
    waiting = threading.Event()

    with Web(procfile(ROOT)["web"], ROOT, environment, tmp_path / "log") as web:
        assert web.serves(), web.said()
        visitor = Visitor(web.port, "localhost")
        assert visitor.post("/accounts/password/reset/", email=EMAIL).status == 302
        assert eventually(lambda: server.recipients == [EMAIL], 20), web.said()

        server.mode = "hang"
        server.on_event = lambda event: waiting.set()
        assert visitor.post("/accounts/password/reset/", email=EMAIL).status == 302
        assert waiting.wait(20), web.said()
        visitor.connection.close()
        web.signal(signal.SIGTERM)
        assert eventually(web.has_ended, EXIT_SECONDS), web.said()
        assert web.process.returncode == 0, web.said()


@pytest.mark.whole
@pytest.mark.any_database
def test_a_worker_process_delivers_and_ends_with_sigterm(site, tmp_path):
    server, environment = site
    asked = run(
        'python manage.py shell -v 0 -c "from portal.accounts.messages import ask_for_reset;'
        f" ask_for_reset('{EMAIL}', 'http://localhost')\"",
        ROOT,
        environment,
    )
    assert asked.returncode == 0, asked.stdout

    with Web(procfile(ROOT)["worker"], ROOT, environment, tmp_path / "log") as worker:
        assert eventually(lambda: server.recipients == [EMAIL], 30), worker.said()
        worker.signal(signal.SIGTERM)
        assert eventually(worker.has_ended, EXIT_SECONDS), worker.said()
        assert worker.process.returncode == 0, worker.said()


@pytest.mark.whole
@pytest.mark.any_database
def test_a_laptop_prints_messages_at_once(site):
    """make run, without EMAIL_URL: before the command that writes the message has ended."""
    _, environment = site
    del environment["EMAIL_URL"]

    asked = run(
        'python manage.py shell -v 0 -c "from portal.accounts.messages import ask_for_reset;'
        f" ask_for_reset('{EMAIL}', 'http://localhost')\"",
        ROOT,
        environment,
    )

    assert "http://localhost/accounts/password/reset/key/" in asked.stdout
