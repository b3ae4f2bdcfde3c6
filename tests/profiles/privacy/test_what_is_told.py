"""What is told about leaving, to whom, and where each button leads."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.core import mail
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles.admin import MemberAdmin
from profiles.models import Profile, User
from profiles.privacy.about import about_account
from profiles.privacy.deletion import due_members
from profiles.privacy.leaving import leave
from profiles.privacy.views import ONLY_SUPERUSER
from tests.conftest import make_clerk, make_member
from tests.profiles.test_admin import change

from .conftest import let_the_date_come

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def words_of(response):
    """Return the messages that the next page shows, with their level."""
    return [(each.level_tag, str(each)) for each in get_messages(response.wsgi_request)]


def test_entries_of_the_log_are_about_an_account_or_its_profile(member, other_member, staff):
    ours, theirs, chief = member, other_member, staff
    of_user, of_profile = ContentType.objects.get_for_models(User, Profile).values()
    of_group = ContentType.objects.get_for_model(Group)
    ours.profile.delete()
    profile = Profile.objects.create(user=ours)  # whose number is not the account's
    keys = [(of_user, ours.pk), (of_profile, profile.pk), (of_user, theirs.pk)]
    keys += [(of_user, profile.pk), (of_profile, ours.pk), (of_profile, theirs.profile.pk)]
    for kind, key in [*keys, (of_group, ours.pk), (of_group, profile.pk)]:
        LogEntry.objects.create(user=chief, content_type=kind, object_id=key, action_flag=CHANGE)

    about = LogEntry.objects.filter(about_account(ours)).order_by("pk")

    assert [(each.content_type, int(each.object_id)) for each in about] == keys[:2]


def page_of(member):
    return reverse("admin:profiles_user_leaving", args=[member.pk])


@pytest.fixture
def another_leaver(db):
    soon = timezone.now() + timedelta(days=1)
    return make_member("leaving@example.org", name="Else", is_staff=True, leaves_at=soon)


@pytest.mark.parametrize("is_staff", [False, True])
def test_the_leaver_is_told_and_the_staff_who_are_there(
    staff, another_leaver, owner, log_in, is_staff
):
    """Nobody of the staff who cannot log in, or is leaving; nor the leaver, as one of the staff."""
    make_member("off@example.org", is_staff=True, is_active=False)
    make_member("member@example.org")
    User.objects.filter(pk=owner.pk).update(is_staff=is_staff)

    log_in(owner).post("/me/data/leave/")

    rows = OutgoingMessage.objects.values_list("kind", "to", "about_account")
    assert sorted(rows) == [
        ("leaving", owner.email, True),
        ("member_leaving", staff.email, False),
    ]
    told = {message.to[0]: message for message in mail.outbox}
    assert told[owner.email].subject.endswith("You are leaving")
    assert "\nhttp://testserver/me/data/\n" in told[owner.email].body
    assert told[staff.email].subject.endswith("A member is leaving")
    assert "Mary Somerville (mary@example.org) is leaving" in told[staff.email].body
    link = f"http://testserver/admin/profiles/user/{owner.pk}/change/"
    assert f"\n{link}\n" in told[staff.email].body


def test_no_message_waits_for_staff_who_cannot_log_in(staff, owner, log_in, settings):
    settings.OUTBOX_BACKEND = None
    make_member("off@example.org", is_staff=True, is_active=False)

    log_in(owner).post("/me/data/leave/")

    assert set(OutgoingMessage.objects.values_list("to", flat=True)) == {owner.email, staff.email}


def test_the_page_tells_how_long_one_can_come_back(client, owner, settings):
    settings.LEAVING_DAYS = 11
    client.force_login(owner)
    assert "For 11 days you can log in and come back" in client.get("/me/data/").text
    assert "the only superuser" not in client.get("/me/data/").text

    User.objects.filter(pk=owner.pk).update(leaves_at=timezone.now() + timedelta(minutes=1))
    assert "You can come back until" in client.get("/me/data/").text

    let_the_date_come(owner)
    assert "about to be deleted" in client.get("/me/data/").text
    assert "You can come back until" not in client.get("/me/data/").text


def test_each_button_leads_to_the_page_that_tells_what_has_become_of_it(client, owner, log_in):
    log_in(owner)

    left = client.post("/me/data/leave/")
    came_back = client.post("/me/data/stay/")

    assert (left.status_code, left["Location"]) == (302, "/me/data/")
    assert (came_back.status_code, came_back["Location"]) == (302, "/")
    back = ("success", "Welcome back. All is as it was.")
    assert words_of(came_back)[1:] == [back], "the first is of logging in"

    client.post("/me/data/leave/")
    let_the_date_come(owner)
    too_late = client.post("/me/data/stay/")
    assert (too_late["Location"], words_of(too_late)[1:]) == ("/me/data/", [back])


def test_the_only_superuser_is_told_why_they_stay(staff, log_in):
    answer = log_in(staff).post("/me/data/leave/")

    assert answer["Location"] == "/me/data/"
    assert words_of(answer)[-1] == ("error", str(ONLY_SUPERUSER))


@pytest.mark.parametrize("address", ["/me/data/", "/me/data/download/", "/me/data/leave/"])
def test_a_visitor_has_no_data(client, address):
    method = client.get if address == "/me/data/" else client.post

    assert method(address)["Location"] == f"/accounts/login/?next={address}"
    assert client.post("/me/data/stay/")["Location"] == "/accounts/login/?next=/me/data/stay/"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [("", "GET, HEAD"), ("download/", "POST"), ("leave/", "POST"), ("stay/", "POST")],
)
def test_nothing_is_done_by_a_link(client, owner, address, allowed):
    client.force_login(owner)

    refused = (client.post if "GET" in allowed else client.get)(f"/me/data/{address}")

    assert (refused.status_code, refused["Allow"]) == (405, allowed)


def test_staff_are_told_what_has_become_of_each_button(client, staff, owner):
    client.force_login(staff)

    done = [client.post(page_of(owner), {button: ""}) for button in ("leave", "stay", "other")]
    let_the_date_come(owner)
    done.append(client.post(page_of(owner), {"stay": ""}))

    change = f"/admin/profiles/user/{owner.pk}/change/"
    assert {response["Location"] for response in done} == {change}
    assert [words_of(response)[-1:] for response in done] == [
        [("success", "The member is leaving, and has been sent a message.")],
        [("success", "The member stays. All is as it was.")],
        [("success", "The member stays. All is as it was.")],  # nothing new
        [("error", "It is too late: the member is deleted in this night.")],
    ]
    log = LogEntry.objects.order_by("pk").values_list("user", "object_id", "change_message")
    assert list(log) == [
        (staff.pk, str(owner.pk), "Started the member's leaving."),
        (staff.pk, str(owner.pk), "Undid the member's leaving."),
    ]


def test_the_page_of_the_staff_offers_what_can_be_done(client, staff, owner):
    client.force_login(staff)
    offered = []
    for leaves_at in (None, timezone.now() + timedelta(days=1), timezone.now()):
        User.objects.filter(pk=owner.pk).update(leaves_at=leaves_at)
        page = client.get(page_of(owner))
        assert (page.context["title"], page.context["subtitle"]) == (
            "Data and leaving",
            owner.email,
        )
        names = ("download", "leave", "stay")
        offered.append([name for name in names if f'name="{name}"' in page.text])

    assert offered == [["download", "leave"], ["download", "stay"], ["download"]]


def test_staff_get_the_archive_under_its_name(client, staff, owner):
    client.force_login(staff)

    response = client.post(page_of(owner), {"download": ""})

    assert list(response)
    today = timezone.now().strftime("%Y-%m-%d")
    assert response["Content-Disposition"] == f'attachment; filename="my-data-{today}.zip"'


def test_the_page_of_the_staff_is_for_those_who_may_change_members(client, owner):
    """A member who is not there is told of as on any other page of the admin."""
    address = page_of(owner)
    client.force_login(make_clerk("view_user"))
    assert client.get(address).status_code == 403

    User.objects.filter(email="clerk@example.org").delete()
    client.force_login(make_clerk("change_user"))
    assert client.get(address).status_code == 200
    assert client.delete(address).status_code == 405
    gone = client.get("/admin/profiles/user/999/leaving/")
    assert (gone.status_code, gone["Location"]) == (302, "/admin/")
    assert "Perhaps it was deleted?" in words_of(gone)[0][1]


def test_at_the_very_moment_it_is_too_late(client, staff, owner, monkeypatch):
    """The pages and the buttons agree with the nightly deletion."""
    moment = timezone.now()
    User.objects.filter(pk=owner.pk).update(leaves_at=moment)
    client.force_login(staff)
    monkeypatch.setattr(timezone, "now", lambda: moment)

    assert 'name="stay"' not in client.get(page_of(owner)).text
    client.force_login(owner)
    assert "about to be deleted" in client.get("/me/data/").text
    client.post("/me/data/stay/")
    assert User.objects.get(pk=owner.pk).leaves_at == moment
    assert due_members() == [owner.pk]


@pytest.mark.parametrize(("button", "is_leaving"), [("leave", False), ("stay", True)])
def test_nothing_is_done_that_could_not_be_recorded(
    client, staff, owner, monkeypatch, button, is_leaving
):
    def fail(*arguments, **options):
        raise DatabaseError("The log is full")

    if is_leaving:
        soon = timezone.now() + timedelta(days=1)
        User.objects.filter(pk=owner.pk).update(leaves_at=soon)
    client.force_login(staff)
    monkeypatch.setattr(MemberAdmin, "log_change", fail)

    with pytest.raises(DatabaseError):
        client.post(page_of(owner), {button: ""})

    assert (User.objects.get(pk=owner.pk).leaves_at is not None) is is_leaving
    assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("is_deleted", [True, False])
def test_staff_are_told_of_a_member_who_was_deleted_while_they_saved(
    client, staff, member, monkeypatch, is_deleted
):
    """Any other fault of the database is one: the control."""

    def save(user, **options):
        raise DatabaseError("Save with update_fields did not affect any rows.")

    client.force_login(staff)
    monkeypatch.setattr(User, "save", save)
    if is_deleted:  # by another process, so that the rollback does not bring the row back
        nobody = SimpleNamespace(objects=User.objects.none())
        monkeypatch.setattr("profiles.privacy.admin.User", nobody)
    address = reverse("admin:profiles_user_change", args=[member.pk])

    if is_deleted:
        told = client.post(address, change(member))
        assert (told.status_code, told["Location"]) == (302, "/admin/")
        assert "Perhaps it was deleted?" in words_of(told)[-1][1]
    else:
        with pytest.raises(DatabaseError):
            client.post(address, change(member))


def test_superusers_are_locked_in_one_order(staff, member):
    """Two who leave at the same time would else wait for one another."""
    with CaptureQueriesContext(connection) as asked:
        leave(member, "http://testserver")

    condition = 'WHERE "profiles_user"."is_superuser"'
    locking = [query["sql"] for query in asked if condition in query["sql"]]
    assert locking
    assert locking[0].removesuffix(" FOR UPDATE").endswith('ORDER BY "profiles_user"."id" ASC')
