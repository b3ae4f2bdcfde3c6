from django import template

from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import is_delivering

register = template.Library()


@register.simple_tag
def outbox_trouble() -> dict:
    """Count the messages for the staff's notice: failed, to be retried, waiting for EMAIL_URL."""
    State, messages = OutgoingMessage.State, OutgoingMessage.objects
    failed = messages.filter(state=State.FAILED).count()
    return {
        "failed": failed,
        "retried": messages.troubled().count() - failed,
        "waiting": 0 if is_delivering() else messages.filter(state=State.WAITING).count(),
    }
