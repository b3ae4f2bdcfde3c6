"""Delivery of the outbox: claim a message, compose it, send it, record the outcome.

A claim is a compare-and-set with a lease, which works on SQLite and on PostgreSQL alike. No
transaction is open during a wait for the mail server. docs/decisions/outbox.md has the reasons.
"""

import contextlib
import logging
import smtplib
import time
from collections import Counter
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_noop

from portal.observability.logs import redact
from portal.sentences.stored import sentence, stored

from .composers import COMPOSERS
from .models import PENDING, OutgoingMessage
from .stored import StoredMessage

logger = logging.getLogger(__name__)

# Longer than one message may take: looking up names, connecting to several addresses, and
# smtp.MESSAGE_SECONDS.
LEASE = timedelta(minutes=5)
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60, *[120] * 11)]  # a day
MAX_HAND_OVERS = 2
CANDIDATES = 10  # messages looked at in one query; other senders may take some of them first
RECORD_AGAIN_SECONDS = (1, 3, 6)

# Why a message was not delivered: for the staff, kept in its row.
TWICE = gettext_noop(
    "The mail server was given the message twice, and each time the site's process ended before it "
    "could record the answer. It has most likely arrived."
)
IMPOSSIBLE_ADDRESS = gettext_noop("This address is impossible: %(error)s")
ADDRESS_REFUSED = gettext_noop("The mail server refused the address: %(code)s %(reply)s")
LOG_IN_REFUSED = gettext_noop("The mail server refused the site's own log-in (EMAIL_URL): %(code)s")
MESSAGE_REFUSED = gettext_noop("The mail server refused the message: %(code)s %(reply)s")
NO_ANSWER = gettext_noop("The mail server did not answer as it should: %(error)s")
NOT_MADE = gettext_noop("The site could not make the message (%(error)s); its log says more.")

State = OutgoingMessage.State
SENT, FAILED, RETRY, DISCARDED, LOST = "sent", "failed", "retry", "discarded", "lost"


class ServerUnavailable(Exception):
    """The mail server could not be reached, or refused the site's log-in."""


class ClaimLost(Exception):
    """The lease has ended, and another sender has claimed the message."""


def deliver_due(stopping=lambda: False) -> Counter:
    """Send the messages that are due, one after the other; return the number of each outcome.

    Ends early if `stopping()` is true, or if the mail server cannot be reached: then the other
    messages wait, and no attempt is counted for them.
    """
    outcomes = Counter()
    if settings.OUTBOX_BACKEND is None:
        return outcomes
    # With an alias, which Django 6.1 wants, a backend takes its options from here alone.
    backend = import_string(settings.OUTBOX_BACKEND)
    server = backend(**settings.OUTBOX_OPTIONS, alias="outbox")
    try:
        while not stopping() and (message := claim()):
            try:
                outcomes[deliver(message, server)] += 1
            except ServerUnavailable as error:
                outcomes[postpone(message, error.__cause__)] += 1
                break
    finally:
        server.close()
    return outcomes


def claim() -> OutgoingMessage | None:
    """Claim a message that is due, for the time of the lease; None if there is none."""
    now = timezone.now()
    for message in OutgoingMessage.objects.due(now).defer("content")[:CANDIDATES]:
        unclaimed = OutgoingMessage.objects.filter(
            pk=message.pk, attempts=message.attempts, state__in=PENDING, due_at__lte=now
        )
        if unclaimed.update(state=State.SENDING, attempts=F("attempts") + 1, due_at=now + LEASE):
            message.attempts += 1
            return message
    return None


def deliver(message: OutgoingMessage, server) -> str:
    """Send a claimed message and record the outcome, which is returned."""
    if message.handed_over >= MAX_HAND_OVERS:
        return give_up(message, stored(sentence(TWICE)))
    if message.expires_at and message.expires_at <= timezone.now():
        return discard(message)
    if not message.kind and not message.content:
        return give_up(message, message.last_error)  # no text could be made of it (backend.py)
    try:
        email = composed(message)
        if email is None or (not message.about_account and is_inactive(email.to[0])):
            return discard(message)
        try:
            send(message, email, server)
        except ValueError as error:  # of the backend, before it has named the address to a server
            return give_up(message, stored(sentence(IMPOSSIBLE_ADDRESS, error=error)))
    except (ServerUnavailable, DatabaseError):
        raise
    except ClaimLost:
        hang_up(server)
        return LOST
    except Exception as error:  # whatever is wrong with one message, the others are sent
        if not isinstance(error, OSError):  # smtplib's errors are OSErrors
            logger.exception("Message %s could not be made", message.pk)
        hang_up(server)
        return postpone(message, error)
    return record(
        message,
        SENT,
        state=State.SENT,
        to=email.to[0],
        subject=email.subject,
        content=b"",
        context={},
        last_error="",
        finished_at=timezone.now(),
    )


