"""Rows and lines of the log after each outcome of a delivery, and how outcomes are recorded."""

import logging
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.mail import EmailMessage
from django.db import OperationalError, connection
from django.utils import timezone

from portal.outbox import delivery, smtp
from portal.outbox.composers import COMPOSERS
from portal.outbox.delivery import deliver_due
from portal.outbox.models import OutgoingMessage, OutgoingMessageQuerySet
from portal.outbox.queue import enqueue
from portal.outbox.stored import StoredMessage, plain_text
from profiles.models import User

from .test_delivery import FOUR, State, write

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

MINUTE = timedelta(minutes=1)
PAUSES = [1, 3, 6]  # seconds


@pytest.fixture
def failing(monkeypatch):
    """Have the next records fail, as often as the list `left` has entries; note what is done."""
    update, left, done = OutgoingMessageQuerySet.update, [], []

    def fail(rows, **fields):
        if "finished_at" in fields and left:
            left.pop()
            raise OperationalError("the database restarts")
        return update(rows, **fields)

    monkeypatch.setattr(OutgoingMessageQuerySet, "update", fail)
    monkeypatch.setattr(connection, "close", lambda: done.append("close"))
    monkeypatch.setattr(delivery, "time", SimpleNamespace(sleep=done.append))
    return left, done


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("failures", [0, 1, 3, 4])
def test_a_record_is_tried_again_on_new_connections_for_ten_seconds(mail_server, failing, failures):
    """E4: the database may be restarted at this moment; without a record it would be sent twice."""
    left, done = failing
    left += [True] * failures
    write(FOUR[0])

    if failures > len(PAUSES):
        with pytest.raises(OperationalError):
            deliver_due()
    else:
        assert deliver_due() == {delivery.SENT: 1}

    assert done == [step for seconds in PAUSES[:failures] for step in ("close", seconds)]
    state = State.SENDING if failures > len(PAUSES) else State.SENT
    assert OutgoingMessage.objects.get().state == state
    assert mail_server.recipients == FOUR[:1]


def test_within_a_transaction_nothing_is_recorded_again(mail_server, failing):
    """It is the caller's, and nothing more can be done in it."""
    left, done = failing
    left.append(True)
    write(FOUR[0])

    with pytest.raises(OperationalError):
        deliver_due()

    assert (left, done) == ([], [])


def test_an_outcome_is_not_recorded_in_the_row_of_a_later_claim(mail_server, monkeypatch):
    """Another sender has it, and will record its own."""
    write(FOUR[0])
    send = smtp.EmailBackend.send_messages

    def sent_while_another_claims_it(self, messages):
        send(self, messages)
        OutgoingMessage.objects.update(attempts=7)

    monkeypatch.setattr(smtp.EmailBackend, "send_messages", sent_while_another_claims_it)

    assert deliver_due() == {delivery.LOST: 1}

    message = OutgoingMessage.objects.get()
    assert (message.state, message.attempts, message.finished_at) == (State.SENDING, 7, None)


def test_a_message_is_not_removed_under_a_sender_that_has_claimed_it_since(
    mail_server, monkeypatch
):
    """Its composer finds that nobody wants it; by then another sender has the row."""

    def unwanted(message):
        OutgoingMessage.objects.update(attempts=7)

    monkeypatch.setitem(COMPOSERS, "unwanted", unwanted)
    enqueue(kind="unwanted", to=FOUR[0])

    assert deliver_due() == {delivery.DISCARDED: 1}
    assert OutgoingMessage.objects.get().attempts == 7

    monkeypatch.setitem(COMPOSERS, "unwanted", lambda message: None)
    OutgoingMessage.objects.update(due_at=timezone.now())
    deliver_due()
    assert not OutgoingMessage.objects.exists()


def test_a_message_without_a_text_keeps_its_reason_when_it_is_sent_again(mail_server):
    """It could not be made when it was written, and cannot now."""
    write(FOUR[0], subject="Two\nlines")
    why = OutgoingMessage.objects.get().last_error
    OutgoingMessage.objects.update(state=State.WAITING, finished_at=None)

    assert deliver_due() == {delivery.FAILED: 1}

    message = OutgoingMessage.objects.get()
    assert (message.state, message.last_error) == (State.FAILED, why)
    assert message.finished_at
    assert mail_server.connections == 0


