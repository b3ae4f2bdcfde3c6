"""Cards: what lists show of members."""

from typing import NamedTuple

from .access import sees_field
from .directory.snippets import Snippet
from .models import Profile
from .prepared import Prepared


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
PROFILES_PER_PAGE = 24  # fewer than the MOST_HOLES of a prepared query


def rows_of(profiles):
    """Select what cards show, to be sorted and cut to a page."""
    return profiles.values_list(*COLUMNS)


def cards_of(rows, user) -> list[Card]:
    """Read the rows as cards, with the place only of those of whom this user may see it."""
    cards = [Card(*row) for row in rows]
    return [card if sees_field(user, card, "place") else card._replace(place="") for card in cards]


@Prepared
def chosen(user, *pks):
    return rows_of(Profile.objects.visible_to(user).filter(pk__in=pks))


def chosen_cards(pks: list[int], user) -> list[Card]:
    """Read the cards of a page of a search in its order, as far as this user may see them."""
    if not pks:
        return []
    lacking = PROFILES_PER_PAGE - len(pks)
    filled_up = pks + pks[:1] * lacking  # so that one statement fits all pages
    by_pk = {card.pk: card for card in cards_of(chosen.rows(user, *filled_up), user)}
    return [by_pk[pk] for pk in pks if pk in by_pk]
