"""Counts, lines, tables and reports that an operator sees of a copy or a scrub."""

import argparse
import io
import json
import stat
from pathlib import Path

import pytest
from django.core.management.base import CommandError, OutputWrapper

from portal.copying.engine import Outcome
from portal.copying.stores import FileInfo, Unusable
from portal.files.exit_status import INTERRUPTED
from portal.files.references import Reference
from portal.staging import conf, media, placeholders
from portal.staging.display import CopyDisplay
from portal.staging.management.commands.copy_live_media import number_of_jobs
from portal.staging.management.commands.scrub_members import (
    drawn_line,
    summed,
    whole_number,
)
from portal.staging.media import Result, copy_error, copy_media, count, verify_media
from portal.staging.placeholders import Placeholder, Stored
from portal.staging.progress import Progress, size_words, time_words
from portal.staging.report import Report
from portal.staging.scrubbing import Change
from profiles.models import Profile
from profiles.scrub_rules import RULES
from tests.support import fips

AVATAR, RESUME = "profiles.Profile.avatar", "profiles.Profile.resume"
FIELDS = [(Profile, Profile._meta.get_field(name)) for name in ("avatar", "resume")]


def owner(pk, field="avatar", name="a.webp") -> Reference:
    return Reference("default", name, "profiles.Profile", pk, field)


OUTCOMES = [
    Outcome("a.webp", "copied", 1_500, "", [owner(1), owner(2)]),
    Outcome("b.webp", "copied", 500, "", [owner(3), owner(3, "resume")]),
    Outcome("c.webp", "unchanged", 700, "", [owner(4)]),
    Outcome("d.webp", "missing", 0, "Gone.", [owner(5), owner(6)]),
    Outcome("e.webp", "denied", 0, "No.", [owner(7)]),
    Outcome("f.webp", "failed", 9, "Cut.", [owner(8, "resume")]),
]
COPIED = {
    AVATAR: {"copied": 2, "unchanged": 1, "missing": 1, "denied": 1, "bytes": 2_000},
    RESUME: {"copied": 1, "failed": 1, "bytes": 0},
}


@pytest.fixture
def outcomes(monkeypatch):
    """Have the engine find these, and note how it was asked."""
    asked, left = [], list(OUTCOMES)

    def find(fields, pairs, **options):
        asked.append((fields, pairs, options))
        for each in left:
            if isinstance(each, BaseException):
                raise each
            yield each

    monkeypatch.setattr(media, "outcomes", find)
    find.asked, find.left = asked, left
    return find


def test_a_file_is_counted_for_each_field_and_its_bytes_once(outcomes):
    seen = []

    result = copy_media(FIELDS, {}, jobs=3, dry_run=True, each=seen.append)

    assert seen == OUTCOMES
    assert outcomes.asked == [(FIELDS, {}, {"jobs": 3, "dry_run": True})]
    assert {label: dict(counts) for label, counts in result.fields.items()} == COPIED
    assert (result.unusable, result.is_interrupted) == ("", False)
    assert [result.total(word) for word in media.RESULTS] == [3, 1, 1, 1, 1]
    assert result.total("copied", "failed") == 4


def test_a_comparison_counts_rows_and_has_words_of_its_own(outcomes):
    seen = []

    result = verify_media(FIELDS, {}, jobs=3, each=lambda *pair: seen.append(pair))

    assert outcomes.asked == [(FIELDS, {}, {"jobs": 3, "dry_run": True})]
    words = ["different", "different", "as on live", "missing", "denied", "failed"]
    assert seen == list(zip(OUTCOMES, words, strict=True))
    assert {label: dict(counts) for label, counts in result.fields.items()} == {
        AVATAR: {"different": 3, "as on live": 1, "missing": 2, "denied": 1},
        RESUME: {"different": 1, "failed": 1},
    }


