"""The content of the home page, and the next thing that it asks its reader for."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .cards import Card, cards_of, rows_of
from .models import Profile
from .prepared import Prepared

NEWEST = 6


class Missing(NamedTuple):
    """Something that a member's profile lacks, and how the home page asks for it."""

    name: str  # the profile's field
    heading: Promise
    why: Promise
    action: Promise


ASKED = [  # one at a time, in this order
    Missing(
        "avatar",
        _("Show your face"),
        _("With a photo, others know you when you meet. Any photo will do: it is cut for you."),
        _("Add a photo"),
    ),
    Missing(
        "headline",
        _("Say what you do, in one line"),
        _("It stands below your name. People look for somebody to ask, and find you by it."),
        _("Write a headline"),
    ),
    Missing(
        "resume",
        _("Let others read about your work"),
        _("Members can only ask you about work that they know of. You see who opens your resume."),
        _("Add your resume"),
    ),
]


def named_for(user):
    """Return the members that somebody may see, who have a name."""
    return Profile.objects.visible_to(user).exclude(name="")


@Prepared
def newest(user):
    return rows_of(named_for(user).order_by("-created_at", "-pk"))[:NEWEST]


@Prepared
def updated(user):
    shown = named_for(user).only("name", "headline", "avatar", "avatar_small", "updated_at")
    others = shown.exclude(resume="").exclude(user=user.pk)
    return others.order_by("-updated_at", "-pk")[:NEWEST]


@Prepared
def own(user):
    return Profile.objects.filter(user=user.pk)


def own_profile(user) -> Profile:
    """Return a member's own profile, as user.profile does."""
    return own.objects(user)[0]


def newest_for(user) -> list[Card]:
    """Return the newest of the members that somebody may see."""
    return cards_of(newest.rows(user), user)


def updated_for(user) -> list[Profile]:
    """Return the other members with a resume who have changed their profiles last."""
    return updated.objects(user)


def first_missing(profile: Profile) -> Missing | None:
    """Return the one thing to ask a member for, unless they have answered “Not now” to all."""
    declined = profile.not_asked.split()
    for missing in ASKED:
        if not getattr(profile, missing.name) and missing.name not in declined:
            return missing
    return None


def do_not_ask_again(profile: Profile, name: str) -> None:
    """Remember that a member does not want to be asked for something."""
    names = dict.fromkeys([*profile.not_asked.split(), name])
    Profile.objects.filter(pk=profile.pk).update(not_asked=" ".join(names))
