"""Messages as they are written: their rows, names and order, and for how long they are kept."""

import json
import logging
from datetime import timedelta

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone, translation

from portal.outbox import delivery, queue
from portal.outbox.backend import EmailBackend
from portal.outbox.composers import COMPOSERS, TITLES, composer
from portal.outbox.delivery import decoded, deliver_due
from portal.outbox.leftovers import remove_old_messages
from portal.outbox.management.commands.nightly import do
from portal.outbox.models import OutgoingMessage
from portal.outbox.templatetags.outbox import outbox_trouble
from portal.sentences.stored import shown

from .test_delivery import FOUR, State, write

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def waiting(settings):
    """Messages wait in their rows."""
    settings.OUTBOX_AT_ONCE = False


def test_a_message_is_a_row_for_each_recipient():
    """All with one Message-ID and one text; nobody else is named where an address is impossible."""
    message = EmailMessage(
        "Sub\0ject", "Body", "Society <s@society.example>", FOUR[:1], cc=FOUR[1:2], bcc=FOUR[2:3]
    )
    message.about_account = True

    assert EmailBackend().send_messages([message, EmailMessage("Hello", "?", None, [])]) == 1

    rows = OutgoingMessage.objects.order_by("pk")
    assert [row.to for row in rows] == FOUR[:3]
    assert {(row.subject, row.kind, row.about_account, row.state) for row in rows} == {
        ("Sub\ufffdject", "", True, State.WAITING)
    }
    assert {row.message_id for row in rows} == {message.extra_headers["Message-ID"]}
    assert len({bytes(row.content) for row in rows}) == 1
    assert not any(row.last_error or row.finished_at for row in rows)


def test_a_message_keeps_the_name_that_its_writer_gave_it():
    own = EmailMessage("Hello", "?", None, FOUR[:1], headers={"Message-ID": f"<{'x' * 300}@own>"})

    EmailBackend().send_messages([own])

    row = OutgoingMessage.objects.get()
    assert row.message_id == f"<{'x' * 254}"
    assert row.about_account is False


def test_a_message_of_which_no_text_can_be_made_is_a_failure_from_the_start():
    before = timezone.now()

    EmailBackend().send_messages([EmailMessage("Two\nlines", "?", None, FOUR[:1])])

    row = OutgoingMessage.objects.get()
    assert (row.state, bytes(row.content)) == (State.FAILED, b"")
    assert before <= row.finished_at <= timezone.now()
    assert row.why.startswith("No message can be made of this: ")


def test_many_messages_are_written_as_one_is(settings, django_assert_num_queries, monkeypatch):
    """In a few queries; the sender is told once, when they are committed."""
    told = []
    monkeypatch.setattr(queue.sender, "announce_on_commit", lambda: told.append("told"))
    fields = {"kind": "password_reset", "to": "a\0@example.org", "context": {"site_url": "x"}}
    one = queue.enqueue(**fields)
    assert told == ["told"]

    with django_assert_num_queries(1):
        many = queue.enqueue_all(fields | {"subject": str(number)} for number in range(3))

    assert told == ["told"] * 2
    rows = [one, *many]
    assert {(row.kind, row.to, row.context["site_url"]) for row in rows} == {
        ("password_reset", "a\ufffd@example.org", "x")
    }
    assert len({row.message_id for row in rows}) == 4
    assert [row.subject for row in many] == ["0", "1", "2"]
    assert queue.enqueue(to=FOUR[0], message_id="<own>").message_id == "<own>"
    assert queue.enqueue_all([{"to": FOUR[0], "message_id": "<own>"}])[0].message_id == "<own>"
    settings.OUTBOX_BACKEND = None
    assert not queue.is_delivering()


