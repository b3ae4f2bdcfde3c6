"""Who stays: by conditions that lead to several rows of a person, and some of each kind."""

from hashlib import md5

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.files.sweeping import SweepRefused
from portal.staging import sampling
from portal.staging.leftovers import leftovers
from portal.staging.sampling import (
    STAFF_ALONE,
    TABLE,
    Choice,
    People,
    Stratum,
    of_departed,
    of_replaced,
    of_unchanged,
    people_chosen,
    sample,
)
from profiles.models import Profile, ResumeDownload, User
from tests.conftest import make_member

pytestmark = pytest.mark.django_db


def chosen(people, choice=Choice()) -> set:  # noqa: B008 - a tuple
    """The keys of those who stay, of whom some are replaced."""
    with (
        transaction.atomic(),
        people_chosen(people, choice),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT person FROM {TABLE}")
        return {key for (key,) in cursor.fetchall()}


def test_whoever_has_several_rows_stays_once(member, owner, other_member):
    for _ in range(2):
        ResumeDownload.objects.create(profile=owner.profile, member=member)
    readers = Q(resume_downloads__isnull=False)

    assert chosen(People("profiles.User", unchanged=readers)) == {member.pk}
    several = People("profiles.User", unchanged=Q(pk=owner.pk), strata=(Stratum("all", readers),))
    assert chosen(several, Choice(keep=1)) == {owner.pk, member.pk}


@pytest.mark.parametrize("seed", ["a", "b", "c", "d"])
def test_one_of_each_kind_stays_however_rare_it_is(seed):
    everybody = [make_member(f"m{number}@example.org") for number in range(12)]
    rare = everybody[7]
    Profile.objects.filter(user=rare).update(avatar="avatars/a.webp")
    people = People(
        "profiles.User", unchanged=Q(pk=0), strata=(Stratum("photo", ~Q(profile__avatar="")),)
    )

    found = chosen(people, Choice(keep=2, seed=seed))

    assert rare.pk in found
    assert len(found) == 2
    assert QuerySet(User).count() == 12


@pytest.mark.parametrize("seed", ["", "other"])
def test_half_of_a_sample_is_shared_out_and_the_rest_is_chance(seed):
    """In the order of an MD5 of the seed and the key, which any database computes alike."""
    users = [make_member(f"m{number}@example.org") for number in range(12)]
    photos, hidden = users[:5], users[4:9]
    Profile.objects.filter(user__in=photos).update(avatar="avatars/a.webp")
    Profile.objects.filter(user__in=hidden).update(visibility="hidden")
    strata = (
        Stratum("photo", ~Q(profile__avatar="")), Stratum("hidden", Q(profile__visibility="hidden"))
    )  # fmt: skip

    def order(user):
        return md5(f"{seed} {user.pk}".encode(), usedforsecurity=False).hexdigest()

    for keep in (0, 1, 3, 8, 9, 12, 20):
        share, expected = max(1, keep // 4), []
        for kind, most in ((photos, share), (hidden, share), (users, keep)):
            for user in sorted(kind, key=order)[:most]:
                if user.pk not in expected and len(expected) < keep:
                    expected.append(user.pk)
        assert sample(User.objects.all(), strata, keep, seed) == expected, keep


@pytest.mark.parametrize("consenting", [True, False])
def test_who_has_agreed_stays_unchanged_if_that_is_asked_for(member, other_member, consenting):
    """Besides those who stay in any case; and everybody else may be replaced."""
    third = make_member("mary@example.org")
    people = People("profiles.User", unchanged=Q(pk=member.pk), consenting=Q(pk=other_member.pk))
    unchanged = {member.pk, other_member.pk} if consenting else {member.pk}

    with (
        transaction.atomic(),
        people_chosen(people, Choice(keep=9, keep_consenting=consenting)),
    ):
        assert {each.pk for each in User.objects.filter(of_unchanged("pk"))} == unchanged
        replaced = {each.pk for each in User.objects.filter(of_replaced("pk"))}
        assert replaced == {member.pk, other_member.pk, third.pk} - unchanged
        assert not User.objects.filter(of_departed("pk")).exists()


def test_nothing_is_left_of_a_choice(member):
    people = People("profiles.User", unchanged=Q(pk=member.pk))

    for _ in range(2):  # the second would find the table of the first
        assert chosen(people) == {member.pk}

    assert STAFF_ALONE == (0, "", False)


def test_many_are_written_down_some_at_a_time(monkeypatch):
    monkeypatch.setattr(sampling, "ROWS_AT_ONCE", 2)
    users = {make_member(f"m{number}@example.org").pk for number in range(5)}

    assert chosen(People("profiles.User", unchanged=Q(pk__gt=0))) == users


@pytest.mark.parametrize("delete", [True, False])
def test_storages_that_share_files_are_not_swept(tmp_path, delete):
    """Each would take the other's for its own leftovers."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a").touch()
    both = {"one": FileSystemStorage(tmp_path), "other": FileSystemStorage(tmp_path / "media")}

    with pytest.raises(SweepRefused, match="keep their files together"):
        leftovers(both, timezone.now(), delete=delete, most=True)

    assert (tmp_path / "media/a").exists()
