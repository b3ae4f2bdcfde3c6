"""The reports of commands that copy, whole: what was counted, what went wrong, how it ended."""

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from portal.copying.engine import Outcome
from portal.copying.stores import Unusable
from portal.files.references import Reference
from portal.staging import media
from portal.staging.management.commands import copy_live_media, copy_media
from portal.staging.report import Report

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

AVATAR, RESUME = "profiles.Profile.avatar", "profiles.Profile.resume"
OWNER = Reference("default", "a.webp", "profiles.Profile", 7, "avatar")
COPIED = Outcome("a.webp", "copied", 1_500, "", [OWNER])
UNCHANGED = Outcome("a.webp", "unchanged", 1_500, "", [OWNER])
MISSING = Outcome("a.webp", "missing", 0, "Gone.", [OWNER])
TROUBLE = {
    "result": "missing", "reason": "Gone.", "model": "profiles.Profile", "pk": "7",
    "field": "avatar", "name": "a.webp",
}  # fmt: skip
STOPPED = "Stopped. What has been copied is whole; run the same command again to go on."


@pytest.fixture
def found(monkeypatch):
    """The results of the copy engine; `asked` has its arguments."""
    found, asked = [], []

    def find(*arguments, **options):
        asked.append(options)
        for each in found:
            if isinstance(each, BaseException):
                raise each
            yield each

    monkeypatch.setattr(media, "outcomes", find)
    monkeypatch.setattr(copy_media, "copy", find)
    monkeypatch.setattr(copy_live_media, "live_pairs", lambda storages, *, jobs: {})
    return found, asked


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("outcomes", "counts", "trouble", "ending", "status"),
    [
        ([], {}, [], None, 0),
        ([COPIED, UNCHANGED], {"copied": 1, "unchanged": 1, "bytes": 1_500}, [], None, 0),
        (
            [COPIED, MISSING],
            {"copied": 1, "missing": 1, "bytes": 1_500},
            [TROUBLE],
            "1 files could not be copied; see above.",
            1,
        ),
        ([COPIED, Unusable("No bucket.")], {"copied": 1, "bytes": 1_500}, [], "No bucket.", 1),
        ([COPIED, KeyboardInterrupt()], {"copied": 1, "bytes": 1_500}, [], STOPPED, 130),
    ],
    ids=["nothing", "all well", "trouble", "unusable", "interrupted"],
)
@pytest.mark.parametrize("command", ["copy_media", "copy_live_media"])
def test_a_report_tells_what_a_copy_came_to(
    found, tmp_path, command, outcomes, counts, trouble, ending, status, dry_run
):
    found[0][:] = outcomes
    path, places = tmp_path / "report.json", {}
    if command == "copy_media":
        places = {"source": "default", "target": f"{tmp_path}/copies/"}

    def run():
        call_command(
            command, **places, jobs=3, dry_run=dry_run, report=path,
            stdout=io.StringIO(), stderr=io.StringIO(),
        )  # fmt: skip

    if status:
        with pytest.raises(CommandError) as caught:
            run()
        assert (str(caught.value), caught.value.returncode) == (ending, status)
    else:
        run()

    report = json.loads(path.read_text())
    assert report.pop("started") <= report.pop("finished")
    fields = report["fields"]
    assert {name: number for name, number in fields.pop(AVATAR).items() if number} == counts
    assert report == {
        "trouble": trouble,
        "dry_run": dry_run,
        "fields": {label: {} for label in fields},
        "ending": ending,
    }
    assert found[1] == [{"jobs": 3, "dry_run": dry_run}]
    assert (RESUME in fields) is (command == "copy_live_media"), "that of one storage, or of all"


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_report_that_fills_the_disk_is_told_in_a_sentence(tmp_path, monkeypatch, size):
    """Its lines are where the report will be, or in a buffer until it is closed."""
    full = Path("/dev/full").open("w")  # noqa: SIM115 - the report closes it
    monkeypatch.setattr("portal.staging.report.TemporaryFile", lambda *named, **options: full)

    with pytest.raises(CommandError, match="cannot be written: "), Report(tmp_path / "r") as report:
        report.add(name="x" * size)
