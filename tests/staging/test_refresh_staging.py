"""refresh_staging: a copy of the live database becomes a staging site, or says why it did not."""

import json
import os
import tempfile
from pathlib import Path

import pytest
from django.db import DatabaseError, models
from django.test.utils import isolate_apps

from portal.files.exit_status import INTERRUPTED
from portal.staging import media, scrubbing
from portal.staging.management.commands import refresh_staging
from profiles.models import User
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


@isolate_apps("profiles")
def test_rows_are_counted_of_the_tables_that_django_manages(monkeypatch, django_assert_num_queries):
    """A proxy has none of its own, and another program's table may not be there."""

    class OfAnotherProgram(models.Model):  # noqa: DJ008 - nobody is shown it
        class Meta:
            app_label = "profiles"
            managed = False

    class Clerk(User):
        class Meta:
            app_label = "profiles"
            proxy = True

    every, made = [OfAnotherProgram, Clerk, User], [User.groups.through]
    monkeypatch.setattr(
        refresh_staging.apps,
        "get_models",
        lambda *, include_auto_created: every + made * include_auto_created,
    )

    with django_assert_num_queries(2):
        found = refresh_staging.rows_by_model()

    assert found == {"profiles.User": 0, "profiles.User_groups": 0}


def read_report(path: Path) -> dict:
    return json.loads(path.read_text())


def test_it_scrubs_then_copies_then_verifies(restored, tmp_path):
    said = refresh("--report", str(tmp_path / "report.json"))

    assert User.objects.count() == STAFF
    assert keys_in(restored, STAGING) == staff_keys()
    assert "6 of 6 are as on live" in said
    assert said.index("Scrub") < said.index("Copy") < said.index("Verify")


def test_the_report_has_three_parts_with_counts_and_seconds(restored, tmp_path):
    path = tmp_path / "report.json"

    refresh("--report", str(path))

    report = read_report(path)
    assert report["scrub"]["rows"]["profiles.User"] == {"before": MEMBERS + STAFF, "after": STAFF}
    assert report["copy"]["fields"]["profiles.Profile.avatar"]["copied"] == STAFF
    assert report["verify"]["fields"]["profiles.Profile.resume"] == {"as on live": STAFF}
    assert all(report[part]["seconds"] >= 0 for part in ("scrub", "copy", "verify"))
    assert (report["trouble"], report["ending"], report["dry_run"]) == ([], None, False)


def test_live_is_only_read(restored):
    """Y2: what else is tried with the keys of live is refused, at names that nobody uses."""
    before = keys_in(restored, LIVE)
    restored.clear()

    refresh()

    to_live = [request for request in restored.requests if request.bucket == LIVE]
    tried = [request for request in to_live if request.method not in {"GET", "HEAD"}]
    assert {(request.method, request.status) for request in tried} == {
        ("POST", 403),
        ("DELETE", 403),
    }
    assert all("/check-storage-" in request.key for request in tried)
    assert keys_in(restored, LIVE) == before


def test_it_can_be_run_again(restored):
    refresh()

    assert "6 of 6 are as on live" in refresh()


def test_a_missing_file_is_reported_and_the_rest_arrives(restored, tmp_path):
    """Y3; the exit status says so every night until somebody has looked."""
    lost = staff_keys()[0]
    s3_client(restored).delete_object(Bucket=LIVE, Key=lost)
    path = tmp_path / "report.json"

    error = refused("--report", str(path))

    assert error.returncode == 1
    assert keys_in(restored, STAGING) == staff_keys()[1:]
    report = read_report(path)
    troubles = {(item["part"], item["result"], item["name"]) for item in report["trouble"]}
    assert troubles == {(part, "missing", "avatars/5.bin") for part in ("copy", "verify")}
    assert report["ending"] == str(error)


def test_what_was_spoilt_after_the_copy_is_noticed(restored, monkeypatch):
    """The control is the first test."""
    real = refresh_staging.Command.verify

    def spoil_and_verify(self, pairs, jobs):
        s3_client(restored).put_object(Bucket=STAGING, Key=staff_keys()[0], Body=b"short")
        return real(self, pairs, jobs)

    monkeypatch.setattr(refresh_staging.Command, "verify", spoil_and_verify)

    assert "1 files are not here as they are on live" in str(refused())


