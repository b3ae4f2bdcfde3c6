"""The first steps on a new site, for the superuser who has set it up."""

from typing import NamedTuple

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from profiles.models import User

from .current import current


class Step(NamedTuple):
    """Something to do first, and where."""

    title: str
    address: str
    is_done: bool


def first_steps(user) -> list[Step]:
    """Return what a superuser still has to do; nothing if it is done, or for anybody else."""
    if not user.is_superuser:
        return []
    society = current()
    has_members = User.objects.exclude(pk=user.pk).exists()
    if society.pk and has_members:  # a logo is not for everybody
        return []
    page = reverse("admin:society_society_changelist")
    return [
        Step(_("Name your society"), page, society.pk is not None),
        Step(_("Add a logo"), f"{page}#id_logo", bool(society.logo)),
        Step(_("Invite your first members"), invitations(), has_members),
    ]


def invitations() -> str:
    """The address of the page on which many are invited, or else one."""
    try:
        return reverse("admin:invitations_new")
    except NoReverseMatch:
        return reverse("admin:profiles_user_add")
