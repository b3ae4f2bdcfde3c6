"""Who stays: by conditions that lead to several rows of a person, and some of each kind."""

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.files.sweeping import SweepRefused
from portal.staging.leftovers import leftovers
from portal.staging.sampling import TABLE, Choice, People, Stratum, people_chosen
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


@pytest.mark.parametrize("delete", [True, False])
def test_storages_that_share_files_are_not_swept(tmp_path, delete):
    """Each would take the other's for its own leftovers."""
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a").touch()
    both = {"one": FileSystemStorage(tmp_path), "other": FileSystemStorage(tmp_path / "media")}

    with pytest.raises(SweepRefused, match="keep their files together"):
        leftovers(both, timezone.now(), delete=delete, most=True)

    assert (tmp_path / "media/a").exists()
