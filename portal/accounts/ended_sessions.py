from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session


def remove_records() -> str:
    """Remove the addresses and browsers that are on record of sessions that have ended."""
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    count, _ = ended.delete()
    return f"{count} records removed"
