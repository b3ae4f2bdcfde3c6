"""Delivery of messages while the mail server fails in all its ways: catalogue E4."""

import io
import socket
import threading
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives, send_mail
from django.core.management import CommandError, call_command
from django.db import OperationalError, transaction

from portal.outbox import delivery, smtp
from portal.outbox.backend import EmailBackend
from portal.outbox.composers import COMPOSERS
from portal.outbox.delivery import deliver_due
from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import enqueue
from tests.conftest import make_member
from tests.support.mail_server import DRIBBLE_BYTES

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

State = OutgoingMessage.State
FOUR = [f"{name}@example.org" for name in ("ada", "grace", "mary", "emmy")]
DAY = timedelta(days=1)


def write(*addresses, subject="Hello"):
    for address in addresses:
        send_mail(subject, "How are you?", None, [address])


def states() -> dict:
    return dict(OutgoingMessage.objects.values_list("to", "state"))


def test_a_message_arrives_as_it_was_written(mail_server):
    """HTML, attachments and all, once for each recipient, of whom none sees the Bcc."""
    message = EmailMultiAlternatives(
        "Grüße", "Plain.\n.\nFrom here", "Society <society@example.org>", FOUR[:1],
        cc=FOUR[1:2], bcc=FOUR[2:3], headers={"X-Own": "yes"},
    )  # fmt: skip
    message.attach_alternative("<p>Rich</p>", "text/html")
    message.attach("notes.bin", bytes(range(256)), "application/octet-stream")
    message.send()

    deliver_due()

    assert mail_server.recipients == FOUR[:3]
    for accepted in mail_server.accepted:
        arrived = accepted.message
        assert (arrived["To"], arrived["Cc"], arrived["Bcc"]) == (FOUR[0], FOUR[1], None)
        assert (arrived["X-Own"], arrived["From"]) == ("yes", "Society <society@example.org>")
        plain, rich, notes = (part for part in arrived.walk() if not part.is_multipart())
        # Django 6 ends each text with a line break.
        assert plain.get_payload(decode=True).rstrip() == b"Plain.\r\n.\r\nFrom here"
        assert rich.get_payload(decode=True).rstrip() == b"<p>Rich</p>"
        assert notes.get_payload(decode=True) == bytes(range(256))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_committed", [True, False])
def test_a_message_shares_the_fate_of_its_transaction(mail_server, is_committed):
    with transaction.atomic():
        write(FOUR[0])
        transaction.set_rollback(not is_committed)

    deliver_due()

    assert mail_server.recipients == (FOUR[:1] if is_committed else [])


@pytest.mark.django_db(transaction=True)
def test_messages_that_are_sent_together_are_written_together(mail_server, monkeypatch):
    create, written = OutgoingMessage.objects.create, []

    def fail_at_the_second(**fields):
        written.append(create(**fields))
        if len(written) == 2:
            raise OperationalError

    monkeypatch.setattr(OutgoingMessage.objects, "create", fail_at_the_second)
    both = [EmailMessage("Hello", "How are you?", None, [address]) for address in FOUR[:2]]

    with pytest.raises(OperationalError):
        EmailBackend(alias="outbox").send_messages(both)

    assert len(written) == 2
    assert states() == {}


def test_a_batch_needs_one_connection(mail_server):
    write(*FOUR)

    deliver_due()

    assert sorted(mail_server.recipients) == sorted(FOUR)
    assert mail_server.connections == 1


def test_one_refused_recipient_keeps_nobody_waiting(mail_server, clock):
    """E4: 550 for one of four, who gets it once the server has changed its mind."""
    mail_server.refused = {FOUR[1]}
    write(*FOUR)

    deliver_due()

    others = [address for address in FOUR if address != FOUR[1]]
    assert sorted(mail_server.recipients) == sorted(others)
    refused = OutgoingMessage.objects.get(to=FOUR[1])
    assert refused.state == State.WAITING
    assert refused.why == "The mail server refused the address: 550 5.1.1 no such user"

    mail_server.refused = set()
    clock.move(minutes=2)
    deliver_due()

    assert sorted(mail_server.recipients) == sorted(FOUR)
    assert set(states().values()) == {State.SENT}


