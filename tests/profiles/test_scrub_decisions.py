"""Each column of each person after a scrub: what stays as it was, what is emptied or another.

The staff and members who have agreed stay as who they are; another member stays as somebody else.
"""

from datetime import UTC, date, datetime, timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone

from portal.staging.sampling import sample
from profiles.directory.models import DirectoryEntry, ProfileTag, ProfileWord, WordDeletion
from profiles.models import Profile, ResumeDownload, ResumeText, User
from profiles.scrub_rules import PEOPLE, RULES
from profiles.society.models import Society
from tests.conftest import make_member
from tests.support.rows import scrub_members

pytestmark = pytest.mark.django_db

THEN = datetime(2024, 5, 17, 12, 30, tzinfo=UTC)
DETAILS = ("place", "skills", "links", "phone", "contact_email")
FULL = {
    "headline": "Keeper of lighthouses", "bio": "I was born in a storm", "place": "Cape Horn",
    "skills": "Wick trimming, Knots", "links": "https://zuzanna.example/lamps",
    "phone": "+44 1632 960777", "contact_email": "zuza@lamps.example", "visibility": "public",
    **{f"{name}_visibility": "members" for name in DETAILS}, "use_for_tests": True,
    "avatar": "avatars/a.webp", "avatar_small": "avatars/s.webp", "resume": "resumes/r.pdf",
    "resume_picture": "resumes/p.png", "resume_pages": 3, "resume_bytes": 1234,
    "resume_is_searched": False, "tells_openings": True, "openings_told_on": date(2024, 5, 17),
    "staff_note": "Owes us a lamp", "not_asked": "photo", "created_at": THEN, "updated_at": THEN,
}  # fmt: skip


def add_person(name, **fields) -> User:
    """A person with a value in every column."""
    user = make_member(
        f"{name}@departed.example", name=f"{name.title()} Wisniewska", last_login=THEN,
        date_joined=THEN, language="de", leaves_at=THEN, **fields,
    )  # fmt: skip
    Profile.objects.filter(user=user).update(**FULL)
    ResumeText.objects.create(profile=user.profile, source="resumes/r.pdf", text="wicks", words="w")
    EmailAddress.objects.create(user=user, email=f"{name}@waiting.example")
    user.groups.add(Group.objects.get_or_create(name="Editors")[0])
    user.user_permissions.add(Permission.objects.first())
    return user


@pytest.fixture
def people(db, settings):
    """By what becomes of them."""
    settings.SITE_ENVIRONMENT = "staging"
    settings.AVATAR_PIXELS = 64  # drawn quickly
    kinds = {"staff": {"is_staff": True}, "agreed": {}, "replaced": {}, "deleted": {}}
    people = {name: add_person(name, **fields) for name, fields in kinds.items()}
    Profile.objects.exclude(user=people["agreed"]).update(use_for_tests=False)
    call_command("index_profiles", verbosity=0)
    return people


def values_of(user) -> dict:
    """The columns of a person's own rows, by model and name."""
    rows = {
        "User": User.objects.filter(pk=user.pk),
        "Profile": Profile.objects.filter(user=user),
        "ResumeText": ResumeText.objects.filter(profile__user=user),
        "EmailAddress": EmailAddress.objects.filter(user=user, verified=True),
    }
    return {
        f"{model}.{column}": value
        for model, found in rows.items()
        for column, value in found.values().get().items()
    }


def changes(before, after) -> dict:
    return {name: value for name, value in after.items() if value != before[name]}


def scrub_with_one(people, monkeypatch):
    """Scrub, so that of the members who have not agreed one stays: the one of that name."""
    monkeypatch.setattr(
        "portal.staging.sampling.sample", lambda *arguments: [people["replaced"].pk]
    )
    scrub_members(keep=1, keep_consenting=True)


EMPTIED = {
    "User.last_login": None, "User.leaves_at": None, "Profile.staff_note": "",
    "Profile.tells_openings": False, "Profile.openings_told_on": None,
}  # fmt: skip


@pytest.mark.parametrize("who", ["staff", "agreed"])
def test_whoever_stays_as_they_are_loses_what_would_do_harm_on_staging(people, monkeypatch, who):
    """B2: a link to set a password, a deletion, a note of the staff, messages to members."""
    before = values_of(people[who])

    scrub_with_one(people, monkeypatch)

    assert changes(before, values_of(people[who])) == EMPTIED
    assert list(EmailAddress.objects.filter(user=people[who]).values_list("verified")) == [(True,)]
    assert people[who].groups.count() == people[who].user_permissions.count() == 1


def test_whoever_is_replaced_has_nothing_of_a_person(people, monkeypatch):
    """B2: every column is another, or empty, or says nothing of anybody."""
    before = values_of(people["replaced"])

    scrub_with_one(people, monkeypatch)

    after = values_of(people["replaced"])
    same = set(before) - set(changes(before, after))
    assert same == {
        "User.id", "User.is_active", "User.is_staff", "User.is_superuser",
        "Profile.id", "Profile.user_id", "Profile.visibility", "Profile.resume_is_searched",
        *(f"Profile.{name}_visibility" for name in DETAILS),
        "Profile.use_for_tests", "Profile.resume_pages",
        "ResumeText.profile_id", "EmailAddress.id", "EmailAddress.user_id",
        "EmailAddress.verified", "EmailAddress.primary",
    }  # fmt: skip
    emptied = EMPTIED | {"User.language": "", "Profile.not_asked": ""}
    del emptied["User.last_login"]
    assert {name: after[name] for name in emptied} == emptied
    assert "" not in {after[name] for name in set(before) - same - set(emptied)}
    assert after["User.email"] == after["EmailAddress.email"]
    assert after["ResumeText.source"] == after["Profile.resume"]
    for time in ("User.last_login", "User.date_joined", "Profile.created_at", "Profile.updated_at"):
        assert (after[time].year, after[time].month, after[time].day) == (2024, 5, 1), time
    assert people["replaced"].groups.count() == people["replaced"].user_permissions.count() == 1


