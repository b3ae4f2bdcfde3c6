from django import template

from profiles.kept import part
from profiles.models import Profile

register = template.Library()

photos = Profile._meta.get_field("avatar")


@register.simple_tag
def avatar(profile, sizes: str = "4rem", *, without_photo: bool = False) -> str:
    """Render a member's photo, or else the first letter of their name, which stands beside it."""
    if without_photo or not profile or not profile.avatar:
        return part("profiles/_avatar.html", letter=profile.name[:1] if profile else "")
    return part(
        "profiles/_avatar.html",
        storage=photos.storage,
        photo=str(profile.avatar),
        small=str(profile.avatar_small),
        sizes=sizes,
    )


@register.simple_tag
def card(shown) -> str:
    """Render a card (profiles/cards.py), without the snippet, which belongs to one search."""
    return part("profiles/_card.html", storage=photos.storage, card=shown._replace(snippet=None))


@register.filter
def url_of(name, storage) -> str:
    """Return the address of a file of a storage."""
    return storage.url(name)
