"""One's own profile as others get it."""

import re

import pytest
from django.urls import reverse

from profiles.models import ResumeDownload
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

BANNER = re.compile(r'<p class="viewing-as".*?</p>')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')


def page(client, address):
    return TOKEN.sub("", client.get(address).content.decode())


@pytest.fixture
def shown(owner):
    """The profile of an owner, with something for each audience."""
    profile = owner.profile
    profile.headline, profile.bio, profile.visibility = "Astronomer", "Of the moon", "public"
    profile.place, profile.place_visibility = "Jedburgh", "everyone"
    profile.skills, profile.phone, profile.phone_visibility = "Optics", "01632 960777", "nobody"
    profile.save()
    ResumeDownload.objects.create(profile=profile, member=make_member("r@example.org", name="Rae"))
    return profile


@pytest.mark.parametrize("visibility", ["public", "members", "hidden"])
@pytest.mark.parametrize("role", ["visitor", "member"])
def test_the_page_is_that_of_others_but_for_a_banner(client, shown, other_member, role, visibility):
    shown.visibility = visibility
    shown.save()
    if role == "member":
        client.force_login(other_member)
    theirs = page(client, shown.get_absolute_url())
    client.force_login(shown.user)

    preview = page(client, reverse("view-as", args=[role]))

    assert BANNER.search(preview)
    assert BANNER.sub("", preview).split() == theirs.split()


@pytest.mark.parametrize(
    ("role", "seen"),
    [("visitor", {"Jedburgh"}), ("member", {"Jedburgh", "Of the moon", "Optics", "Open resume"})],
)
def test_nothing_that_is_for_the_owner_alone_is_on_it(client, shown, role, seen):
    """The control: the own page has all of it."""
    words = {"Jedburgh", "Of the moon", "Optics", "Open resume"}
    own = {"Edit profile", "Rae", "01632 960777"}
    client.force_login(shown.user)

    preview, whole = page(client, reverse("view-as", args=[role])), page(client, "/me/")

    assert {word for word in words | own if word in preview} == seen
    assert [word for word in words | own if word not in whole] == []


def test_it_is_two_clicks_from_the_first_page_and_one_back(client, shown):
    client.force_login(shown.user)

    assert f'href="{reverse("me")}"' in page(client, "/")
    for role in ("visitor", "member"):
        address = reverse("view-as", args=[role])
        assert f'href="{address}"' in page(client, reverse("me"))
        assert f'href="{reverse("me")}"' in BANNER.search(page(client, address))[0]


def test_staff_see_their_own_profile_without_their_rights(client, staff):
    client.force_login(staff)

    assert "Admin" in page(client, reverse("me"))
    assert "Admin" not in page(client, reverse("view-as", args=["member"]))


def test_the_owner_alone_is_offered_to_edit_the_profile(client, shown, other_member, staff):
    offered = []
    for user in (shown.user, other_member, staff):
        client.force_login(user)
        offered.append("Edit profile" in page(client, shown.get_absolute_url()))

    assert offered == [True, False, False]


def test_there_is_no_other_role(client, member):
    client.force_login(member)

    assert client.get(reverse("view-as", args=["staff"])).status_code == 404
