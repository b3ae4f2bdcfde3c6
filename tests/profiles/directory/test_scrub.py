"""A staging copy keeps no word of a departed member, and still finds its staff."""

import pytest

from tests.conftest import make_member
from tests.support.rows import scrub_members, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_words_of_departed_members_are_in_no_table_of_the_search(client, staff, settings):
    """The control: before the scrub they are, and the words of the staff stay."""
    settings.SITE_ENVIRONMENT = "staging"
    profile = make_member("z@departed.example", name="Zuzanna Wiśniewska").profile
    profile.headline, profile.bio = "Staff of lighthouses", "Born in a thunderstorm"
    profile.save()
    words = ["zuzanna", "wisniewska", "lighthouses", "thunderstorm"]
    assert [word for word in words if word not in whole_database()] == []

    scrub_members()

    assert [word for word in words if word in whole_database()] == []
    client.force_login(staff)
    assert [card.pk for card in client.get("/members/?q=staff").context["page"]] == [
        staff.profile.pk
    ]
    assert [card.pk for card in client.get("/members/?q=stafff").context["page"]] == [
        staff.profile.pk
    ]


def test_words_of_whoever_stays_as_another_person_are_in_no_table_of_the_search(staff, settings):
    """Typos would be compared with the names of members of the live site."""
    settings.SITE_ENVIRONMENT = "staging"
    profile = make_member("z@kept.example", name="Zuzanna Wiśniewska").profile
    profile.headline, profile.bio = "Staff of lighthouses", "Born in a thunderstorm"
    profile.save()

    scrub_members(keep=1)

    profile.refresh_from_db()
    assert profile.name not in {"", "Zuzanna Wiśniewska"}
    words = ["zuzanna", "wisniewska", "lighthouses", "thunderstorm"]
    assert [word for word in words if word in whole_database()] == []