@pytest.mark.parametrize("environment", ["production", ""])
def test_a_site_that_is_not_staging_is_refused(restored, settings, tmp_path, environment):
    """Y1, B1: nothing is read or written, no report either."""
    settings.SITE_ENVIRONMENT = environment
    path = tmp_path / "report.json"

    error = refused("--report", str(path))

    assert "staging" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
    assert restored.requests == []
    assert not path.exists()


def test_a_site_with_the_files_of_the_live_site_is_refused(restored, settings):
    """Y1."""
    twin = settings.LIVE_STORAGES["default"]["OPTIONS"]
    twin["bucket_name"] = STAGING

    refused()

    assert User.objects.count() == MEMBERS + STAFF
    assert restored.requests == []


def test_nothing_is_copied_if_the_scrub_fails(restored, monkeypatch, tmp_path):
    """B3: members' files have no business here while their rows are."""
    monkeypatch.setattr(scrubbing, "emptied_tables", fail_in_the_database)
    path = tmp_path / "report.json"

    error = refused("--report", str(path))

    assert "Nothing was changed" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
    assert keys_in(restored, STAGING) == []
    assert set(read_report(path)) >= {"scrub", "ending"}
    assert "copy" not in read_report(path)


def fail_in_the_database(rules):
    raise DatabaseError("the server went away")


def test_a_dry_run_changes_nothing(restored, tmp_path):
    path = tmp_path / "report.json"

    said = refresh("--dry-run", "--report", str(path))

    assert User.objects.count() == MEMBERS + STAFF
    assert keys_in(restored, STAGING) == []
    assert "to copy" in said
    report = read_report(path)
    assert report["dry_run"] is True
    assert "verify" not in report


def test_after_ctrl_c_it_says_how_to_go_on(restored, monkeypatch, tmp_path):
    """Y4: and the next run goes on."""
    path = tmp_path / "report.json"
    with monkeypatch.context() as patch:
        patch.setattr(media, "outcomes", interrupt)

        error = refused("--report", str(path))

    assert error.returncode == INTERRUPTED
    assert "run the same command again" in str(error)
    assert read_report(path)["ending"] == str(error)
    assert "6 of 6 are as on live" in refresh()


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def test_nothing_is_left_behind_if_it_is_killed(restored, monkeypatch, tmp_path):
    """Y4: what is on the disk in the middle of the copy is what kill -9 would leave there."""
    folders = [tmp_path / "reports", tmp_path / "temporary"]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders[1]))
    seen, outcomes = [], media.outcomes

    def look_around(*arguments, **options):
        for outcome in outcomes(*arguments, **options):
            seen.extend(path for folder in folders for path in folder.iterdir())
            yield outcome

    monkeypatch.setattr(media, "outcomes", look_around)
    refresh("--report", str(folders[0] / "report.json"))

    assert seen == []
    assert [path.name for folder in folders for path in folder.iterdir()] == ["report.json"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_ctrl_c_while_comparing_keeps_what_was_found(restored, monkeypatch, tmp_path, dry_run):
    path, outcomes = tmp_path / "report.json", media.outcomes

    def interrupt_verify(*arguments, dry_run, **options):
        found = outcomes(*arguments, dry_run=dry_run, **options)
        yield next(found)
        if dry_run:
            raise KeyboardInterrupt
        yield from found

    monkeypatch.setattr(media, "outcomes", interrupt_verify)
    error = refused("--report", str(path), *(["--dry-run"] if dry_run else []))

    report = read_report(path)
    part = report["copy" if dry_run else "verify"]
    assert error.returncode == INTERRUPTED
    assert sum(sum(counts.values()) for counts in part["fields"].values()) >= 1
    assert part["seconds"] >= 0


@pytest.mark.parametrize("kind", ["folder", "device"])
def test_a_report_over_what_is_no_file_is_refused_at_once(kind, restored, tmp_path):
    """A report would replace /dev/stdout, or /dev/null, for every process of the machine."""
    path = tmp_path / kind
    path.mkdir() if kind == "folder" else os.mkfifo(path)

    error = refused("--report", str(path))

    assert "is a folder or a device" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
    assert restored.requests == []


def test_a_report_that_cannot_be_written_stops_it_at_once(restored, tmp_path):
    error = refused("--report", str(tmp_path / "nowhere" / "report.json"))

    assert "cannot be written" in str(error)
    assert User.objects.count() == MEMBERS + STAFF
