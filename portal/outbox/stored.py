"""Messages that are stored as text, in the form in which Django's backends send them."""

import email
from email.message import Message

from django.core.mail import EmailMessage

from .models import OutgoingMessage


class StoredMIME(Message):
    """A parsed message that is sent as exactly the bytes that were stored."""

    stored = b""
    linesep = "\n"

    def as_bytes(self, unixfrom=False, policy=None, linesep=None):
        return self.stored.replace(b"\n", (linesep or self.linesep).encode())


class StoredMessage(EmailMessage):
    """A message from the outbox, for Django's backends."""

    def __init__(self, message: OutgoingMessage):
        content = bytes(message.content)
        self.parsed = email.message_from_bytes(content, _class=StoredMIME)
        self.parsed.stored = content
        super().__init__(
            subject=message.subject,
            body=plain_text(self.parsed),
            from_email=self.parsed["From"],
            to=[message.to],
        )

    def message(self, *, policy=None):
        # Django 6 names the policy here, Django 5 the end of lines in as_bytes().
        self.parsed.linesep = policy.linesep if policy else "\n"
        return self.parsed


def plain_text(message: Message) -> str:
    """Return the first part of a message that is plain text."""
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            charset = part.get_content_charset("utf-8")
            return bytes(part.get_payload(decode=True)).decode(charset, "replace")
    return ""
