"""The scrub rules: what a staging copy keeps, and that nothing of a departed member is left."""

import io
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.auth.tokens import default_token_generator
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from portal.staging.undecided import undecided_columns, undecided_tables
from profiles.batches.models import BatchFile
from profiles.invitations.models import Invitation, InvitationList
from profiles.invitations.reading import Row
from profiles.models import PendingFile, Profile, ResumeDownload, StoredUpload, User
from profiles.privacy.models import Departure
from profiles.scrub_rules import RULES
from profiles.society.models import Society
from tests.conftest import PASSWORD, make_member
from tests.support import samples
from tests.support.rows import scrub_members, whole_database

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

# What only departed members have, in the rows below.
PERSONAL = {
    "e-mail": "zuzanna.wisniewska@departed.example",
    "second e-mail": "zuza@second.example",
    "name": "Zuzanna Wisniewska",
    "headline": "Keeper of lighthouses",
    "bio": "I was born in a storm",
    "place": "Cape Horn",
    "skills": "Wick trimming",
    "links": "https://zuzanna.example/lamps",
    "phone": "+44 1632 960777",
    "contact e-mail": "zuza@lamps.example",
    "address of the computer": "203.0.113.77",
    "browser": "Netscape/4.04 (Amiga)",
    "secret of the second factor": "JBSWY3DPEHPK3PXP",
}


@pytest.fixture
def on_staging(settings):
    settings.SITE_ENVIRONMENT = "staging"


@pytest.fixture
def cache_table(settings):
    """The table that the release phase makes for the log-in throttle."""
    name = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "portal_cache"}
    settings.CACHES = {"default": name}
    call_command("createcachetable")
    return caches["default"]


@pytest.fixture
def departed(staff, cache_table):
    """A member, who is in every table where a member can be."""
    departed = make_member(PERSONAL["e-mail"], last_login=timezone.now())
    profile = departed.profile
    for field in ("name", "headline", "bio", "place", "skills", "links", "phone"):
        setattr(profile, field, PERSONAL[field])
    profile.contact_email = PERSONAL["contact e-mail"]
    profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    profile.resume = ContentFile(samples.pdf(), name="cv.pdf")
    profile.save()
    group, permission = Group.objects.create(name="Editors"), Permission.objects.first()
    group.permissions.add(permission)
    departed.groups.add(group)
    departed.user_permissions.add(permission)
    add_account_rows(departed, PERSONAL["second e-mail"])
    add_log_rows(staff, departed)
    upload = StoredUpload.receive(
        departed, "resume", ContentFile(samples.pdf(), name="cv of Grace.pdf")
    )
    BatchFile.objects.create(owner=departed, upload=upload, filename=f"{PERSONAL['name']}.pdf")
    PendingFile.objects.create(field="profiles.Profile.resume", name="resumes/x.pdf")
    ResumeDownload.objects.create(profile=profile, member=staff)
    ResumeDownload.objects.create(profile=staff.profile, member=departed)
    message = OutgoingMessage.objects.create(to=departed.email, subject=f"Dear {PERSONAL['name']}")
    Invitation.objects.create(user=departed, message=message)
    row = Row(1, departed.email, PERSONAL["name"])
    InvitationList.objects.create(owner=staff, title="members.csv", rows=[row])
    Departure.objects.create(digest="0" * 64, record="departures/" + "0" * 64)
    Society.objects.create(name="Society", contact=PERSONAL["name"], contact_email=departed.email)
    cache_table.set(f"throttle:login:{departed.email}", [1, 2, 3])
    return departed


def add_account_rows(user, email):
    address = EmailAddress.objects.create(user=user, email=email, verified=False)
    EmailConfirmation.create(address).save()
    secret = {"secret": PERSONAL["secret of the second factor"]}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=secret)
    in_a_day = timezone.now() + timedelta(days=1)
    Session.objects.create(session_key=f"key-of-{user.pk}", expire_date=in_a_day)
    UserSession.objects.create(
        user=user,
        session_key=f"key-of-{user.pk}",
        ip=PERSONAL["address of the computer"],
        user_agent=PERSONAL["browser"],
    )


def add_log_rows(staff, departed):
    for user in (staff, departed):
        LogEntry.objects.create(
            user=user,
            content_type=ContentType.objects.get_for_model(User),
            object_id=departed.pk,
            object_repr=departed.email,
            action_flag=CHANGE,
            change_message=f"Changed {departed.profile.name}",
        )


