"""copy_live_media: what an operator sees of a copy."""

import json
import os
import re

import pytest

from portal.copying import engine as copying
from portal.staging.progress import Progress
from profiles.models import Profile
from tests.support.copy_command import arrived, refused, run, table
from tests.support.strict_s3 import read_only

pytestmark = pytest.mark.any_database  # tests/files/test_references.py asks each of them

FIELDS = ["profiles.Profile.avatar", "profiles.Profile.resume"]


def test_it_copies_the_files_that_the_rows_name(on_staging):
    counts = run()

    assert arrived(on_staging) == [True] * 4
    assert counts["profiles.Profile.avatar"]["copied"] == "2"
    assert counts["profiles.Profile.resume"]["copied"] == "2"
    assert counts["profiles.Profile.resume"]["failed"] == "0"
    assert re.fullmatch(r"[\d.]+ (kB|bytes)", counts["profiles.Profile.avatar"]["bytes"])


def test_a_second_run_finds_nothing_to_do(on_staging, server):
    run()
    server.clear()

    counts = run()

    assert {counts[field]["unchanged"] for field in FIELDS} == {"2"}
    assert {row["bytes"] for row in counts.values()} == {"0 bytes"}
    assert {request.method for request in server.requests} == {"GET"}
    assert len(server.requests) <= 4


def test_a_dry_run_copies_nothing_and_says_how_much_it_would_be(on_staging, server):
    counts = run("--dry-run")

    assert arrived(on_staging) == [False] * 4
    assert {counts[field]["to copy"] for field in FIELDS} == {"2"}
    assert "0 bytes" not in {counts[field]["bytes"] for field in FIELDS}


def test_it_copies_only_the_field_that_is_asked_for(on_staging):
    counts = run("--only", "profiles.Profile.resume")

    assert counts.keys() == {"profiles.Profile.resume"}
    assert arrived(on_staging) == [False, True, False, True]


def test_a_field_that_does_not_exist_is_refused_with_those_that_do(on_staging, server):
    error = refused("no file field profiles.Profile.photo", "--only", "profiles.Profile.photo")

    assert "profiles.Profile.avatar" in str(error)
    assert not server.requests


@pytest.mark.parametrize("jobs", ["0", "-1", "257", "many"])
def test_a_number_of_jobs_beyond_reason_is_refused(on_staging, jobs):
    refused("--jobs", "--jobs", jobs)

    run("--jobs", "1")


def test_missing_and_denied_files_are_named_and_the_rest_is_copied(on_staging, server, tmp_path):
    """Y3: by model, pk and field; exit status 1."""
    ada, grace = on_staging
    server._backend.delete_object("portal-live", f"media/{ada.avatar.name}")
    denied = f"protected/{grace.resume.name}"
    server.permissions["AKIALIVE"] = lambda *asked: read_only(*asked) and asked[2] != denied
    report = tmp_path / "report.json"

    try:
        error = refused("2 files could not be copied", "--report", str(report))
    finally:
        server.permissions["AKIALIVE"] = read_only

    assert error.returncode == 1
    assert f"missing: profiles.Profile {ada.pk}, avatar: '{ada.avatar.name}'" in run.err
    assert f"denied: profiles.Profile {grace.pk}, resume: '{grace.resume.name}'" in run.err
    assert arrived(on_staging) == [False, True, True, False]
    counts = table(run.out)
    assert counts["profiles.Profile.avatar"]["missing"] == "1"
    assert counts["profiles.Profile.resume"]["denied"] == "1"
    told = json.loads(report.read_text())
    assert [(item["result"], item["pk"], item["field"]) for item in told["trouble"]] == [
        ("missing", str(ada.pk), "avatar"),
        ("denied", str(grace.pk), "resume"),
    ]
    assert told["fields"]["profiles.Profile.avatar"]["copied"] == 1
    assert "2 files" in told["ending"]


def test_a_file_that_two_rows_name_is_copied_once_and_reported_for_both(on_staging, server):
    ada, grace = on_staging
    Profile.objects.filter(pk=grace.pk).update(avatar=ada.avatar.name)

    counts = run("--only", "profiles.Profile.avatar")
    server._backend.delete_object("portal-live", f"media/{ada.avatar.name}")
    refused("could not be copied", "--only", "profiles.Profile.avatar")

    assert counts["profiles.Profile.avatar"]["copied"] == "1"
    assert f"Profile {ada.pk}, avatar" in run.err
    assert f"Profile {grace.pk}, avatar" in run.err


def test_the_report_of_a_good_run_says_so(on_staging, tmp_path):
    report = tmp_path / "report.json"

    run("--report", str(report))

    told = json.loads(report.read_text())
    assert told["trouble"] == []
    assert told["ending"] is None
    assert told["dry_run"] is False
    assert told["fields"]["profiles.Profile.resume"]["copied"] == 2
    assert os.listdir(tmp_path).count("report.json") == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".report")]


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(on_staging, server):
    refused("report cannot be written", "--report", "/nowhere/report.json")

    assert not server.requests


def test_a_wrong_clock_ends_the_run_with_one_clear_sentence(on_staging, server):
    """Y8."""
    server.advance(16 * 60)
    error = refused("^This machine's clock is wrong")
    server.reset_clock()

    assert error.returncode == 1
    run()  # the control


def test_ctrl_c_stops_and_says_how_to_go_on(on_staging, monkeypatch, tmp_path):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "add", interrupt)
    error = refused("run the same command again", "--report", str(tmp_path / "report.json"))
    monkeypatch.undo()

    assert error.returncode == 130
    assert "Stopped" in json.loads((tmp_path / "report.json").read_text())["ending"]
    assert not [thread for thread in copying.threading.enumerate() if thread.name == "copying"]


def test_from_folder_to_bucket_files_get_the_policys_headers(
    people, site, staging, settings, server
):
    """A laptop's folders as the source: LIVE_STORAGES may name any storage."""
    ada = people[0]
    site(staging)
    folder = settings.MEDIA_ROOT / "laptop"
    for name in (ada.avatar.name, ada.resume.name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"content")
    backend = "django.core.files.storage.FileSystemStorage"
    live = {"BACKEND": backend, "OPTIONS": {"location": folder}}
    settings.LIVE_STORAGES = {"default": live, "protected": live}

    refused("6 files could not be copied")  # Grace's, and the pictures made of Ada's

    resume = server._backend.head_object("portal-staging", f"protected/{ada.resume.name}").metadata
    assert resume["content-type"] == "application/pdf"
    assert resume["cache-control"] == "private, no-store"
    assert resume["content-disposition"] == "attachment"
