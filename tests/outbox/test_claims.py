"""Claims of messages by several senders, of which any may end at any moment: catalogue E4."""

from datetime import timedelta

import pytest
from django.db import OperationalError

from portal.outbox import delivery, smtp
from portal.outbox.composers import COMPOSERS
from portal.outbox.delivery import deliver_due
from portal.outbox.models import OutgoingMessage, OutgoingMessageQuerySet
from portal.outbox.queue import enqueue

from .test_delivery import FOUR, State, states, write

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_a_message_that_is_being_sent_is_nobody_elses_for_a_while(clock, settings):
    """Another process looks into the same table; the lease is for one that ended meanwhile."""
    settings.OUTBOX_AT_ONCE = False
    write(FOUR[0])

    assert delivery.claim().to == FOUR[0]
    assert delivery.claim() is None

    clock.move(minutes=6)
    assert delivery.claim().to == FOUR[0]


@pytest.mark.parametrize(
    ("meanwhile", "is_claimed"),
    [
        ({}, True),
        ({"state": State.SENDING}, True),  # its sender has died
        ({"state": State.SENT}, False),
        ({"state": State.FAILED}, False),
        ({"attempts": 1}, False),
        ({"due_at": "later"}, False),
    ],
    ids=["nothing", "died", "sent", "failed", "claimed", "postponed"],
)
def test_a_message_is_claimed_only_as_it_was_when_it_was_found(
    clock, settings, monkeypatch, meanwhile, is_claimed
):
    """Of several senders one is faster; the others look for another message."""
    settings.OUTBOX_AT_ONCE = False
    write(FOUR[0])
    update, changes = OutgoingMessageQuerySet.update, [meanwhile] if meanwhile else []
    later = clock() + timedelta(minutes=1)

    def change_first(rows, **fields):
        for change in [changes.pop() for _ in changes]:
            change |= {"due_at": later} if "due_at" in change else {}
            update(OutgoingMessage.objects.all(), **change)
        return update(rows, **fields)

    monkeypatch.setattr(OutgoingMessageQuerySet, "update", change_first)

    claimed = delivery.claim()

    assert bool(claimed) is is_claimed
    if claimed:
        row = OutgoingMessage.objects.get()
        assert (row.state, row.attempts, claimed.attempts) == (State.SENDING, 1, 1)
        assert abs(row.due_at - clock() - delivery.LEASE) < timedelta(seconds=30)


def test_messages_that_were_sent_keep_no_other_waiting(mail_server):
    for _ in range(delivery.CANDIDATES):
        write(FOUR[0])
    deliver_due()

    write(FOUR[1])
    deliver_due()

    assert mail_server.recipients == FOUR[:1] * delivery.CANDIDATES + FOUR[1:2]


@pytest.mark.parametrize("lost", ["another has claimed it", "another may claim it by now"])
def test_a_lost_lease_sends_nothing(mail_server, clock, monkeypatch, lost):
    """Another sender has claimed the message while this one was waiting for the server."""
    write(FOUR[0])

    def take_over(event):
        if event == "rcpt":
            mail_server.taken_over = True

    mail_server.on_event = take_over
    send = smtp.EmailBackend.send_messages

    def claimed_meanwhile(self, messages):
        if lost == "another has claimed it":
            OutgoingMessage.objects.update(attempts=7)
        else:
            clock.move(minutes=6)
            monkeypatch.setattr(delivery, "claim", lambda: None)
        return send(self, messages)

    monkeypatch.setattr(smtp.EmailBackend, "send_messages", claimed_meanwhile)
    cut, ended = smtp.EmailBackend.cut, []

    def note_cut(self):
        ended.append("cut")
        cut(self)

    monkeypatch.setattr(smtp.EmailBackend, "cut", note_cut)

    outcomes = deliver_due()

    assert outcomes == {delivery.LOST: 1}
    assert mail_server.taken_over
    assert mail_server.accepted == []
    assert ended == ["cut"], "in the middle of a message, its connection is of no use"


def test_a_message_is_handed_over_twice_at_most(mail_server, clock, monkeypatch):
    """The process has ended between the server's acceptance and the commit, twice."""
    write(FOUR[0])

    def die(*args, **fields):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(delivery, "record", die)
        for _ in range(2):
            with pytest.raises(SystemExit):
                deliver_due()
            deliver_due()  # the lease holds
            clock.move(minutes=6)
    deliver_due()

    assert mail_server.recipients == FOUR[:1] * 2
    assert len({accepted.message_id for accepted in mail_server.accepted}) == 1
    assert states() == {FOUR[0]: State.FAILED}
    assert "most likely arrived" in OutgoingMessage.objects.get().last_error


def test_a_message_that_the_staff_send_again_meanwhile_is_not_lost(mail_server, monkeypatch):
    """A claim is of the row as it was read: of one that has changed since, the count is wrong."""
    write(FOUR[0])
    OutgoingMessage.objects.update(attempts=3)
    update = OutgoingMessageQuerySet.update

    def send_again_before(claimed, **fields):
        monkeypatch.undo()
        OutgoingMessage.objects.update(attempts=0)
        return update(claimed, **fields)

    monkeypatch.setattr(OutgoingMessageQuerySet, "update", send_again_before)
    deliver_due()

    deliver_due()

    assert mail_server.recipients == FOUR[:1]
    assert states() == {FOUR[0]: State.SENT}


def test_what_nobody_waits_for_any_more_is_not_sent(mail_server, clock, member):
    for hours in (1, 3):
        expires_at = clock() + timedelta(hours=hours)
        context = {"site_url": f"https://{hours}.example.org"}
        enqueue(kind="password_reset", to=member.email, context=context, expires_at=expires_at)
    clock.move(hours=2)

    outcomes = deliver_due()

    [accepted] = mail_server.accepted
    assert "https://3.example.org/" in accepted.message.get_payload(decode=True).decode()
    assert outcomes == {delivery.DISCARDED: 1, delivery.SENT: 1}
    assert OutgoingMessage.objects.count() == 1


def test_a_database_that_fails_is_no_fault_of_the_message(mail_server, monkeypatch):
    """It keeps its claim, and is sent again when that ends: nothing could be recorded now."""

    def fail(message):
        raise OperationalError

    monkeypatch.setitem(COMPOSERS, "password_reset", fail)
    enqueue(kind="password_reset", to=FOUR[0])

    with pytest.raises(OperationalError):
        deliver_due()

    message = OutgoingMessage.objects.get()
    assert (message.state, message.last_error) == (State.SENDING, "")