@pytest.mark.parametrize(
    ("sender", "domain"),
    [
        ("office@society.example", "society.example"),
        ("Office <office@society.example>", "society.example"),
        ("office@bücher.example", "localhost"),
        ("", "localhost"),
    ],
)
def test_a_message_id_ends_in_the_domain_of_the_sender(settings, sender, domain):
    settings.DEFAULT_FROM_EMAIL = sender

    ids = {queue.new_message_id() for _ in range(3)}

    assert len(ids) == 3
    assert {each.rpartition("@")[2] for each in ids} == {f"{domain}>"}


@pytest.mark.parametrize(
    ("text", "stored"), [("a\0b", "a\ufffdb"), ("a\ud800b", "a?b"), ("ü", "ü"), (7, "7")]
)
def test_what_postgresql_does_not_store_is_replaced(text, stored):
    assert queue.storable(text) == stored


def test_a_message_is_named_by_its_subject_or_by_its_kind():
    """In the reader's language; one of a kind that has no title by the kind itself."""
    named = [
        (OutgoingMessage(to="a@b.example", subject="Minutes", kind="invitation"), "Minutes"),
        (OutgoingMessage(to="a@b.example", kind="invitation"), "Invitation"),
        (OutgoingMessage(to="a@b.example", kind="of_a_later_release"), "Of a later release"),
    ]
    for message, title in named:
        assert message.title == title
        assert str(message) == f"{title} to a@b.example"
    with translation.override("de"):
        titles = [message.title for message, _ in named]
    assert titles == ["Minutes", "Einladung", "Of a later release"]


def test_a_composer_is_registered_with_its_title():
    try:

        @composer("test", "A test")
        def composed(message):
            """Nothing."""

        assert (COMPOSERS["test"], TITLES["test"]) == (composed, "A test")
        assert composer("test")(composed) is composed
        assert TITLES["test"] == ""
    finally:
        del COMPOSERS["test"], TITLES["test"]


def test_messages_are_due_trouble_or_neither():
    now = timezone.now()
    kinds = {
        "new": {},
        "later": {"due_at": now + timedelta(minutes=1)},
        "retried": {"last_error": "450", "due_at": now + timedelta(minutes=1)},
        "lost": {"state": State.SENDING, "due_at": now - timedelta(minutes=1)},
        "lost again": {"state": State.SENDING, "last_error": "450", "due_at": now},
        "sent": {"state": State.SENT, "last_error": ""},
        "failed": {"state": State.FAILED, "last_error": "550"},
        "failed for an unknown reason": {"state": State.FAILED},
    }
    for name, fields in kinds.items():
        OutgoingMessage.objects.create(**{"to": "x", "subject": name, "due_at": now, **fields})

    messages = OutgoingMessage.objects
    assert [each.subject for each in messages.due(now)] == ["lost", "new", "lost again"]
    assert {each.subject for each in messages.troubled()} == {
        "retried", "lost again", "failed", "failed for an unknown reason"
    }  # fmt: skip
    assert [each.subject for each in messages.all()] == list(kinds)[::-1], "the newest first"
    assert outbox_trouble() == {"failed": 2, "retried": 2, "waiting": 0, "overdue": 0}


def test_the_staff_s_notice_counts_what_waits_for_a_mail_server(settings):
    settings.OUTBOX_BACKEND = None
    write(*FOUR[:2])
    OutgoingMessage.objects.create(to="x", state=State.SENDING)
    OutgoingMessage.objects.update(due_at=timezone.now() - timedelta(days=1))

    assert outbox_trouble() == {"failed": 0, "retried": 0, "waiting": 2, "overdue": 0}


def test_without_a_mail_server_nothing_is_claimed(settings):
    settings.OUTBOX_BACKEND = None
    write(FOUR[0])

    assert deliver_due() == {}

    assert OutgoingMessage.objects.get().attempts == 0