def test_an_impossible_address_fails_at_once_and_alone(mail_server):
    """E4: no server would ever take it."""
    impossible = f"x@{'ü' * 60}.example"
    make_member("eve@example.org")
    write(FOUR[0], impossible, FOUR[1])
    enqueue(kind="password_reset", to=impossible, context={"site_url": "https://example.org"})

    deliver_due()

    assert mail_server.recipients == FOUR[:2]
    assert states() == {FOUR[0]: State.SENT, FOUR[1]: State.SENT, impossible: State.FAILED}
    assert "too long" in OutgoingMessage.objects.get(to=impossible).last_error


def test_an_impossible_recipient_beside_another_concerns_that_one_alone(mail_server):
    send_mail("Hello", "Both of you", None, [FOUR[0], "no address at all\n"])

    deliver_due()

    assert mail_server.recipients == FOUR[:1]


def test_a_message_that_cannot_be_made_is_kept_and_shown(mail_server):
    """A line break in a header would raise in the request; the staff see it in its place."""
    write(FOUR[0], subject="Two\nlines")
    write(FOUR[1])

    deliver_due()

    assert mail_server.recipients == [FOUR[1]]
    failed = OutgoingMessage.objects.get(to=FOUR[0])
    assert failed.state == State.FAILED
    assert "No message can be made of this: " in failed.last_error


@pytest.mark.parametrize("mode", ["refuse", "busy", "reset", "hang", "hang at text", "auth"])
def test_a_message_arrives_once_the_server_recovers(
    mail_server, settings, clock, monkeypatch, mode
):
    """E4."""
    monkeypatch.setattr(smtp, "TEXT_SECONDS", 0.3)
    settings.OUTBOX_OPTIONS |= {"username": "portal", "password": "portal"}
    mail_server.mode = mode
    write(*FOUR)
    for _ in range(len(FOUR)):
        deliver_due()
    assert mail_server.accepted == []
    assert OutgoingMessage.objects.troubled().count() == len(FOUR)

    mail_server.mode = "accept"
    monkeypatch.setattr(smtp, "TEXT_SECONDS", 10)  # a busy machine takes its time
    settings.OUTBOX_OPTIONS |= {"timeout": 10}
    clock.move(minutes=2)
    deliver_due()

    assert sorted(mail_server.recipients) == sorted(FOUR)
    ids = OutgoingMessage.objects.values_list("message_id", flat=True)
    assert sorted(accepted.message_id for accepted in mail_server.accepted) == sorted(ids)


def test_a_server_that_is_away_costs_one_message_an_attempt(mail_server):
    """The others are not made to wait longer because it was tried for all of them."""
    mail_server.mode = "busy"
    write(*FOUR)

    deliver_due()

    assert OutgoingMessage.objects.filter(attempts=0).count() == len(FOUR) - 1


def test_it_is_tried_for_a_day_with_growing_pauses(mail_server, clock):
    """E4: then the message has failed, and has the reason."""
    mail_server.mode = "refuse"
    write(FOUR[0])
    began, minutes = clock(), []
    deliver_due()

    while (message := OutgoingMessage.objects.get()).state == State.WAITING:
        pause = message.due_at - clock()
        minutes.append(round(pause.total_seconds() / 60))
        clock.move(seconds=pause.total_seconds())
        deliver_due()

    assert minutes == [1, 5, 15, 30, 60, *[120] * 11]
    assert DAY - timedelta(hours=2) < clock() - began <= DAY
    assert "no such user" in message.last_error


def test_a_server_that_answers_a_byte_at_a_time_is_given_up(mail_server, monkeypatch):
    """Each byte comes in time; a message as a whole does not."""
    monkeypatch.setattr(smtp, "MESSAGE_SECONDS", 0.3)
    mail_server.mode = "dribble"
    write(FOUR[0])

    outcomes = deliver_due()

    assert outcomes == {delivery.RETRY: 1}
    assert OutgoingMessage.objects.get().last_error.count("2") < DRIBBLE_BYTES // 2


def test_how_long_a_server_is_waited_for(mail_server, monkeypatch):
    """Together less than the lease, and for the answer to a text longer than for the others."""
    of_answers, of_all, limit = [], [], socket.socket.settimeout

    def limited(sock, seconds):
        of_answers.append(seconds)
        limit(sock, seconds)

    class Timer(threading.Timer):
        def __init__(self, seconds, function):
            of_all.append(seconds)
            super().__init__(seconds, function)

    monkeypatch.setattr(smtp.threading, "Timer", Timer)
    monkeypatch.setattr(socket.socket, "settimeout", limited)
    write(FOUR[0])
    deliver_due()

    assert mail_server.recipients == FOUR[:1]
    assert of_answers == [0.3, 60, 0.3]
    assert of_all == [120, 5]
    assert timedelta(minutes=5) == delivery.LEASE


