from datetime import timedelta

from django import template
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import is_delivering

register = template.Library()

OVERDUE = timedelta(hours=1)  # senders look for due messages every ten seconds


@register.simple_tag
def outbox_trouble() -> dict:
    """Count the messages for the staff's notices.

    Failed; to be retried; waiting for EMAIL_URL; due for so long that nothing seems to send them.
    """
    State, messages = OutgoingMessage.State, OutgoingMessage.objects
    failed = messages.filter(state=State.FAILED).count()
    overdue = messages.due(timezone.now() - OVERDUE)
    return {
        "failed": failed,
        "retried": messages.troubled().count() - failed,
        "waiting": 0 if is_delivering() else messages.filter(state=State.WAITING).count(),
        "overdue": overdue.count() if is_delivering() else 0,
    }
