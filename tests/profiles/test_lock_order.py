"""Rows that are locked together are locked in one order, so that two at work wait for one another.

In another order each may hold what the other waits for, and the database ends one with an error.
"""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from profiles.desk.activity import switched
from profiles.invitations import inviting
from profiles.invitations.models import Invitation, InvitationList
from profiles.models import User
from profiles.privacy.leaving import leave

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


def test_a_member_who_is_saved(locks, member):
    assert locks(member.profile.save) == [PROFILES]
