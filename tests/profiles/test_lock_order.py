"""Rows that are locked together are locked in one order, so that two at work wait for one another.

In another order each may hold what the other waits for, and the database ends one with an error.
"""

import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from profiles.batches.models import BatchFile
from profiles.batches.saving import save_one
from profiles.desk.activity import switched
from profiles.invitations import inviting
from profiles.invitations.models import Invitation, InvitationList
from profiles.management.commands.describe_uploads import keep_text
from profiles.models import Profile, ResumeText, StoredUpload, User
from profiles.privacy.deletion import delete_member
from profiles.privacy.leaving import leave
from profiles.weekly_openings import tell_owners
from tests.conftest import make_member
from tests.profiles.test_admin import change
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LOCK = "/* FOR UPDATE */"
LOCKED = re.compile(r'FROM "(\w+)".*?(?:ORDER BY ([^()]+?))?(?: LIMIT \d+)? /\* FOR UPDATE')


@pytest.fixture
def locks(monkeypatch):
    """A function that does something, and returns which rows it locks in which order.

    SQLite has no locks of rows; its statements have a comment where PostgreSQL's have them.
    """
    monkeypatch.setattr(connection.features, "has_select_for_update", True)
    monkeypatch.setattr(connection.features, "has_select_for_update_of", True)
    monkeypatch.setattr(connection.ops, "for_update_sql", lambda **options: LOCK)

    def run(do, *args, **options):
        with CaptureQueriesContext(connection) as queries:
            do(*args, **options)
        found = [LOCKED.search(query["sql"]) for query in queries if LOCK in query["sql"]]
        return [(each[1], (each[2] or "").replace('"', "")) for each in found]

    return run


@pytest.fixture
def invited(staff):
    """The invitations of two members who have not come."""
    for name in "ab":
        user = User.objects.create_user(f"{name}@example.org")
        earlier = timezone.now() - timedelta(minutes=2)
        Invitation.objects.create(user=user, invited_by=staff, invited_at=earlier)
    return Invitation.objects.all()


MEMBERS = ("profiles_user", "profiles_user.id ASC")
MEMBERS_BY_ADDRESS = ("profiles_user", "profiles_user.email ASC")
PROFILES = ("profiles_profile", "profiles_profile.id ASC")
UPLOADS = ("profiles_storedupload", "profiles_storedupload.id ASC")
SITE = "https://example.org"


def test_members_who_are_deactivated(locks, staff, member):
    chosen = User.objects.filter(pk=member.pk)

    assert locks(switched, chosen, staff, is_active=False) == [MEMBERS]
    assert not chosen.get().is_active


def test_a_list_that_is_confirmed(locks, staff, invited):
    rows = [[1, "a@example.org", "Ada", ""], [2, "new@example.org", "New", ""]]
    kept = InvitationList.objects.create(owner=staff, title="x.csv", rows=rows)

    assert locks(inviting.confirm, kept.pk, staff, SITE) == [
        ("invitations_invitationlist", "invitations_invitationlist.id ASC"),
        MEMBERS_BY_ADDRESS,
        PROFILES,  # of the new member, to be indexed
        PROFILES,  # to be renamed
        PROFILES,  # and indexed
    ]


def test_an_invitation_that_is_sent_again(locks, staff, invited):
    assert locks(inviting.invite_again, invited, SITE, by=staff) == [MEMBERS_BY_ADDRESS]


def test_an_invitation_that_is_withdrawn(locks, invited):
    assert locks(inviting.withdraw, invited) == [MEMBERS_BY_ADDRESS]
    assert not Invitation.objects.exists()


def test_a_member_who_leaves(locks, member):
    """The second lock is of one row."""
    assert locks(leave, member, SITE) == [MEMBERS, ("profiles_user", "")]


def test_a_superuser_who_loses_the_rights(locks, client, staff):
    other = make_member("other@example.org", is_staff=True, is_superuser=True)
    client.force_login(staff)
    form = change(other) | {"is_staff": "on"}

    first, *_ = locks(client.post, f"/admin/profiles/user/{other.pk}/change/", form)

    assert first == MEMBERS
    assert not User.objects.get(pk=other.pk).is_superuser


def test_a_superuser_who_is_deleted(locks, client, staff):
    other = make_member("other@example.org", is_staff=True, is_superuser=True)
    client.force_login(staff)

    first, *_ = locks(client.post, f"/admin/profiles/user/{other.pk}/delete/", {"post": "yes"})

    assert first == MEMBERS
    assert not User.objects.filter(pk=other.pk).exists()


def test_a_member_who_is_saved(locks, member):
    assert locks(member.profile.save) == [PROFILES]


def test_a_file_that_is_saved_for_a_member(locks, staff, member):
    upload = StoredUpload.receive(staff, "resume", ContentFile(samples.pdf(), name="cv.pdf"))
    file = BatchFile.objects.create(owner=staff, upload=upload, profile=member.profile)

    assert locks(save_one, file, False, staff) == [
        PROFILES,
        UPLOADS,
        ("profiles_resumetext", ""),  # by update_or_create()
        PROFILES,  # to be indexed
    ]
    assert Profile.objects.get(user=member).resume


def test_members_who_are_told_of_openings(locks, owner, other_member):
    Profile.objects.update(tells_openings=True)

    assert locks(tell_owners) == [PROFILES] * 2, "until nobody is left"


def test_a_member_who_is_deleted(locks, member):
    User.objects.filter(pk=member.pk).update(leaves_at=timezone.now())

    of_one = [("profiles_profile", ""), ("profiles_storedupload", "")]
    assert locks(delete_member, member.pk) == [MEMBERS, *of_one]


def test_the_text_of_an_older_resume(locks, owner):
    ResumeText.objects.all().delete()

    assert locks(keep_text, owner.profile, "Tides") == [
        PROFILES,
        ("profiles_resumetext", ""),
        PROFILES,
    ]


def test_a_report_from_which_former_members_are_taken(locks, staff):
    for _ in range(2):
        InvitationList.objects.create(owner=staff, title="x.csv", confirmed_at=timezone.now())

    assert locks(inviting.forget_former_members) == [("invitations_invitationlist", "")] * 2


def test_a_form_of_a_profile(locks, client, member):
    client.force_login(member)
    resume = ContentFile(samples.pdf(), name="cv.pdf")
    form = {"name": "Ada", "visibility": "members", "resume": resume}

    assert locks(client.post, "/me/edit/", form) == [
        ("profiles_profile", ""),  # the one
        ("profiles_storedupload", ""),  # what was chosen for it
        ("profiles_resumetext", ""),
        PROFILES,
    ]
