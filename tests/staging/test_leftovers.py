"""What a refresh leaves behind in staging's own bucket, and in columns that only live has."""

import json

import pytest
from django.db import connection

from portal.files import sweeping
from portal.files.sweeping import DELETED, FAILED, MISSING, NAMED, ORPHAN, YOUNG, SweepResult
from portal.staging import leftovers
from profiles.models import Profile, User
from tests.conftest import s3_client
from tests.support.refresh_command import (
    LIVE,
    MEMBERS,
    STAFF,
    STAGING,
    keys_in,
    refresh,
    refused,
    staff_keys,
)

pytestmark = pytest.mark.django_db(transaction=True)

OF_THE_DEPARTED = ["media/avatars/0.bin", "protected/resumes/0.bin"]


@pytest.fixture
def departed(restored):
    """Files of somebody who was on staff, and one that nobody of this site has put there."""
    for key in (*OF_THE_DEPARTED, "elsewhere/notes.txt"):
        s3_client(restored).put_object(Bucket=STAGING, Key=key, Body=b"of the departed")
    return restored


def test_files_that_no_row_names_are_counted(departed, tmp_path):
    """Y12."""
    path = tmp_path / "report.json"

    said = refresh("--report", str(path))

    assert "default: no row names 1 files." in said
    assert "protected: no row names 1 files." in said
    assert "--sweep deletes them" in said
    assert set(OF_THE_DEPARTED) <= set(keys_in(departed, STAGING))
    assert json.loads(path.read_text())["sweep"]["storages"]["default"] == {
        "unnamed": 1,
        "deleted": 0,
    }


def test_they_are_removed_on_request_and_never_elsewhere(departed):
    """Y12: not on live, and not beside the site's own prefixes."""
    before = keys_in(departed, LIVE)

    said = refresh("--sweep")

    assert "1 were deleted" in said
    assert keys_in(departed, STAGING) == ["elsewhere/notes.txt", *staff_keys()]
    assert keys_in(departed, LIVE) == before
    assert "default: no row names 0 files; 0 were deleted." in refresh("--sweep")


def test_a_missing_file_does_not_keep_those_of_the_departed(departed):
    """Y12: else a row without a file would keep them night by night."""
    s3_client(departed).delete_object(Bucket=LIVE, Key=staff_keys()[0])

    refused("--sweep")

    assert keys_in(departed, STAGING) == ["elsewhere/notes.txt", *staff_keys()[1:]]


def test_a_dry_run_sweeps_nothing(departed):
    refresh("--dry-run", "--sweep")

    assert set(OF_THE_DEPARTED) <= set(keys_in(departed, STAGING))


@pytest.mark.whole
def test_most_of_many_files_are_kept_unless_told_otherwise(restored):
    """As sweep_media: it may be another site's bucket."""
    keys = [f"media/avatars/old-{number}.bin" for number in range(101)]
    for key in keys:
        s3_client(restored).put_object(Bucket=STAGING, Key=key, Body=b"")

    assert "add --most" in str(refused("--sweep"))
    assert set(keys) <= set(keys_in(restored, STAGING))

    refresh("--sweep", "--most")
    assert keys_in(restored, STAGING) == staff_keys()


def test_files_that_cannot_be_deleted_are_an_error(departed, monkeypatch):
    monkeypatch.setitem(
        departed.permissions,
        "AKIAPORTAL",
        lambda method, bucket, key: method != "DELETE" or key not in OF_THE_DEPARTED,
    )

    assert "2 files that no row names could not be deleted" in str(refused("--sweep"))


@pytest.fixture
def column_of_live(restored):
    """A column of a newer release of the live site, with a staff member's number in it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE profiles_profile ADD COLUMN pager varchar(40)")
        cursor.execute("UPDATE profiles_profile SET pager = '0123'")
    yield restored
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE profiles_profile DROP COLUMN pager")


def test_a_column_that_only_the_database_has_is_refused(column_of_live):
    """Y12: as one without a decision."""
    error = refused()

    assert "does not say what becomes of profiles_profile.pager" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
    assert Profile.objects.count() == MEMBERS + STAFF


@pytest.mark.django_db
@pytest.mark.parametrize("delete", [False, True])
def test_all_storages_are_looked_at_before_the_first_delete(monkeypatch, delete):
    """Y12: where nothing is deleted, any number of them is no reason to refuse."""
    asked, before = [], object()

    def results_in(storage, time):
        assert time is before
        asked.append(f"look at {storage}")
        yield from (
            SweepResult(kind, f"{storage}-{kind}") for kind in (NAMED, YOUNG, ORPHAN, MISSING)
        )
        yield SweepResult(ORPHAN, f"{storage}-locked")

    def deleted(storage, name):
        asked.append(f"delete {name}")
        return (FAILED, "No.") if name.endswith("locked") else (DELETED, "")

    def refuse_suspicious(label, results, most):
        assert (len(list(results)), most) == (5, "most")
        asked.append(f"judge {label}")

    monkeypatch.setattr(sweeping, "results_in", results_in)
    monkeypatch.setattr(sweeping, "deleted", deleted)
    monkeypatch.setattr(sweeping, "refuse_suspicious", refuse_suspicious)
    monkeypatch.setattr(sweeping, "refuse_overlap", lambda storages: asked.append("compare"))

    counts = leftovers.leftovers({"x": "one", "y": "two"}, before, delete=delete, most="most")

    expected = {"unnamed": 2, "deleted": 1 if delete else 0}
    assert counts == {"x": expected, "y": expected}
    assert asked == (
        [
            "compare", "look at one", "judge x", "look at two", "judge y",
            "look at one", "delete one-orphan", "delete one-locked",
            "look at two", "delete two-orphan", "delete two-locked",
        ]
        if delete
        else ["compare", "look at one", "look at two"]
    )  # fmt: skip
