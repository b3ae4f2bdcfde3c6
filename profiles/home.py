"""What the home page shows."""

from .models import Profile

NEWEST = 6


def newest_for(user):
    """Return the newest members that somebody may see, who have a name."""
    visible = Profile.objects.visible_to(user).exclude(name="")
    return visible.order_by("-created_at", "-pk")[:NEWEST]