@pytest.mark.parametrize("run", ["copy", "comparison"])
@pytest.mark.parametrize(
    ("ending", "unusable", "is_interrupted"),
    [(Unusable("No bucket."), "No bucket.", False), (KeyboardInterrupt(), "", True)],
)
def test_a_run_that_ends_early_keeps_what_it_has_counted(
    outcomes, run, ending, unusable, is_interrupted
):
    outcomes.left[1:] = [ending]
    each = lambda *arguments: None  # noqa: E731

    if run == "copy":
        result = copy_media(FIELDS, {}, jobs=1, dry_run=False, each=each)
    else:
        result = verify_media(FIELDS, {}, jobs=1, each=each)

    assert sum(result.fields[AVATAR].values()) - result.fields[AVATAR]["bytes"] in {1, 2}
    assert (result.unusable, result.is_interrupted) == (unusable, is_interrupted)
    error = copy_error(result)
    if is_interrupted:
        assert error.returncode == INTERRUPTED
        assert str(error) == (
            "Stopped. What has been copied is whole; run the same command again to go on."
        )
    else:
        assert (str(error), error.returncode) == ("No bucket.", 1)


def test_a_copy_with_trouble_ends_with_an_error_that_counts_it():
    result = Result({AVATAR: media.Counter(copied=1, unchanged=1)})
    assert copy_error(result) is None

    for number, word in enumerate(media.TROUBLE, 1):
        count(Outcome("x", word, 0, "", [owner(number)]), result.fields)
        assert str(copy_error(result)) == f"{number} files could not be copied; see above."


class Noted:
    """A report that keeps what is added to it."""

    def __init__(self):
        self.items = []

    def add(self, **item):
        self.items.append(item)


@pytest.mark.parametrize("dry_run", [False, True])
def test_trouble_is_printed_and_reported_for_each_row(dry_run):
    out, err, report = io.StringIO(), io.StringIO(), Noted()
    display = CopyDisplay(OutputWrapper(out), OutputWrapper(err), report, 9, part="copy")
    result = Result({AVATAR: media.Counter(), RESUME: media.Counter()})
    listed = Outcome("g", "denied", 0, "No.", [Reference("", "g", "files", None, "listed")])
    for outcome in OUTCOMES:
        count(outcome, result.fields)
        display.show(outcome)
    display.show(listed)
    display.finish(result, dry_run=dry_run)

    assert err.getvalue().splitlines() == [
        "missing: profiles.Profile 5, avatar: 'a.webp'. Gone.",
        "missing: profiles.Profile 6, avatar: 'a.webp'. Gone.",
        "denied: profiles.Profile 7, avatar: 'a.webp'. No.",
        "failed: profiles.Profile 8, resume: 'a.webp'. Cut.",
        "denied: 'g'. No.",
    ]
    assert report.items[0] == {
        "part": "copy", "result": "missing", "reason": "Gone.", "model": "profiles.Profile",
        "pk": "5", "field": "avatar", "name": "a.webp",
    }  # fmt: skip
    assert [item["pk"] for item in report.items] == ["5", "6", "7", "8", "None"]
    assert (display.progress.done, display.progress.bytes) == (10, 2_000)
    heading = "to copy" if dry_run else "copied"
    assert [line.split("  ")[0] for line in out.getvalue().splitlines()][1:] == [AVATAR, RESUME]
    cells = [line.split() for line in out.getvalue().splitlines()]
    assert cells == [
        ["field", *heading.split(), "unchanged", "missing", "denied", "failed", "bytes"],
        [AVATAR, "2", "1", "1", "1", "0", "2.0", "kB"],
        [RESUME, "1", "0", "0", "0", "1", "0", "bytes"],
    ]


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("is_terminal", "seconds", "is_shown"),
    [(True, 0.1, False), (True, 0.25, True), (False, 9.9, False), (False, 10, True)],
)
def test_progress_is_shown_in_intervals(is_terminal, seconds, is_shown):
    out, clock = io.StringIO(), Clock()
    out.isatty = lambda: is_terminal
    progress = Progress(OutputWrapper(out), lambda: 4, clock)

    clock.now += seconds
    progress.add(10)
    shown = out.getvalue()
    progress.add(10)

    words = str(progress).replace("2 of 4", "1 of 4")
    assert out.getvalue() == shown, "not again at once"
    assert bool(shown) == is_shown
    if is_shown:
        assert shown.startswith("\r1 of 4" if is_terminal else "1 of 4")
        assert shown.endswith("\x1b[K" if is_terminal else "left\n")
        assert words.startswith("1 of 4 files, 20 bytes copied")
    progress.clear()
    assert out.getvalue() == shown + ("\r\x1b[K" if is_terminal else "")


