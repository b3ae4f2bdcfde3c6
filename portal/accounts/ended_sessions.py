from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session


def remove_records() -> str:
    """Delete the records of ended sessions, which hold IP addresses and names of browsers."""
    ended = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    count, _ = ended.delete()
    return f"{count} records removed"


def end_sessions(users) -> None:
    """End all sessions of users, given by their keys, and delete the records of them."""
    records = UserSession.objects.filter(user__in=users)
    Session.objects.filter(session_key__in=records.values("session_key")).delete()
    records.delete()
