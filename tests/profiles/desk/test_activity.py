"""Deactivating and reactivating members, and the note of the staff."""

import json
import zipfile

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from profiles import admin_limits
from profiles.admin_questions import NAMED
from profiles.desk import activity
from profiles.models import User
from profiles.privacy.archive import archive_of
from tests.conftest import PASSWORD, make_member
from tests.profiles.test_admin import change

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

LIST = "/admin/profiles/user/"


def act(client, action, *users):
    data = {"action": action, "_selected_action": [user.pk for user in users]}
    response = client.post(LIST, data, follow=True)
    return " ".join(map(str, response.context["messages"]))


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_many_are_switched_after_a_question_alone(admin_client, action):
    many = [
        make_member(f"m{number}@example.org", is_active=action == "deactivate")
        for number in range(NAMED + 1)
    ]
    data = {"action": action, "_selected_action": [user.pk for user in many]}

    question = admin_client.post(LIST, data)
    assert f"{action.title()} 11 members?" in question.text
    assert f'<input type="submit" value="{action.title()}">' in question.text
    assert is_active(many[0]) is (action == "deactivate")
    assert act(admin_client, action, *many[1:]) == f"10 members {action}d."
    admin_client.post(LIST, data | {"confirmed": "yes"})

    assert {is_active(user) for user in many} == {action == "reactivate"}


@pytest.fixture
def admin_client(client, staff):
    client.force_login(staff)
    return client


def is_active(user) -> bool:
    return User.objects.get(pk=user.pk).is_active


def log_in(member) -> Client:
    client = Client()
    data = {"login": member.email, "password": PASSWORD}
    client.post("/accounts/login/", data)
    assert UserSession.objects.filter(user=member).exists()
    return client


def test_members_are_deactivated_and_reactivated_by_the_dozen(
    admin_client, staff, member, other_member
):
    """Moment 23."""
    away = make_member("away@example.org", is_active=False)

    words = act(admin_client, "deactivate", member, other_member, away)

    assert words == "2 members deactivated."
    assert not is_active(member)
    assert history(staff) == ["ada: Deactivated.", "grace: Deactivated."]
    assert act(admin_client, "reactivate", member) == "1 member reactivated."
    assert act(admin_client, "reactivate", other_member, away) == "2 members reactivated."
    assert is_active(member)
    assert is_active(other_member)
    assert history(staff) == [
        "ada: Deactivated.",
        "ada: Reactivated.",
        "away: Reactivated.",
        "grace: Deactivated.",
        "grace: Reactivated.",
    ]
    assert act(admin_client, "reactivate", away) == "0 members reactivated."
    assert len(history(staff)) == 5


def history(by) -> list[str]:
    """What the admin's log has of the members whom this member of the staff has changed."""
    entries = LogEntry.objects.filter(user=by, action_flag=CHANGE)
    return sorted(
        f"{entry.get_edited_object().email.partition('@')[0]}: {entry.change_message}"
        for entry in entries
    )


def test_sessions_end_and_are_not_revived(admin_client, member):
    theirs = log_in(member)
    assert theirs.get("/me/").status_code == 200

    act(admin_client, "deactivate", member)
    act(admin_client, "reactivate", member)

    assert theirs.get("/me/").status_code == 302
    assert not UserSession.objects.filter(user=member).exists()


@pytest.mark.parametrize("by_form", [True, False])
def test_a_session_from_before_is_not_revived(admin_client, member, by_form):
    """Of a member who was deactivated without the site, as by SQL."""
    theirs = log_in(member)
    User.objects.filter(pk=member.pk).update(is_active=False)

    if by_form:
        admin_client.post(f"{LIST}{member.pk}/change/", change(member))
    else:
        act(admin_client, "reactivate", member)

    assert is_active(member)
    assert theirs.get("/me/").status_code == 302
    assert not UserSession.objects.filter(user=member).exists()


def test_sessions_end_when_it_is_done_on_the_form_too(admin_client, member):
    theirs = log_in(member)
    form = {
        "email": member.email,
        "profile-TOTAL_FORMS": 1,
        "profile-INITIAL_FORMS": 1,
        "profile-0-id": member.profile.pk,
        "profile-0-user": member.pk,
        "profile-0-name": "Ada",
        "profile-0-visibility": "members",
    }

    assert admin_client.post(f"{LIST}{member.pk}/change/", form).status_code == 302
    assert not is_active(member)
    act(admin_client, "reactivate", member)

    assert theirs.get("/me/").status_code == 302


