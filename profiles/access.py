"""The access rule: who may see whom, and which fields of them."""

from django.db.models import Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _


class Audience(TextChoices):
    """Who sees a field, of those who may see the profile. The owner and the staff see all."""

    EVERYONE = "everyone", _("Everyone")
    MEMBERS = "members", _("Members")
    NOBODY = "nobody", _("Only me and the staff")


# A name and a headline are for all who may see the profile. Any other field has a column beside it,
# in which its owner chooses: place and place_visibility.
FIXED_AUDIENCES = {"bio": Audience.MEMBERS}


class ProfileQuerySet(QuerySet):
    """Profiles, as far as somebody may see them."""

    def visible_to(self, user):
        """The access rule: the profiles that this user may see. Every view starts from here.

        Staff see all. Members see public and members-only profiles, and their own.
        Anyone else sees public ones. Only staff see profiles of owners who are inactive or leaving.
        """
        if user.is_staff:
            return self
        public, members = self.model.Visibility.PUBLIC, self.model.Visibility.MEMBERS
        seen = Q(visibility=public)
        if user.is_authenticated:
            seen = Q(visibility__in=[public, members]) | Q(user=user.pk)
        return self.filter(seen, user__is_active=True, user__leaves_at=None)

    def count_to(self, most: int) -> int:
        """Return the number of rows, or `most` if there are more; no more of them are read."""
        return self.order_by().values("pk")[:most].count()


DETAILS = ("bio", "place", "skills", "links", "phone", "contact_email")


def seen_details(user, profile) -> dict[str, str]:
    """Return those details of a profile that a user may see, who may see the profile."""
    seen = (field for field in DETAILS if sees_field(user, profile, field))
    return {field: getattr(profile, field) for field in seen}


def sees_field(user, profile, field: str) -> bool:
    """Return True if a user who may see a profile may see this field of it."""
    if user.is_staff or user.pk == profile.user_id:
        return True
    return is_open_to(Audience.MEMBERS if is_member(user) else Audience.EVERYONE, profile, field)


def is_open_to(readers: Audience, profile, field: str) -> bool:
    """Return True if a field is for these readers: everyone, or the members.

    What is for nobody is open to neither, and so nobody finds it, its owner and the staff included.
    """
    audience = FIXED_AUDIENCES.get(field) or getattr(profile, f"{field}_visibility")
    return audience in (Audience.EVERYONE, readers)


def is_member(user) -> bool:
    """Return True for those who read what is open to members."""
    return user.is_authenticated
