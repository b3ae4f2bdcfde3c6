from functools import lru_cache

from django import template
from django.template.loader import render_to_string

register = template.Library()

CACHED = 4_000  # pictures, of half a kilobyte each


@register.simple_tag
def avatar(profile, sizes: str = "4rem", *, without_photo: bool = False) -> str:
    """Render a profile's photo, or else the first letter of its name, which stands beside it.

    A list has dozens, and the next reader sees the same, so each process keeps what it has
    rendered. The key has all that the template is given: a new photo has a new name.
    """
    photo = "" if without_photo else profile and profile.avatar
    if not photo:
        return rendered(letter=profile.name[:1] if profile else "")
    return rendered(photo.storage, photo.name, str(profile.avatar_small), sizes=sizes)


@lru_cache(CACHED)
def rendered(storage=None, photo: str = "", small: str = "", letter: str = "", sizes: str = ""):
    context = {"letter": letter, "sizes": sizes}
    if photo:
        context |= {"photo": storage.url(photo), "small": small and storage.url(small)}
    return render_to_string("profiles/_avatar.html", context)
