from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from .models import OutgoingMessage

KEPT = timedelta(days=30)  # after a message was sent or given up


def remove_old_messages() -> str:
    """Delete old records of finished messages, and messages that have expired."""
    now = timezone.now()
    count, _ = OutgoingMessage.objects.filter(
        Q(finished_at__lt=now - KEPT) | Q(state=OutgoingMessage.State.WAITING, expires_at__lt=now)
    ).delete()
    return f"{count} messages removed"
