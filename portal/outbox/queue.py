"""Writes messages into the outbox, inside the caller's transaction if there is one."""

from email.utils import make_msgid, parseaddr

from django.conf import settings

from . import sender
from .models import OutgoingMessage


def enqueue(*, to: str, **fields) -> OutgoingMessage:
    """Write a message; it is sent only if the open transaction is committed.

    For a message that holds a secret, give a `kind` that has a composer, and a `context` of
    harmless JSON for it. After `expires_at` the message is not sent any more.
    """
    fields.setdefault("message_id", new_message_id())
    message = OutgoingMessage.objects.create(to=storable(to), **fields)
    sender.announce_on_commit()
    return message


def new_message_id() -> str:
    """Return a Message-ID in the sender's domain; Django's own needs a DNS query for the host."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    return make_msgid(domain=domain if domain and domain.isascii() else "localhost")


def storable(text: object) -> str:
    """Replace the characters that PostgreSQL does not store."""
    return str(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def is_delivering() -> bool:
    """Return False where E-mail is not configured, so that messages wait in the outbox."""
    return settings.OUTBOX_BACKEND is not None
