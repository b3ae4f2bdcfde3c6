"""Leaving: at once nobody sees the member, and until a date all of it can be undone.

ProfileQuerySet.visible_to hides whoever is leaving; middleware.py limits what they can do;
deletion.py deletes them when the date has come.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from profiles.models import User

from .messages import tell_of_leaving


class LastSuperuser(Exception):
    """Nobody else could manage the site."""


def leave(user, base_url: str) -> datetime:
    """Have a member leave; returns when the member's rows and files are to be deleted.

    Somebody who is leaving already keeps the date. Staff and the member are told, by messages in
    the same transaction. Raises LastSuperuser.
    """
    with transaction.atomic():
        lock_superusers()
        member = User.objects.select_for_update().get(pk=user.pk)
        if member.leaves_at is None:
            if is_last_superuser(member):
                raise LastSuperuser
            member.leaves_at = timezone.now() + timedelta(days=settings.LEAVING_DAYS)
            member.save(update_fields=["leaves_at"])
            tell_of_leaving(member, base_url)
    return member.leaves_at


def stay(user) -> bool:
    """Undo a member's leaving; returns False if the date has come."""
    waiting = User.objects.filter(pk=user.pk, leaves_at__gt=timezone.now())
    return bool(waiting.update(leaves_at=None))


def lock_superusers() -> None:
    """Lock all superusers until the commit, so that of the last two who go at once one stays."""
    list(User.objects.select_for_update().filter(is_superuser=True).order_by("pk"))


def is_last_superuser(user) -> bool:
    """Return True if no other superuser stays who can open the admin."""
    others = User.objects.exclude(pk=user.pk).filter(
        is_superuser=True, is_staff=True, is_active=True, leaves_at=None
    )
    return user.is_superuser and not others.exists()