@pytest.fixture
def stopped(clock, monkeypatch):
    """The clock, which moves only when a test moves it; what a test writes is due."""
    at = clock() + MINUTE
    monkeypatch.setattr(clock, "real", lambda: at)
    return clock


def row() -> dict:
    """Return the one row of the outbox, without its keys and the time at which it was written."""
    [values] = OutgoingMessage.objects.values()
    hidden = {"id", "message_id", "written_at"}
    values["content"] = bytes(values["content"])
    return {name: value for name, value in values.items() if name not in hidden}


def test_what_a_row_holds_while_it_waits_and_once_it_was_sent(mail_server, stopped):
    """Address and subject are those of the message as it was composed at last."""
    began = stopped()
    member = User.objects.create_user(FOUR[0])
    context = {"user": member.pk, "site_url": "https://portal.example.org"}
    enqueue(kind="invitation", to=FOUR[0], context=context)
    written = {
        "kind": "invitation", "to": FOUR[0], "subject": "", "content": b"", "context": context,
        "about_account": False, "state": State.WAITING, "attempts": 0, "handed_over": 0,
        "last_error": "", "due_at": row()["due_at"], "expires_at": None, "finished_at": None,
    }  # fmt: skip
    assert row() == written

    mail_server.mode = "refuse"
    assert deliver_due() == {delivery.RETRY: 1}

    why = row()["last_error"]
    assert "no such user" in why
    assert row() == written | {"attempts": 1, "due_at": began + MINUTE, "last_error": why}

    mail_server.mode = "accept"
    User.objects.filter(pk=member.pk).update(email=FOUR[1])
    stopped.move(minutes=1)
    assert deliver_due() == {delivery.SENT: 1}

    [accepted] = mail_server.accepted
    assert accepted.to == FOUR[1]
    assert row() == written | {
        "to": FOUR[1], "subject": accepted.message["Subject"], "context": {}, "state": State.SENT,
        "attempts": 2, "handed_over": 1, "due_at": stopped() + delivery.LEASE,
        "finished_at": stopped(),
    }  # fmt: skip


def test_what_a_row_holds_once_it_was_given_up(mail_server, stopped):
    """All that is needed to send it again, and why it was not sent."""
    write(FOUR[0])
    OutgoingMessage.objects.update(attempts=len(delivery.PAUSES))
    written = row()
    mail_server.mode = "refuse"

    assert deliver_due() == {delivery.FAILED: 1}

    assert written["content"]
    assert row() == written | {
        "state": State.FAILED, "attempts": len(delivery.PAUSES) + 1, "handed_over": 0,
        "due_at": stopped() + delivery.LEASE, "last_error": row()["last_error"],
        "finished_at": stopped(),
    }  # fmt: skip
    assert "no such user" in row()["last_error"]


def test_a_day_of_pauses_begins_with_short_ones(mail_server, stopped):
    mail_server.mode = "busy"
    write(FOUR[0])

    for minutes in (1, 5, 15, 30, 60, *[120] * 11):
        assert deliver_due() == {delivery.RETRY: 1}
        assert row()["due_at"] == stopped() + timedelta(minutes=minutes)
        stopped.move(minutes=minutes)
    assert deliver_due() == {delivery.FAILED: 1}


def test_a_text_without_an_answer_is_no_hand_over(mail_server, stopped, monkeypatch):
    """The server has not taken it, however often it was sent; so it is not given up after two."""
    monkeypatch.setattr(smtp, "TEXT_SECONDS", 0.1)
    mail_server.mode = "hang at text"
    write(FOUR[0])

    for attempts in (1, 2, 3):
        assert deliver_due() == {delivery.RETRY: 1}
        assert (row()["attempts"], row()["handed_over"]) == (attempts, 0)
        stopped.move(minutes=15)
    mail_server.mode = "accept"
    deliver_due()

    assert mail_server.recipients == FOUR[:1]
    assert (row()["state"], row()["handed_over"]) == (State.SENT, 1)


@pytest.mark.parametrize(("minutes", "is_free"), [(4.9, False), (5, True)])
def test_a_claim_holds_for_five_minutes(mail_server, stopped, minutes, is_free):
    """Longer than the mail server is given: two minutes, and for a connection."""
    write(FOUR[0])
    delivery.claim()

    stopped.move(minutes=minutes)

    assert (delivery.claim() is not None) == is_free


