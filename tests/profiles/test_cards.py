"""The cards of lists: whom they show, in which order, and which place."""

import pytest
from django.contrib.auth.models import AnonymousUser

from profiles.cards import cards_of, chosen_cards, rows_of
from profiles.models import Profile
from profiles.templatetags.avatars import avatar
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.fixture
def cards(db):
    """The profiles of members whose places are for different readers."""
    shown = {}
    for audience in ("everyone", "members", "nobody"):
        profile = make_member(f"{audience}@example.org", name=audience).profile
        profile.visibility, profile.headline = "public", f"Seen by {audience}"
        profile.place, profile.place_visibility = f"Place of {audience}", audience
        profile.save()
        shown[audience] = profile
    return shown


@pytest.mark.parametrize(
    ("reader", "seen"),
    [
        ("visitor", ["everyone"]),
        ("member", ["everyone", "members"]),
        ("owner", ["everyone", "members", "nobody"]),
        ("staff", ["everyone", "members", "nobody"]),
    ],
)
def test_a_card_has_the_place_for_those_whom_its_owner_chose(cards, member, staff, reader, seen):
    users = {"visitor": AnonymousUser(), "member": member, "staff": staff}
    user = users.get(reader, cards["nobody"].user)
    pks = [profile.pk for profile in cards.values()]

    for found in (
        cards_of(rows_of(Profile.objects.filter(pk__in=pks).order_by("pk")), user),
        chosen_cards(pks, user),
    ):
        assert [card.name for card in found] == list(cards)
        assert [card.place for card in found] == [
            f"Place of {name}" if name in seen else "" for name in cards
        ]
        assert [card.headline for card in found] == [f"Seen by {name}" for name in cards]


def test_the_cards_of_a_search_are_in_its_order_and_of_those_who_are_seen(
    cards, member, staff, django_assert_num_queries
):
    """Somebody may be hidden, or deleted, since the search found them."""
    everyone, members, nobody = (profile.pk for profile in cards.values())
    Profile.objects.filter(pk=members).update(visibility="hidden")
    asked = [nobody, 2**40, members, everyone]

    def names(user):
        return [card.name for card in chosen_cards(asked, user)]

    with django_assert_num_queries(1):
        assert names(member) == ["nobody", "everyone"]
    assert names(AnonymousUser()) == ["nobody", "everyone"]
    assert names(staff) == ["nobody", "members", "everyone"]
    with django_assert_num_queries(0):
        assert chosen_cards([], member) == []


@pytest.mark.parametrize("is_withheld", [False, True])
def test_a_photo_is_shown_in_both_sizes_or_else_a_letter(is_withheld):
    with_photo = Profile(name="Łucja", avatar="avatars/l.webp", avatar_small="avatars/s.webp")

    shown = avatar(with_photo, "2rem", without_photo=is_withheld)

    parts = ["/avatars/l.webp 512w", "/avatars/s.webp 96w", 'sizes="2rem"']
    assert [part in shown for part in parts] == [not is_withheld] * 3
    assert (">Ł<" in shown) is is_withheld
    assert ">Ł<" in avatar(Profile(name="Łucja"))
    assert "<img" not in avatar(Profile(name="Łucja")) + avatar(None) + avatar(Profile())