def composed(message: OutgoingMessage) -> EmailMessage | None:
    """Return the message with its text, or None if it is no longer wanted."""
    if not message.kind:
        return StoredMessage(message)
    email = COMPOSERS[message.kind](message)
    if email is not None:
        email.extra_headers["Message-ID"] = message.message_id
    return email


def is_inactive(address: str) -> bool:
    """Return True for the address of somebody whose account has been deactivated."""
    User = get_user_model()
    has_it = {f"{User.get_email_field_name()}__iexact": parseaddr(address)[1]}
    return User.objects.filter(**has_it, is_active=False).exists()


def send(message: OutgoingMessage, email: EmailMessage, server) -> None:
    """Hand the message to the mail server."""

    def on_text():
        claimed = OutgoingMessage.objects.filter(
            pk=message.pk, attempts=message.attempts, due_at__gt=timezone.now()
        )
        if not claimed.update(handed_over=F("handed_over") + 1):
            raise ClaimLost

    server.on_text = on_text
    with getattr(server, "deadline", contextlib.nullcontext)():
        try:
            server.open()
        except OSError as error:
            hang_up(server)
            raise ServerUnavailable from error
        server.send_messages([email])


def hang_up(server) -> None:
    """Close the connection, whose state is unknown; the next message gets a new one."""
    if hasattr(server, "cut"):
        server.cut()
    server.close()


def postpone(message: OutgoingMessage, error: BaseException | None) -> str:
    """Have a message tried again after a pause, or give it up after the last one."""
    why = in_words(error)
    if message.attempts > len(PAUSES):
        return give_up(message, why)
    logger.warning("Message %s has to be tried again: %s", message.pk, type(error).__name__)
    due_at = timezone.now() + PAUSES[message.attempts - 1]
    # The server has not accepted the message, so the hand-over does not count.
    return record(
        message,
        RETRY,
        state=State.WAITING,
        due_at=due_at,
        last_error=why,
        handed_over=message.handed_over,
    )


def give_up(message: OutgoingMessage, why: str) -> str:
    """Record that a message could not be delivered; return the outcome."""
    logger.error("Message %s could not be delivered", message.pk)
    return record(message, FAILED, state=State.FAILED, last_error=why, finished_at=timezone.now())


def discard(message: OutgoingMessage) -> str:
    """Delete a message that is no longer wanted, or whose address no account has."""
    OutgoingMessage.objects.filter(pk=message.pk, attempts=message.attempts).delete()
    return DISCARDED


def record(message: OutgoingMessage, outcome: str, **fields) -> str:
    """Record the outcome of a message, with retries: without a record it would be sent twice."""
    claimed = OutgoingMessage.objects.filter(pk=message.pk, attempts=message.attempts)
    pauses = iter(RECORD_AGAIN_SECONDS)
    while True:
        try:
            return outcome if claimed.update(**fields) else LOST
        except DatabaseError:
            seconds = next(pauses, None)
            if seconds is None or connection.in_atomic_block:
                raise
            connection.close()
            time.sleep(seconds)


def in_words(error: BaseException | None) -> str:
    """Return the reason of a failure, for the staff, without links, as a row keeps it.

    A server's answer may quote a link. Of an error in code only the class is given, because its
    text may hold anything.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return stored(sentence(ADDRESS_REFUSED, code=code, reply=redact(decoded(reply))))
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return stored(sentence(LOG_IN_REFUSED, code=error.smtp_code))
    if isinstance(error, smtplib.SMTPResponseException):
        words = redact(decoded(error.smtp_error))
        return stored(sentence(MESSAGE_REFUSED, code=error.smtp_code, reply=words))
    if isinstance(error, OSError):
        words = redact(str(error) or type(error).__name__)
        return stored(sentence(NO_ANSWER, error=words))
    return stored(sentence(NOT_MADE, error=type(error).__name__))


def decoded(reply: bytes | str) -> str:
    """Return a mail server's reply as text that PostgreSQL can store, at most 1,000 characters."""
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return text.replace("\0", "")[:1000]
