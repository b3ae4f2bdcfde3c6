from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session


def remove_records() -> str:
    """Delete the records of ended sessions, which hold IP addresses and names of browsers."""
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    count, _ = ended.delete()
    return f"{count} records removed"