def test_a_record_is_kept_for_thirty_days_after_its_end():
    """A message that waits is removed once it has expired, one that is being sent is not."""
    now = timezone.now()
    second, month = timedelta(seconds=1), timedelta(days=30)
    kept = {
        "young": {"state": State.SENT, "finished_at": now - month + 60 * second},
        "failed": {"state": State.FAILED, "finished_at": now},
        "waits": {"written_at": now - 2 * month},
        "waits for long": {"expires_at": now + 60 * second},
        "being sent": {"state": State.SENDING, "expires_at": now - second},
        "was sent in time": {"state": State.SENT, "finished_at": now, "expires_at": now - second},
    }
    old = {
        "old": {"state": State.SENT, "finished_at": now - month - second},
        "long failed": {"state": State.FAILED, "finished_at": now - month - second},
        "expired": {"expires_at": now - second},
    }
    for name, fields in (kept | old).items():
        OutgoingMessage.objects.create(to="x", subject=name, **fields)

    assert remove_old_messages() == "3 messages removed"

    assert {each.subject for each in OutgoingMessage.objects.all()} == set(kept)


def test_a_backend_is_made_with_the_options_of_the_settings_and_closed(settings):
    made = []

    class Backend:
        def __init__(self, **options):
            made.append(options)

        def close(self):
            made.append("closed")

    settings.OUTBOX_BACKEND, settings.OUTBOX_OPTIONS = f"{__name__}.Made", {"timeout": 7}
    globals()["Made"] = Backend
    try:
        assert deliver_due() == {}
    finally:
        del globals()["Made"]

    assert made == [{"timeout": 7, "alias": "outbox"}, "closed"]


@pytest.mark.parametrize(
    ("reply", "text"),
    [(b"a\0b", "ab"), ("a\0b", "ab"), (b"\xff", "\ufffd"), ("x" * 1001, "x" * 1000)],
)
def test_a_servers_reply_is_text_that_can_be_stored(reply, text):
    assert decoded(reply) == text


@pytest.mark.parametrize(
    ("path", "result"), [(f"{__name__}.counted", "7 rows"), ("check", "System check identified")]
)
def test_a_nightly_step_is_a_function_or_a_command(path, result):
    assert do(path).startswith(result)
    assert "\n" not in do(path)


def counted() -> str:
    return "7 rows"


def fail() -> str:
    raise ValueError("two\nlines")


def quiet() -> str:
    return ""


@pytest.mark.django_db(transaction=True)
def test_a_nightly_step_that_fails_is_logged_and_the_next_gets_a_connection(
    settings, capsys, caplog, monkeypatch
):
    """Within a transaction, which a caller has opened, it stays as it is."""
    closed = []
    connection = transaction.get_connection()
    monkeypatch.setattr(connection, "close", lambda: closed.append("closed"))
    settings.NIGHTLY = [f"{__name__}.fail", f"{__name__}.quiet"]
    caplog.set_level(logging.ERROR)

    with pytest.raises(CommandError, match=rf"^1 of 2 steps failed: {__name__}\.fail\.$"):
        call_command("nightly")
    assert closed == ["closed"]
    with transaction.atomic(), pytest.raises(CommandError):
        call_command("nightly")
    assert closed == ["closed"]

    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first.endswith(f"{__name__}.fail: failed, ValueError two lines")
    assert second.startswith(f"{__name__}.quiet: done (")
    [record, _] = caplog.records
    assert record.getMessage() == f"The nightly step {__name__}.fail failed"
    assert record.exc_info[0] is ValueError


def test_a_nightly_command_without_failures_ends_well(settings, capsys):
    settings.NIGHTLY = [f"{__name__}.counted"]

    call_command("nightly")

    assert capsys.readouterr().out.startswith(f"{__name__}.counted: 7 rows (0.")


def test_a_reason_is_kept_as_a_sentence_with_its_values():
    """English in the row, with what the server said apart, for whoever reads it later."""
    kept = delivery.in_words(ConnectionRefusedError(111, "refused"))

    assert json.loads(kept) == [[delivery.NO_ANSWER, {"error": "[Errno 111] refused"}]]
    assert shown(kept) == "The mail server did not answer as it should: [Errno 111] refused"
