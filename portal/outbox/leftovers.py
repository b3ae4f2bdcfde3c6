from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from .models import OutgoingMessage

KEPT = timedelta(days=30)  # after a message was sent or given up


def remove_old_messages() -> str:
    """Delete old records of finished messages, and messages that have expired."""
    now, State = timezone.now(), OutgoingMessage.State
    count, _ = OutgoingMessage.objects.filter(
        Q(state__in=[State.SENT, State.FAILED], finished_at__lt=now - KEPT)
        | Q(state=State.WAITING, expires_at__lt=now)
    ).delete()
    return f"{count} messages removed"
