"""The staff find members in the admin as the directory finds them, and by address."""

import pytest

from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


@pytest.mark.parametrize(
    "text", ["lucja", "WRONSKA", "zak lucja", "tide", "l.w@example", "Łucja", "lucja-wron"]
)
def test_the_admin_finds_names_without_accents_headlines_and_addresses(client, staff, text):
    member = make_member("l.w@example.org", name="Łucja Wrońska-Żak")
    member.profile.headline = "Tide gauges"
    member.profile.save()
    make_member("other@example.org", name="Lukas Wrona")
    client.force_login(staff)

    page = client.get("/admin/profiles/user/", {"q": text})

    assert list(page.context["cl"].queryset) == [member]


def test_the_admin_sorts_members_as_the_directory_does(client, staff):
    for name in ["Zahra", "Ánte", "Łucja", ""]:
        make_member(f"{len(name)}{name.encode().hex()}@example.org", name=name)
    client.force_login(staff)

    listed = client.get("/admin/profiles/user/").context["cl"].queryset

    assert [user.profile.name for user in listed] == ["Ánte", "Łucja", "Staff", "Zahra", ""]