@pytest.mark.parametrize(("seconds", "outcome"), [(-1, delivery.SENT), (0, delivery.DISCARDED)])
def test_a_message_is_sent_until_it_expires(mail_server, stopped, member, seconds, outcome):
    expires_at = stopped() + MINUTE
    context = {"site_url": "https://portal.example.org"}
    enqueue(kind="password_reset", to=member.email, context=context, expires_at=expires_at)

    stopped.move(seconds=60 + seconds)

    assert deliver_due() == {outcome: 1}


def fail(message):
    raise RuntimeError("https://example.org/secret")


@pytest.mark.parametrize(
    ("mode", "kind", "attempts", "lines"),
    [
        ("accept", "", 0, []),
        ("refuse", "", 0, [("WARNING", "has to be tried again: SMTPRecipientsRefused")]),
        ("busy", "", 0, [("WARNING", "has to be tried again: SMTPConnectError")]),
        ("refuse", "", 16, [("ERROR", "could not be delivered")]),
        (
            "accept",
            "broken",
            0,
            [("ERROR", "could not be made"), ("WARNING", "has to be tried again: RuntimeError")],
        ),
    ],
    ids=["sent", "refused", "no server", "given up", "an error of the site's"],
)
def test_the_log_names_a_message_by_its_number(
    mail_server, monkeypatch, caplog, mode, kind, attempts, lines
):
    """An operator sees what goes wrong; addresses do not belong in a log."""
    caplog.set_level(logging.INFO, logger=delivery.logger.name)
    monkeypatch.setitem(COMPOSERS, "broken", fail)
    mail_server.mode = mode
    if kind:
        enqueue(kind=kind, to=FOUR[0])
    else:
        write(FOUR[0])
    OutgoingMessage.objects.update(attempts=attempts)

    deliver_due()

    pk = OutgoingMessage.objects.get().pk
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        (level, f"Message {pk} {words}") for level, words in lines
    ]
    assert [bool(record.exc_info) for record in caplog.records] == [
        "could not be made" in words for _, words in lines
    ]


def test_after_an_error_the_next_message_gets_a_connection_of_its_own(mail_server, monkeypatch):
    """Whatever state the first one was left in."""
    monkeypatch.setitem(COMPOSERS, "broken", fail)
    write(FOUR[0])
    enqueue(kind="broken", to=FOUR[1])
    write(FOUR[2])

    deliver_due()

    assert mail_server.recipients == [FOUR[0], FOUR[2]]
    assert mail_server.connections == 2


@pytest.mark.parametrize("use_ssl", [True, False])
def test_a_connection_is_encrypted_from_the_start_where_the_settings_say_so(use_ssl):
    """EMAIL_URL=smtps://...: a password would be sent in plain text otherwise."""
    backend = smtp.EmailBackend(use_ssl=use_ssl, use_tls=False)

    connection = backend.connection_class()  # without a host it does not connect

    assert type(connection) is (smtp.SMTP_SSL if use_ssl else smtp.SMTP)
    assert connection.backend is backend


def test_a_message_without_plain_text_is_sent_as_it_is(mail_server):
    """A backend that shows the body, as that of a laptop does, has none to show."""
    html = EmailMessage("Hello", "<p>Hi</p>", None, FOUR[:1])
    html.content_subtype = "html"
    html.send()
    message = OutgoingMessage.objects.get()

    deliver_due()

    assert StoredMessage(message).body == plain_text(StoredMessage(message).parsed) == ""
    [accepted] = mail_server.accepted
    assert accepted.message.get_content_type() == "text/html"
    assert b"<p>Hi</p>" in accepted.message.get_payload(decode=True)


def test_the_plain_text_of_a_message_is_read_in_its_own_encoding():
    message = OutgoingMessage(to=FOUR[0], subject="Hello")
    for charset, body in (
        ("iso-8859-1", "Grüße"),
        ("utf-8", "Grüße"),
        ("ascii", "Gr\ufffd\ufffde"),
    ):
        text = "Grüße".encode("latin-1" if charset != "utf-8" else charset)
        message.content = f"Content-Type: text/plain; charset={charset}\n\n".encode() + text

        assert StoredMessage(message).body == body, charset
    assert StoredMessage(message).to == FOUR[:1]