def dumped_data() -> str:
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    return out.getvalue()


def found_in(text, words) -> list[str]:
    """Return the names of those words that are in the text."""
    return [what for what, word in words.items() if word.lower() in text.lower()]


def words_about(user) -> dict:
    files = {"avatar": user.profile.avatar.name, "resume": user.profile.resume.name}
    return PERSONAL | files | {"session": f"key-of-{user.pk}"}


@pytest.mark.parametrize("dump", [whole_database, dumped_data])
def test_nothing_of_a_departed_member_is_left(on_staging, departed, dump):
    """B2: the whole database as text; before the scrub, everything is in it: the control."""
    words = words_about(departed)
    assert found_in(dump(), words) == list(words)

    scrub_members()

    assert found_in(dump(), words) == []


def test_every_table_has_rows_to_look_at(departed):
    """Guards the test above: who adds a table adds a row about a departed member to it."""
    with connection.cursor() as cursor:
        empty = []
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")
            empty += [table] if cursor.fetchone() == (0,) else []

    assert empty == []


def test_staff_keep_their_accounts(on_staging, departed, staff, client):
    """B2: the address, the password, the profile, and the right to open the admin."""
    before = User.objects.values("email", "password", "is_superuser", "date_joined").get(
        pk=staff.pk
    )

    scrub_members()

    assert list(User.objects.values(*before)) == [before]
    assert staff.profile.name == Profile.objects.get().name
    client.post(reverse("account_login"), {"login": staff.email, "password": PASSWORD})
    assert client.get(reverse("me")).status_code == 200


def test_staff_lose_sessions_and_second_factors(on_staging, departed, staff, client):
    """B2: a copy of the database must not give a way into anybody's account.

    The verified address stays: without it, its owner could not change it any more.
    """
    staff.last_login = timezone.now()
    staff.save()
    add_account_rows(staff, "staff@second.example")
    client.force_login(staff)  # which is noted in the row, and a token is valid until then
    token = default_token_generator.make_token(staff)
    assert client.get(reverse("me")).status_code == 200
    assert default_token_generator.check_token(staff, token)

    scrub_members()

    for model in (EmailConfirmation, Authenticator, Session, UserSession):
        assert not model.objects.exists()
    kept = EmailAddress.objects.values_list("user", "email", "verified", "primary")
    assert list(kept) == [(staff.pk, staff.email, True, True)]
    assert client.get(reverse("me")).status_code == 302
    assert not default_token_generator.check_token(User.objects.get(), token)


def test_the_record_of_a_staff_members_resume_loses_its_readers(on_staging, departed, staff):
    """B2."""
    ResumeDownload.objects.create(profile=staff.profile, member=staff)

    scrub_members()

    kept = ResumeDownload.objects.order_by("pk").values_list("profile", "member")
    assert list(kept) == [(staff.profile.pk, None), (staff.profile.pk, staff.pk)]


def test_the_admins_log_loses_its_words(on_staging, departed, staff):
    """B2."""
    scrub_members()

    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_repr, entry.change_message) == (staff, "", "")


def test_a_second_run_finds_nothing_to_do(on_staging, departed):
    """B2."""
    scrub_members()
    after_one = whole_database()

    report = scrub_members()

    assert whole_database() == after_one
    assert "profiles." not in report


def test_the_report_counts_and_names_nobody(on_staging, departed):
    report = scrub_members()

    lines = [line.split() for line in report.splitlines()]
    assert ["profiles.User", "1"] in lines
    assert ["profiles.ResumeDownload.member", "1"] in lines
    assert ["portal_cache", "1"] in lines
    assert found_in(report, words_about(departed)) == []


def test_a_dry_run_says_the_same_and_writes_nothing(on_staging, departed):
    before = whole_database()

    counted = scrub_members(dry_run=True)

    assert whole_database() == before
    assert counted.splitlines()[:-1] == scrub_members().splitlines()[:-1]


def test_files_are_left_alone(on_staging, departed, django_capture_on_commit_callbacks):
    """The names are those of the live site; T3 covers the deletion of a user."""
    avatar = departed.profile.avatar

    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        scrub_members()

    assert callbacks == []
    assert avatar.storage.exists(avatar.name)


def test_every_column_and_every_table_has_a_decision(db):
    """B2: whoever adds one decides about it in profiles/scrub_rules.py."""
    assert undecided_columns(RULES) == []
    assert undecided_tables(RULES) == []
