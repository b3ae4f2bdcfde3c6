"""The list without search and filters, which is what most people open."""

from profiles.cards import rows_of
from profiles.models import Profile
from profiles.prepared import Prepared

from .search import ALPHABETICALLY, NEWEST_FIRST


def listed(order):
    return Prepared(lambda user: rows_of(Profile.objects.visible_to(user).order_by(*order)))


LISTED = {order: listed(order) for order in (ALPHABETICALLY, NEWEST_FIRST)}
COUNTED = Prepared(lambda user: Profile.objects.visible_to(user).values("pk"))


class Everybody:
    """All whom a user may see, as a paginator reads them: in parts, and counted."""

    def __init__(self, user, order):
        self.user, self.order = user, order

    def __getitem__(self, part: slice) -> list[tuple]:
        return LISTED[self.order].rows(self.user, part=part)

    def count_to(self, most: int) -> int:
        """Return the number of rows, or `most` if there are more."""
        return COUNTED.count(self.user, most=most)
