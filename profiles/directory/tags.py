"""Skills and places as tags: the rows by which the list is filtered, and what may be suggested."""

from typing import NamedTuple

from django.db.models import Count, Min, Q

from profiles.access import Audience, is_open_to
from profiles.details import split_skills

from .fold import MAX_SORT_KEY, fold
from .models import ProfileTag

PLACE, SKILL = ProfileTag.Kind.PLACE.value, ProfileTag.Kind.SKILL.value
MAX_LABEL = 100  # letters; validators refuse longer ones
MAX_SUGGESTIONS = 8
AFTER_ALL_WORDS = "~"


class Tag(NamedTuple):
    """The content of a tag's row, apart from its audience."""

    kind: str
    key: str
    label: str


def tag_key(text: str) -> str:
    """Return what two spellings of one skill or place have in common; empty if it has no word."""
    return fold(text)[:MAX_SORT_KEY]


def tags_of(profile) -> dict[Tag, bool]:
    """Return the tags of a profile that anybody may find it by: True for those for everyone."""
    texts = {PLACE: ("place", place_parts), SKILL: ("skills", split_skills)}
    return {
        tag: is_open_to(Audience.EVERYONE, profile, field)
        for kind, (field, split) in texts.items()
        if is_open_to(Audience.MEMBERS, profile, field)
        for tag in unique_tags(kind, split(getattr(profile, field)))
    }


def place_parts(place: str) -> list[str]:
    """Return a place, and what stands between its commas."""
    return [place, *(part.strip() for part in place.split(","))]


def unique_tags(kind: str, labels) -> list[Tag]:
    tags = {}
    for label in labels:
        if key := tag_key(label):
            tags.setdefault(key, Tag(kind, key, label[:MAX_LABEL]))
    return list(tags.values())


def has_tag(kind: str, text: str, *, for_members: bool) -> Q:
    """Return the condition for profiles with a tag that these readers may see."""
    tags = ProfileTag.objects.filter(kind=kind, key=tag_key(text))
    if not for_members:
        tags = tags.filter(for_everyone=True)
    return Q(pk__in=tags.values("profile"))


def suggestions(profiles, kind: str, text: str, *, for_members: bool) -> list[str]:
    """Return tags that begin with a text, the most common first, of those profiles alone.

    `profiles` are those that the viewer may see. Neither what is suggested, nor how it is spelled,
    nor the order depends on a profile or a field that this viewer may not see.
    """
    start = tag_key(text)
    if not start:
        return []
    tags = ProfileTag.objects.filter(
        kind=kind, key__gte=start, key__lt=start + AFTER_ALL_WORDS, profile__in=profiles
    )
    if not for_members:
        tags = tags.filter(for_everyone=True)
    counted = tags.values("key").annotate(shown=Min("label"), count=Count("pk"))
    return [row["shown"] for row in counted.order_by("-count", "key")[:MAX_SUGGESTIONS]]