def test_a_server_that_looks_for_spam_first_is_given_the_time(mail_server):
    """A client that gives up before the answer sends the message again, and again."""
    mail_server.pause = 2 * 0.3
    write(FOUR[0])

    deliver_due()

    assert mail_server.recipients == FOUR[:1]
    assert states() == {FOUR[0]: State.SENT}


def test_an_error_of_ours_concerns_one_message(mail_server, clock, monkeypatch):
    """A failed composer is retried, since code gets corrected; its error may hold a secret."""

    def fail(message):
        raise RuntimeError("https://example.org/secret")

    monkeypatch.setitem(COMPOSERS, "password_reset", fail)
    enqueue(kind="password_reset", to=FOUR[0])
    enqueue(kind="of a later release", to=FOUR[1])
    write(FOUR[2])

    deliver_due()

    assert mail_server.recipients == [FOUR[2]]
    assert states() == {FOUR[0]: State.WAITING, FOUR[1]: State.WAITING, FOUR[2]: State.SENT}
    errors = OutgoingMessage.objects.values_list("last_error", flat=True)
    assert not any("secret" in error for error in errors)


def test_no_message_goes_to_the_inactive_except_about_their_account(mail_server):
    make_member(FOUR[0], is_active=False)
    make_member(FOUR[1])
    write(f"Ada <{FOUR[0].upper()}>", FOUR[1])
    about = EmailMultiAlternatives("Your password was changed", "...", None, [FOUR[0]])
    about.about_account = True
    about.send()

    deliver_due()

    assert mail_server.recipients == [FOUR[1], FOUR[0]]
    assert OutgoingMessage.objects.count() == 2


def test_the_command_sends_what_is_due_and_says_so(mail_server):
    write(*FOUR)
    output = io.StringIO()

    call_command("send_outbox", once=True, stdout=output)

    assert output.getvalue() == "4 sent, 0 to be tried again, 0 could not be delivered.\n"


@pytest.mark.parametrize(
    ("mode", "refused", "told"),
    [
        ("accept", {FOUR[1]}, "3 sent, 1 to be tried again, 0 could not be delivered. 0 more"),
        ("reset", set(), "0 sent, 1 to be tried again, 0 could not be delivered. 3 more"),
    ],
)
def test_the_command_fails_if_a_message_was_not_accepted(mail_server, mode, refused, told):
    """A scheduler, whose log nobody reads, would call it done."""
    mail_server.mode, mail_server.refused = mode, refused
    write(*FOUR)

    with pytest.raises(CommandError, match=f"^{told} are due. The admin has the reasons"):
        call_command("send_outbox", once=True)


def test_the_command_asks_for_a_mail_server(settings):
    settings.OUTBOX_BACKEND = None

    with pytest.raises(CommandError, match="EMAIL_URL"):
        call_command("send_outbox", once=True)


def test_a_message_to_nobody_is_none(mail_server):
    assert EmailBackend(alias="outbox").send_messages([EmailMessage("Hello", "?", None, [])]) == 0

    assert not OutgoingMessage.objects.exists()


def test_what_has_waited_longest_is_sent_first(mail_server, clock):
    write(*FOUR)
    for minutes, address in enumerate(FOUR):
        due_at = clock() - timedelta(minutes=minutes)
        OutgoingMessage.objects.filter(to=address).update(due_at=due_at)

    deliver_due()

    assert mail_server.recipients == FOUR[::-1]


def test_a_sender_that_is_to_stop_begins_no_message(mail_server):
    write(*FOUR)

    deliver_due(lambda: bool(mail_server.accepted))

    assert mail_server.recipients == FOUR[:1]


def test_the_time_of_a_message_is_its_own_and_not_that_of_the_next(mail_server, monkeypatch):
    monkeypatch.setattr(smtp, "MESSAGE_SECONDS", 0.4)
    mail_server.pause = 0.15
    write(*FOUR)

    deliver_due()

    assert mail_server.recipients == FOUR
    assert mail_server.connections == 1
