"""The home page: what it asks a member for, and the first steps on a new site."""

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from profiles.models import Profile
from tests.conftest import make_member
from tests.support import samples

pytestmark = pytest.mark.django_db


def home(client):
    return client.get(reverse("home")).content.decode()


def asked(client):
    page = home(client)
    return [
        name
        for name, words in {
            "avatar": "Show your face",
            "headline": "Say what you do, in one line",
            "resume": "Let others read about your work",
        }.items()
        if words in page
    ]


def test_a_member_is_asked_for_one_thing_at_a_time(client, member):
    """Moment 4."""
    client.force_login(member)
    assert asked(client) == ["avatar"]

    member.profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    member.profile.save()
    assert asked(client) == ["headline"]

    member.profile.headline = "Poetical scientist"
    member.profile.save()
    assert asked(client) == ["resume"]

    member.profile.resume = ContentFile(samples.pdf(), name="cv.pdf")
    member.profile.save()
    assert asked(client) == []


def test_a_member_who_answers_not_now_is_asked_for_the_next(client, member):
    client.force_login(member)

    for name, following in {"avatar": ["headline"], "headline": ["resume"], "resume": []}.items():
        client.post(reverse("not-now", args=[name]))
        assert asked(client) == following


def test_not_now_is_remembered_on_every_device_and_for_this_member_alone(
    client, member, other_member
):
    client.force_login(member)
    client.post(reverse("not-now", args=["avatar"]))
    client.logout()

    client.force_login(member)
    assert asked(client) == ["headline"]
    client.force_login(other_member)
    assert asked(client) == ["avatar"]


@pytest.mark.parametrize("name", ["password", "name", "nothing"])
def test_only_what_is_asked_for_can_be_declined(client, member, name):
    client.force_login(member)

    assert client.post(f"/me/not-now/{name}/").status_code == 404
    assert Profile.objects.get(user=member).not_asked == ""


def test_a_new_site_leads_its_superuser_through_three_steps(client, staff):
    """Moment 17: name and logo in one form, then the invitation: clicks on 3 links or buttons."""
    client.force_login(staff)
    page = home(client)
    assert "Name your society" in page
    assert "Show your face" not in page
    form = client.get(reverse("admin:society_society_changelist"), follow=True)
    logo = ContentFile(samples.png((400, 100)), name="logo.png")

    saved = client.post(form.request["PATH_INFO"], {"name": "Our club", "logo": logo}, follow=True)

    page = saved.content.decode()
    assert saved.redirect_chain[-1][0] == reverse("home")
    assert "This is the portal of Our club now." in page
    assert page.count(">done<") == 2
    assert f'href="{reverse("admin:invitations_new")}"' in page
    assert "Invite your first members" in client.get("/admin/").content.decode()
    make_member("ada@example.org")
    assert "Invite your first members" not in home(client)


def test_the_newest_and_those_who_changed_their_profiles_last_are_the_first(client, member):
    """Six of each: with a name, and of the latter the others who have a resume."""
    for number in range(9):
        user = make_member(f"m{number}@example.org", name=f"Member {number}")
        moment = timezone.now() + timedelta(days=number % 4)  # so that some are of one moment
        Profile.objects.filter(user=user).update(
            created_at=moment.replace(hour=0, minute=0, second=0, microsecond=0),
            updated_at=moment.replace(hour=0, minute=0, second=0, microsecond=number % 2),
            resume="" if number == 2 else "resumes/a.pdf",
            name="" if number == 3 else f"Member {number}",
        )
    Profile.objects.filter(user=member).update(
        resume="resumes/a.pdf", updated_at=timezone.now() + timedelta(days=9)
    )
    client.force_login(member)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(reverse("home"))

    newest = [card.name[-1] for card in page.context["newest"]]
    assert newest == [*"76251e"], "the last is Ada Lovelace, of today"
    assert [profile.name[-1] for profile in page.context["updated"]] == [*"765184"]
    assert not [query for query in asked if "bio" in query["sql"]][1:], "but for the own profile"


@pytest.mark.parametrize(("visibility", "is_named"), [("members", True), ("hidden", False)])
def test_nobody_who_is_hidden_is_new_or_has_a_new_resume(
    client, owner, member, visibility, is_named
):
    Profile.objects.filter(user=owner).update(visibility=visibility)
    client.force_login(member)

    assert ("Mary Somerville" in home(client)) is is_named


@pytest.mark.parametrize("is_staff", [False, True])
def test_others_do_not_see_the_steps(client, is_staff):
    client.force_login(make_member("clerk@example.org", is_staff=is_staff))

    assert "Name your society" not in home(client)


def test_of_those_who_came_at_the_same_moment_the_last_is_the_first(client, member):
    others = [make_member(f"m{number}@example.org", name=f"M {number}") for number in range(3)]
    Profile.objects.exclude(user=member).update(
        avatar="avatars/x.webp", avatar_small="avatars/y.webp", resume="resumes/x.pdf"
    )
    Profile.objects.update(created_at=timezone.now(), updated_at=timezone.now())
    client.force_login(member)

    with CaptureQueriesContext(connection) as queries:
        shown = client.get(reverse("home")).context

    latest = [user.profile.pk for user in reversed(others)]
    assert [card.pk for card in shown["newest"]] == [*latest, member.profile.pk]
    assert [profile.pk for profile in shown["updated"]] == latest
    asked = [query["sql"] for query in queries]
    in_order = re.compile(r' DESC, (1|"profiles_profile"."id") DESC LIMIT 6$')
    assert len(list(filter(in_order.search, asked))) == 2
    assert not [sql for sql in asked if "LIMIT 21" in sql], "no profile is read once more"


def test_a_second_click_on_not_now_is_noted_once(client, member):
    client.force_login(member)

    for _ in range(2):
        client.post(reverse("not-now", args=["avatar"]))

    assert Profile.objects.get(user=member).not_asked == "avatar"