@pytest.mark.parametrize(
    ("total", "done", "words"),
    [
        (10, 4, "4 of 10 files, 8.0 kB copied, 2 files and 4.0 kB a second, 0:03 left"),
        (0, 4, "4 of 0 files, 8.0 kB copied, 2 files and 4.0 kB a second, 0:00 left"),
        (None, 4, "4 files, 8.0 kB copied, 2 files and 4.0 kB a second"),
        (10, 0, "0 of 10 files, 0 bytes copied, 0 files and 0 bytes a second, 0:20 left"),
    ],
)
def test_progress_tells_the_rate_and_the_time_that_is_left(total, done, words):
    clock = Clock()
    count_all = None if total is None else lambda: total
    progress = Progress(OutputWrapper(io.StringIO()), count_all, clock)
    for _ in range(done):
        progress.add(2_000)

    clock.now += 2

    assert str(progress) == words


def test_progress_at_the_first_moment_divides_by_nothing():
    assert "0:00 left" in str(Progress(OutputWrapper(io.StringIO()), lambda: 10, Clock()))


def test_words_for_sizes_and_times_at_their_edges():
    sizes = {999.4: "999 bytes", 1_000: "1.0 kB", 999_940: "999.9 kB", 1e6: "1.0 MB", 1e9: "1.0 GB",
             1e12: "1.0 TB", 1e15: "1000.0 TB"}  # fmt: skip
    times = {-5: "0:00", 9: "0:09", 60: "1:00", 599: "9:59", 3_599: "59:59", 3_600: "1:00:00",
             36_005: "10:00:05"}  # fmt: skip
    assert {size: size_words(size) for size in sizes} == sizes
    assert {seconds: time_words(seconds) for seconds in times} == times


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_report_is_json_with_each_item_of_trouble(tmp_path, count):
    path = tmp_path / "report.json"

    with Report(path, dry_run=False) as report:
        for number in range(count):
            report.add(name=f"“{number}”")
        report.finish(fields={"a": 1}, ending=None)
        assert not path.exists()

    written = json.loads(path.read_text())
    assert list(written) == ["started", "trouble", "dry_run", "fields", "ending", "finished"]
    assert written["trouble"] == [{"name": f"“{number}”"} for number in range(count)]
    assert (written["dry_run"], written["fields"], written["ending"]) == (False, {"a": 1}, None)
    assert written["started"] <= written["finished"]
    assert written["started"].endswith("+00:00")
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "a web server or a colleague may read it"
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_of_a_run_that_fails_leaves_the_older_one(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("older")

    with pytest.raises(TypeError), Report(path) as report:
        report.add(name=object())  # which no JSON can hold
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]

    with Report(path) as report:
        report.finish()
    assert json.loads(path.read_text())["trouble"] == []


def test_a_report_that_cannot_be_given_its_name_leaves_nothing_behind(tmp_path, monkeypatch):
    path, complete = tmp_path / "report.json", []

    def refuse(unnamed, name):
        complete.append(json.loads(Path(unnamed).read_text())["trouble"])
        raise OSError("full")

    monkeypatch.setattr("portal.staging.report.os.replace", refuse)
    with pytest.raises(CommandError, match="cannot be written: full"), Report(path) as report:
        report.finish()

    assert complete == [[]], "all of it was there before it got its name"
    assert list(tmp_path.iterdir()) == []


