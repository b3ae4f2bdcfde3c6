"""index_profiles: what it prints, changes and checks."""

import io

import pytest
from django.core.management import CommandError, call_command

from profiles.directory import indexing
from profiles.management.commands import index_profiles as command
from profiles.models import DirectoryEntry, Profile, ProfileWord, WordDeletion
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def run(*args) -> list[str]:
    output = io.StringIO()
    call_command("index_profiles", *args, stdout=output)
    return output.getvalue().splitlines()


@pytest.fixture
def five():
    """Five members, of whom the search has two wrong, and a word that nobody has any more."""
    members = [
        make_member(f"m{number}@example.org", name=f"Member {number}") for number in range(5)
    ]
    run()
    Profile.objects.filter(user__in=members[:2]).update(headline="Gauges")
    gone = make_member("gone@example.org", name="Vanished")
    run()
    gone.delete()
    Profile.objects.filter(user__in=members[:2]).update(headline="Tides")
    return members


def test_it_prints_what_it_has_done(five):
    unused = WordDeletion.objects.filter(word="vanished").count()

    assert unused > 0
    first, second = run(), run()

    assert len(first) == len(second) == 1
    assert first[0].startswith("Profiles: 5, brought up to date: 2. Rows of unused words deleted: ")
    number = int(first[0].rpartition(" ")[2].removesuffix("."))
    assert number >= unused
    assert second == ["Profiles: 5, brought up to date: 0. Rows of unused words deleted: 0."]
    assert DirectoryEntry.objects.filter(members__contains=" tides ").count() == 2
    assert not WordDeletion.objects.filter(word="vanished").exists()


def test_a_check_changes_nothing(five):
    def rows():
        models = (DirectoryEntry, ProfileWord, WordDeletion)
        return [list(model.objects.order_by("pk").values()) for model in models]

    before = rows()

    with pytest.raises(CommandError) as failed:
        run("--check")

    assert str(failed.value) == ("Not up to date: 2 of 5 profiles. Run manage.py index_profiles.")
    assert rows() == before
    solo = make_member("solo@example.org", name="Solitary")
    run()
    solo.delete()
    before = rows()
    assert WordDeletion.objects.filter(word="solitary").exists()
    assert run("--check") == [
        "Profiles: 5, brought up to date: 0. Rows of unused words deleted: 0."
    ]
    assert rows() == before


@pytest.mark.parametrize(
    ("moments", "lines"),
    [
        ([0, 5, 5, 5], []),
        ([0, 5, 6, 6, 11], ["4 of 5 profiles read, 2 not up to date"]),
        (
            [0, 6, 6, 12, 12, 18, 18],
            [
                "2 of 5 profiles read, 2 not up to date",
                "4 of 5 profiles read, 2 not up to date",
                "5 of 5 profiles read, 2 not up to date",
            ],
        ),
    ],
)
def test_a_long_run_says_every_five_seconds_how_far_it_is(five, monkeypatch, moments, lines):
    clock = iter(moments)
    monkeypatch.setattr(indexing, "BATCH", 2)
    monkeypatch.setattr(command, "monotonic", lambda: next(clock))

    assert run()[:-1] == lines