def test_nobody_deactivates_themselves(admin_client, staff, member):
    words = act(admin_client, "deactivate", staff, member)

    assert is_active(staff)
    assert not is_active(member)
    assert words == ("1 member deactivated. Left out, as your own account or one of the staff: 1")


def test_only_superusers_deactivate_staff(client, member):
    clerk = make_member("clerk@example.org", is_staff=True)
    colleague = make_member("colleague@example.org", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="change_user"))
    client.force_login(clerk)

    words = act(client, "deactivate", colleague, member)

    assert is_active(colleague)
    assert not is_active(member)
    assert words == ("1 member deactivated. Left out, as your own account or one of the staff: 1")
    assert history(clerk) == ["ada: Deactivated."]


def test_superusers_deactivate_staff(admin_client):
    colleague = make_member("colleague@example.org", is_staff=True, is_superuser=True)

    act(admin_client, "deactivate", colleague)

    assert not is_active(colleague)
    assert history(colleague) == []


def test_a_superuser_who_is_not_chosen_is_left_alone(admin_client, staff, member):
    """Superusers are locked with those who are chosen."""
    make_member("other@example.org", is_superuser=True)

    act(admin_client, "deactivate", member)

    assert set(User.objects.filter(is_active=False)) == {member}


@pytest.mark.parametrize("action", ["deactivate", "reactivate"])
def test_staff_who_may_only_look_switch_nobody(client, member, action):
    clerk = make_member("clerk@example.org", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client.force_login(clerk)
    User.objects.filter(pk=member.pk).update(is_active=action == "deactivate")

    act(client, action, member)

    assert is_active(member) is (action == "deactivate")


def test_the_last_superuser_is_not_deactivated_on_the_form(admin_client, staff):
    form = {"email": staff.email, "is_staff": "on", "is_superuser": "on"}

    response = admin_client.post(f"{LIST}{staff.pk}/change/", form)

    assert "nobody could manage the site" in response.content.decode()
    assert is_active(staff)


NOTE = "Pays by cheque, in March"


def test_the_note_is_for_the_staff_and_their_form(admin_client, member):
    form = {
        "email": member.email,
        "is_active": "on",
        "profile-TOTAL_FORMS": 1,
        "profile-INITIAL_FORMS": 1,
        "profile-0-id": member.profile.pk,
        "profile-0-user": member.pk,
        "profile-0-name": "Ada",
        "profile-0-visibility": "public",
        "profile-0-staff_note": NOTE,
    }

    admin_client.post(f"{LIST}{member.pk}/change/", form)

    assert NOTE in admin_client.get(f"{LIST}{member.pk}/change/").content.decode()
    theirs = Client()
    theirs.force_login(member)
    for address in ("/me/", "/me/edit/", member.profile.get_absolute_url(), "/members/", "/"):
        assert NOTE not in theirs.get(address).content.decode(), address
    visited = admin_client.get(member.profile.get_absolute_url()).content.decode()
    assert NOTE not in visited


def test_members_are_given_the_note_with_their_data(member):
    """Article 15 of the GDPR: opinions about somebody are their data."""
    member.profile.staff_note = NOTE
    member.profile.save()

    with archive_of(member) as file, zipfile.ZipFile(file) as archive:
        data = json.loads(archive.read("data.json"))

    assert data["profile"][0]["staff_note"] == NOTE


def test_no_more_are_switched_at_once_than_a_request_has_time_for(
    admin_client, member, other_member, monkeypatch
):
    monkeypatch.setattr(admin_limits, "MAX_AT_ONCE", 1)

    words = act(admin_client, "deactivate", member, other_member)
    assert words == "Nothing was done: at most 1 at once, please."
    assert is_active(member)

    assert act(admin_client, "deactivate", member) == "1 member deactivated."


def test_whoever_was_deactivated_a_moment_ago_deactivates_nobody(
    admin_client, staff, member, monkeypatch
):
    """Else two superusers who do it to each other at once would leave none."""
    switch = activity.switched

    def a_moment_later(members, by, **options):
        User.objects.filter(pk=by.pk).update(is_active=False)
        return switch(members, by, **options)

    other = make_member("chief@example.org", is_staff=True, is_superuser=True)
    monkeypatch.setattr(activity, "switched", a_moment_later)

    admin_client.post(LIST, {"action": "deactivate", "_selected_action": [other.pk, member.pk]})

    assert is_active(other)
    assert is_active(member)