def test_rows_beside_a_person_are_deleted_or_made_anew_with_the_person(people, monkeypatch):
    """B2: nobody else's are touched, and nothing is found by a word of somebody who has gone."""
    scrub_with_one(people, monkeypatch)

    left = {people[who].profile.pk for who in ("staff", "agreed", "replaced")}
    for model in (DirectoryEntry, ProfileTag, ProfileWord, ResumeText):
        assert set(model.objects.values_list("profile", flat=True)) == left, model
    everything = [
        str(row)
        for model in (DirectoryEntry, ProfileTag, ProfileWord, WordDeletion)
        for row in model.objects.values().order_by("pk")
    ]
    assert not [row for row in everything if "deleted" in row.lower()]
    assert set(WordDeletion.objects.values_list("word", flat=True)) <= set(
        ProfileWord.objects.values_list("word", flat=True)
    )
    assert User.objects.count() == Profile.objects.count() == 3


def test_openings_lose_those_who_are_deleted_and_their_day(people, monkeypatch):
    """B2: of who stays as they are the time of an opening stays, unless it is a year ago."""
    now = timezone.now()
    recent = now - timedelta(days=1)
    for owner in ("staff", "replaced", "deleted"):
        for reader in ("staff", "agreed", "replaced", "deleted"):
            ResumeDownload.objects.create(
                profile=people[owner].profile, member=people[reader], opened_at=recent
            )
    for days in (364, 366):
        ResumeDownload.objects.create(
            profile=people["agreed"].profile, member=None, opened_at=now - timedelta(days=days)
        )

    scrub_with_one(people, monkeypatch)

    names = {user.pk: name for name, user in people.items()} | {None: "nobody"}
    found = ResumeDownload.objects.order_by("pk").annotate(owner=F("profile__user"))
    left = [(names[each.owner], names[each.member_id], each.opened_at == recent) for each in found]
    assert left == [
        ("staff", "staff", True), ("staff", "agreed", True), ("staff", "replaced", False),
        ("staff", "nobody", True),
        ("replaced", "staff", False), ("replaced", "agreed", False),
        ("replaced", "replaced", False), ("replaced", "nobody", False),
        ("agreed", "nobody", False),
    ]  # fmt: skip
    assert found.last().opened_at == now - timedelta(days=364)


def test_a_society_stays_without_whom_to_ask(people):
    words = {
        "name": "Keepers", "tagline": "Of light", "welcome": "Come in", "logo": "logos/l.webp",
        "accent": "#123456", "privacy_notice": "We keep", "imprint": "1 Lamp Street",
    }  # fmt: skip
    Society.objects.create(**words, contact="Zuzanna", contact_email="zuza@departed.example")

    scrub_members()

    assert Society.objects.values(*words, "contact", "contact_email").get() == words | {
        "contact": "", "contact_email": ""
    }  # fmt: skip


KINDS = {
    "with a photo": {"avatar": "avatars/a.webp"},
    "with a resume": {"resume": "resumes/r.pdf"},
    "public": {"visibility": "public"},
    "hidden": {"visibility": "hidden"},
    "without a name": {"name": ""},
    "longest names": {"name": "The longest name of all"},
    "longest headlines": {"headline": "The longest headline"},
    "longest bios": {"bio": "The longest biography"},
}


def test_each_kind_of_people_is_told_from_the_others(db):
    """Those that the pages treat differently, in this order."""
    usual = make_member("usual@example.org", name="Usual", last_login=THEN)
    special = {
        name: make_member(f"{number}@example.org", name="Usual", last_login=THEN)
        for number, name in enumerate([*KINDS, "not active", "never logged in", "opened"])
    }
    for name, fields in KINDS.items():
        Profile.objects.filter(user=special[name]).update(**fields)
    User.objects.filter(pk=special["not active"].pk).update(is_active=False)
    User.objects.filter(pk=special["never logged in"].pk).update(last_login=None)
    ResumeDownload.objects.create(profile=special["opened"].profile, member=usual)
    everybody, only = {usual, *special.values()}, lambda name: {special[name]}

    expected = {
        "with a photo": only("with a photo"),
        "without a photo": everybody - only("with a photo"),
        "with a resume": only("with a resume"),
        "without a resume": everybody - only("with a resume"),
        "public": only("public"),
        "members only": everybody - only("public") - only("hidden"),
        "hidden": only("hidden"),
        "not active": only("not active"),
        "never logged in": only("never logged in"),
        "logged in": everybody - only("never logged in"),
        "resume was opened": only("opened"),
        "without a name": only("without a name"),
        "longest names": everybody,
        "longest headlines": everybody,
        "longest bios": everybody,
    }
    found = {each.name: set(User.objects.filter(each.where)) for each in PEOPLE.strata}
    assert found == expected
    assert list(found) == list(expected)
    for stratum in PEOPLE.strata:
        if stratum.longest:
            assert sample(User.objects.all(), (stratum,), 1, "") == [special[stratum.name].pk]
    assert RULES.people is PEOPLE
