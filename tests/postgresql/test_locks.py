"""Rows that are read and then written are locked in between, always in the same order.

The effects of two writers on one another are tried in test_two_at_once.py of several rooms, for
which PostgreSQL is needed. Here each statement that locks is noted, on any database.
"""

from datetime import timedelta

import pytest
from allauth.core.context import request_context
from django.core import mail
from django.core.files.base import ContentFile
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from portal.accounts.address_change import ask_for_change, keep_address
from profiles.invitations.inviting import forget_former_members
from profiles.management.commands.describe_uploads import keep_text
from profiles.models import Profile, ResumeText, User
from profiles.privacy import deletion
from profiles.weekly_openings import tell_owners
from tests.accounts.address_steps import NEW, ask, link_to, press
from tests.accounts.test_accounts import link_in, log_in
from tests.conftest import PASSWORD, make_member
from tests.support import samples

pytestmark = pytest.mark.django_db

PROFILE, UPLOAD, USER = "Profile", "StoredUpload", "User"
LIST = "InvitationList"
# Read together with rows beside them, which are left unlocked.
PROFILE_ALONE, USER_ALONE = "Profile alone", "User alone"


@pytest.fixture
def locks(monkeypatch):
    """The models whose rows were locked, in order; a test forgets those of its preparations.

    Each is locked in a transaction of the code's own, and not in that of the test.
    """
    found, lock = [], QuerySet.select_for_update
    outside = len(connection.savepoint_ids)

    def noted(rows, *args, **options):
        assert len(connection.savepoint_ids) > outside, "or PostgreSQL refuses it"
        is_alone = options.get("of") == ("self",)
        found.append(rows.model.__name__ + (" alone" if is_alone else ""))
        return lock(rows, *args, **options)

    monkeypatch.setattr(QuerySet, "select_for_update", noted)
    return found


@pytest.fixture
def desk(client, staff):
    client.force_login(staff)
    return client


def test_a_form_of_a_profile_locks_the_row_and_then_the_files(client, member, locks):
    client.force_login(member)

    client.post(
        "/me/edit/",
        {
            "name": "Ada",
            "visibility": "members",
            "avatar": ContentFile(samples.jpeg((200, 200)), name="me.jpg"),
        },
    )

    assert locks == [PROFILE, UPLOAD, PROFILE_ALONE], "the last is that of the search texts"


def test_files_by_the_hundred_are_named_as_by_the_form(desk, member, locks):
    page = "/admin/profiles/user/files/"
    photo = ContentFile(samples.jpeg((200, 200)), name="Ada Lovelace.jpg")
    desk.post(f"{page}send/", {"files": [photo]})
    [file] = desk.get(page).context["files"]
    locks.clear()

    desk.post(f"{page}save/", {"save": "1", f"member-{file.pk}": file.label})

    assert Profile.objects.get(user=member).avatar
    assert locks == [PROFILE_ALONE, UPLOAD, PROFILE_ALONE]


def test_whoever_is_deactivated_is_locked_with_all_superusers(desk, member, locks):
    desk.post("/admin/profiles/user/", {"action": "deactivate", "_selected_action": [member.pk]})

    assert locks == [USER]


def test_a_list_is_locked_and_then_whom_it_names(desk, locks):
    new = "/admin/invitations/invitation/new/"
    desk.post(desk.post(new, {"lines": "Grace Hoper <grace@example.org>"})["Location"])
    preview = desk.post(new, {"lines": "Grace Hopper <grace@example.org>"})["Location"]
    locks.clear()

    desk.post(preview)

    assert locks == [LIST, USER_ALONE, PROFILE_ALONE, PROFILE_ALONE], (
        "for the name, and for the search texts"
    )
    assert Profile.objects.get(user__email="grace@example.org").name == "Grace Hopper"


@pytest.mark.parametrize("action", ["invite_again", "withdraw"])
def test_whoever_is_invited_again_or_not_any_more_cannot_come_in_meanwhile(desk, locks, action):
    new = "/admin/invitations/invitation/new/"
    desk.post(desk.post(new, {"lines": "grace@example.org"})["Location"])
    invitation = User.objects.get(email="grace@example.org").invitation
    locks.clear()

    desk.post(
        "/admin/invitations/invitation/",
        {"action": action, "_selected_action": [invitation.pk], "confirmed": "yes"},
    )

    assert locks == [USER]


def test_a_list_is_locked_while_former_members_are_taken_out(desk, locks):
    new = "/admin/invitations/invitation/new/"
    desk.post(desk.post(new, {"lines": "grace@example.org"})["Location"])
    locks.clear()

    forget_former_members()

    assert locks == [LIST]


def test_an_invitation_is_locked_while_it_is_accepted(desk, locks):
    desk.post("/admin/profiles/user/add/", {"email": "new@example.org", "name": "New"})
    newcomer = Client()
    form = newcomer.get(link_in(mail.outbox[-1]))["Location"]
    newcomer.get(form)
    locks.clear()

    newcomer.post(form, {"password1": PASSWORD, "password2": PASSWORD})

    assert newcomer.get("/me/").status_code == 200
    assert locks == [USER]


def test_each_step_of_a_change_of_address_locks_the_member(client, rf, member, locks):
    """Also where AtomicAccountsMiddleware is not around it."""
    log_in(client, member.email)
    request = rf.post("/accounts/email/")
    request.user = member
    steps = {
        "ask": lambda: ask(client, NEW),
        "cancel": lambda: press(client, "action_remove"),
        "ask by code": lambda: ask_for_change(request, NEW),
        "cancel by code": lambda: keep_address(member),
        "ask again": lambda: ask(client, NEW),
        "confirm": lambda: client.post(link_to(NEW)),
    }

    for step, take in steps.items():
        locks.clear()
        with request_context(request):
            take()
        assert locks == [USER], step

    assert User.objects.get(pk=member.pk).email == NEW


def test_a_leaver_is_locked_with_all_superusers(client, member, locks):
    log_in(client, member.email)

    client.post("/me/data/leave/")

    assert User.objects.get(pk=member.pk).leaves_at
    assert locks == [USER, USER]


def test_a_deletion_waits_for_whoever_saves_the_profile_or_names_an_upload(member, locks):
    User.objects.filter(pk=member.pk).update(leaves_at=timezone.now() - timedelta(days=1))

    deletion.delete_leavers()

    assert not User.objects.filter(pk=member.pk).exists()
    assert locks == [USER, PROFILE, UPLOAD]


def test_a_resume_that_is_read_later_is_locked_with_its_text(member, locks):
    member.profile.resume = ContentFile(samples.pdf_with_text("Optics"), name="cv.pdf")
    member.profile.save()
    ResumeText.objects.all().delete()
    locks.clear()

    keep_text(Profile.objects.get(user=member), "Optics")

    assert ResumeText.objects.exists()
    assert locks == [PROFILE_ALONE, "ResumeText", PROFILE_ALONE], "the last is that of the search"


def test_two_nightly_runs_write_one_weekly_message(member, locks):
    Profile.objects.filter(user=make_member("grace@example.org")).update(tells_openings=True)

    tell_owners()

    assert locks == [PROFILE_ALONE, PROFILE_ALONE], "the second finds nobody left"