def test_without_a_path_there_is_no_report(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with Report(None, dry_run=True) as report:
        report.add(name="x")
        report.finish()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("256", 256), ("0", None), ("257", None), ("few", None)]
)
def test_jobs_are_between_one_and_a_limit(text, number):
    if number:
        assert number_of_jobs(text) == number
    else:
        with pytest.raises(
            argparse.ArgumentTypeError, match=r"^must be a whole number from 1 to 256$"
        ):
            number_of_jobs(text)


def test_numbers_of_members_are_whole_and_not_negative():
    assert [whole_number(text) for text in ("0", "7")] == [0, 7]
    for text in ("-1", "1.5", "ten", ""):
        with pytest.raises(
            argparse.ArgumentTypeError, match=r"^must be a whole number, 0 or more$"
        ):
            whole_number(text)


def test_drawn_files_are_counted_in_a_sentence():
    assert drawn_line(RULES, Stored(1_200, 3_400)) == (
        "1,200 files of replaced members were drawn, and 3,400 were there already."
    )
    assert "are to be drawn" in drawn_line(RULES, Stored(1, 0), dry_run=True)
    assert Stored() == (0, 0)


def test_changes_of_one_column_are_one_line():
    changes = [Change("a", 1, 2, 3), Change("b", cleared=4), Change("a", 10, 20, 30)]

    assert summed(changes) == [Change("a", 11, 22, 33), Change("b", 0, 4, 0)]


def test_a_setting_that_a_project_has_not_is_the_safe_one(settings):
    names = ("SITE_ENVIRONMENT", "LIVE_STORAGES", "LIVE_REQUIRED", "SCRUB_RULES", "BATCH_ROLE_ARN",
             "BATCH_REPORT_PREFIX")  # fmt: skip
    for name in names:
        if hasattr(settings, name):
            delattr(settings, name)

    assert [getattr(conf, name) for name in names] == [
        "production", {}, ("LIVE_STORAGES",), None, None, "protected/batch",
    ]  # fmt: skip
    settings.SCRUB_RULES = "app.RULES"
    assert conf.SCRUB_RULES == "app.RULES"
    with pytest.raises(AttributeError, match=r"has no setting SCRUB_RULE$"):
        conf.SCRUB_RULE  # noqa: B018


def test_fields_are_chosen_by_name_and_a_wrong_name_tells_which_there_are():
    everything = [media.field_label(*pair) for pair in media.fields_named(None)]

    assert everything == [media.field_label(*pair) for pair in media.fields_named([])]
    assert [media.field_label(*pair) for pair in media.fields_named([RESUME, AVATAR])] == [
        label for label in everything if label in {RESUME, AVATAR}
    ]
    with pytest.raises(CommandError) as refused:
        media.fields_named([AVATAR, "x.Y.z", "a.B.c"])
    assert str(refused.value) == (
        f"There is no file field a.B.c, x.Y.z. There are: {', '.join(everything)}."
    )


BODY, ITS_MD5 = b"123", "202cb962ac59075b964b07152d234b70"


@pytest.mark.parametrize(
    ("found", "is_fixed", "drawn"),
    [
        (None, True, BODY),
        (None, False, BODY),
        (FileInfo(9, 1.0), True, None),
        (FileInfo(3, 1.0, ITS_MD5), False, None),
        (FileInfo(3, 1.0), False, None),  # of a disk, or encrypted
        (FileInfo(3, 1.0, "etag-2"), False, None),
        (FileInfo(3, 1.0, "0" * 32), False, BODY),
        (FileInfo(4, 1.0, ITS_MD5), False, BODY),
        (FileInfo(4, 1.0), False, BODY),
    ],
)
def test_a_placeholder_is_drawn_unless_the_same_one_is_there(monkeypatch, found, is_fixed, drawn):
    """By its name alone where its content follows from it, and else by size and MD5."""
    monkeypatch.setattr(placeholders, "md5", fips.md5)
    rule = Placeholder("avatars", ".webp", lambda row: BODY, is_fixed)

    assert placeholders.missing(rule, None, found) == drawn
    assert placeholders.digest(BODY) == ITS_MD5
