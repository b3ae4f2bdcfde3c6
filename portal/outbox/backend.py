"""The site's e-mail backend, which writes messages into the outbox instead of sending them."""

import copy

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from portal.sentences.stored import sentence, stored

from .models import OutgoingMessage
from .queue import enqueue, new_message_id, storable

IMPOSSIBLE = gettext_noop("No message can be made of this: %(error)s")


class EmailBackend(BaseEmailBackend):
    """Writes a row for each recipient, so that a refused address does not affect the others.

    Set `about_account = True` on an EmailMessage that is about the recipient's own account.
    """

    def send_messages(self, email_messages) -> int:
        messages = [message for message in email_messages if message.recipients()]
        with transaction.atomic():
            for message in messages:
                write(message)
        return len(messages)


def write(message: EmailMessage) -> None:
    """Write a message into the outbox, once for each recipient."""
    message_id = message.extra_headers.setdefault("Message-ID", new_message_id())
    for recipient in message.recipients():
        content, error = rendered(message, recipient)
        failed = error and {
            "state": OutgoingMessage.State.FAILED,
            "last_error": stored(sentence(IMPOSSIBLE, error=storable(error))),
            "finished_at": timezone.now(),
        }
        enqueue(
            to=recipient,
            subject=storable(message.subject),
            content=content,
            message_id=storable(message_id)[:255],
            about_account=getattr(message, "about_account", False),
            **(failed or {}),
        )


def rendered(message: EmailMessage, recipient: str) -> tuple[bytes, ValueError | None]:
    """Return the text as bytes, or b"" and the error if none can be made.

    The text is addressed to this recipient alone if another one's address is not valid.
    """
    alone = copy.copy(message)
    alone.to, alone.cc, alone.bcc = [recipient], [], []
    error = None
    for candidate in (message, alone):
        try:
            return candidate.message().as_bytes(), None
        except ValueError as refused:  # UnicodeError and BadHeaderError, too
            error = refused
    return b"", error
