"""The access rule: who may see whom."""

from django.db.models import Q, QuerySet


class ProfileQuerySet(QuerySet):
    """Profiles, as far as somebody may see them."""

    def visible_to(self, user):
        """The access rule: the profiles that this user may see. Every view starts from here.

        Staff see all. Members see public and members-only profiles, and their own.
        Anyone else sees public ones. Only staff see profiles of inactive owners.
        """
        if user.is_staff:
            return self
        public, members = self.model.Visibility.PUBLIC, self.model.Visibility.MEMBERS
        seen = Q(visibility=public)
        if user.is_authenticated:
            seen = Q(visibility__in=[public, members]) | Q(user=user.pk)
        return self.filter(seen, user__is_active=True)


def sees_all_fields(user) -> bool:
    """Return True for members: others see the name, the headline and the avatar of a profile."""
    return user.is_authenticated
