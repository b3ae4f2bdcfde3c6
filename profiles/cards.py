"""Cards: what lists show of members."""

from typing import NamedTuple

from .access import sees_field
from .directory.snippets import Snippet


class Card(NamedTuple):
    """A row of a list. It is no model object: those of 24 members take longer than their page."""

    pk: int
    user_id: int
    name: str
    headline: str
    avatar: str  # names in the storage
    avatar_small: str
    place: str
    place_visibility: str
    snippet: Snippet | None = None


COLUMNS = Card._fields[:-1]


def rows_of(profiles):
    """Select what cards show, to be sorted and cut to a page."""
    return profiles.values_list(*COLUMNS)


def cards_of(rows, user) -> list[Card]:
    """Read the rows as cards, with the place only of those of whom this user may see it."""
    cards = [Card(*row) for row in rows]
    return [card if sees_field(user, card, "place") else card._replace(place="") for card in cards]
