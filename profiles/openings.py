"""Who opened a member's resume, as its owner is shown them."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db.models import Exists, F, OuterRef

from .models import Profile, ResumeDownload
from .prepared import Prepared

LATEST = 3


class Opener(NamedTuple):
    """A member who opened a resume."""

    pk: int  # of the profile
    name: str
    avatar: str
    avatar_small: str


def openings_by_others(user):
    """Return the downloads of a member's resume without the member's own, to be counted."""
    return ResumeDownload.objects.filter(profile__user=user.pk).exclude(member=user.pk)


def opened_by_others(user):
    """Return the downloads of a member's resume, newest first, with what with_openers() reads.

    Each has ``member_is_visible``: True if the owner may see the profile of the member.
    """
    visible = Profile.objects.visible_to(user).filter(user=OuterRef("member"))
    columns = {f"opener_{name}": F(f"member__profile__{name}") for name in Opener._fields}
    return (
        openings_by_others(user)
        .only("opened_at")
        .annotate(leaves_at=F("member__leaves_at"), **columns, member_is_visible=Exists(visible))
    )


def with_openers(downloads: Iterable[ResumeDownload]) -> list[ResumeDownload]:
    """Give each download its `opener`; None for those who have left, or are leaving."""
    found = list(downloads)
    for each in found:
        opener = Opener(*(getattr(each, f"opener_{name}") for name in Opener._fields))
        each.opener = None if opener.pk is None or each.leaves_at else opener
    return found


@Prepared
def latest(user):
    return opened_by_others(user)[:LATEST]


def latest_openings(user) -> list[ResumeDownload]:
    """Return the latest downloads of a member's resume."""
    return with_openers(latest.objects(user))
