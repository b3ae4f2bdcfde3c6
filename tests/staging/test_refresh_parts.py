"""The parts of refresh_staging: their order, what each is given, and what is said and reported."""

import io
import json
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.copying.engine import Outcome
from portal.files.references import Reference, file_fields
from portal.files.sweeping import SweepRefused
from portal.staging import media
from portal.staging.management.commands import refresh_staging
from portal.staging.media import Result
from portal.staging.placeholders import Stored

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

AVATAR = "profiles.Profile.avatar"
OWNER = Reference("default", "a.webp", "profiles.Profile", 7, "avatar")
MISSING = Outcome("a.webp", "missing", 0, "Gone.", [OWNER])
CHANGED = Outcome("a.webp", "copied", 9, "", [OWNER])
SAME = Outcome("a.webp", "unchanged", 9, "", [OWNER])
TROUBLE = {
    "reason": "Gone.", "model": "profiles.Profile", "pk": "7", "field": "avatar", "name": "a.webp",
}  # fmt: skip


class Parts:
    """Stands in for all that a refresh calls: notes the order, and returns what a test wants."""

    def __init__(self):
        self.asked = []
        self.copied = Result({AVATAR: Counter(copied=2, bytes=3_000)})
        self.verified = Result({AVATAR: Counter({"as on live": 2})})
        self.shown, self.noted = [], []
        self.left = {"default": {"unnamed": 0, "deleted": 0}}

    def note(self, name, **given):
        self.asked.append((name, given))

    def try_both_ends(self, storages, pairs, fields, **options):
        assert (list(storages), pairs) == (["default", "protected"], "pairs")
        assert fields == file_fields()
        self.note("try", **options)

    def scrub(self, name, **options):
        assert {options.pop("stdout"), options.pop("stderr")} == {self.out, self.err}
        self.note(name, **options)

    def draw(self, rules, **options):
        self.note("draw", **options)
        return Stored(3, 4)

    def copy(self, fields, pairs, *, each, **options):
        assert (fields, pairs) == (file_fields(), "pairs")
        self.note("copy", **options)
        for outcome in self.shown:
            each(outcome)
        return self.copied

    def verify(self, fields, pairs, *, each, **options):
        assert (fields, pairs) == (file_fields(), "pairs")
        self.note("verify", **options)
        for outcome, word in self.noted:
            each(outcome, word)
        return self.verified

    def sweep(self, storages, before, **options):
        assert abs((timezone.now() - before).total_seconds()) < 60
        self.note("sweep", **options)
        if isinstance(self.left, Exception):
            raise self.left
        return self.left

    def run(self, path, **options):
        self.out, self.err = io.StringIO(), io.StringIO()
        try:
            call_command(
                "refresh_staging", report=path, stdout=self.out, stderr=self.err, no_color=True,
                **options,
            )  # fmt: skip
        except CommandError as error:
            ending = error
        else:
            ending = None
        report = json.loads(path.read_text())
        for part in report.values():
            if isinstance(part, dict):
                assert 0 <= part.pop("seconds") < 60
        assert report.pop("started") <= report.pop("finished")
        assert report.pop("ending") == (str(ending) if ending else None)
        return report, ending


@pytest.fixture
def parts(monkeypatch):
    parts = Parts()
    replaced = {
        "live_pairs": lambda storages, *, jobs: parts.note("pairs", jobs=jobs) or "pairs",
        "refuse_live": lambda fork: parts.note("refuse", fork=fork),
        "try_both_ends": parts.try_both_ends,
        "call_command": parts.scrub,
        "store_placeholders": parts.draw,
        "leftovers": parts.sweep,
        "rows_by_model": lambda: {"profiles.User": 5 - len(parts.asked)},
    }
    for name, function in replaced.items():
        monkeypatch.setattr(refresh_staging, name, function)
    monkeypatch.setattr(media, "copy_media", parts.copy)
    monkeypatch.setattr(media, "verify_media", parts.verify)
    monkeypatch.setattr(media, "count_from_live", lambda fields: 9)
    return parts


SCRUB = {
    "is_part": True, "is_undone": False, "keep": 0, "seed": "", "keep_consenting": False,
    "confirmed_fork": None,
}  # fmt: skip
TRIED = {"dry_run": False, "live_key_may_write": False}
USUAL = [
    ("pairs", {"jobs": 64}),
    ("refuse", {"fork": None}),
    ("try", TRIED),
    ("scrub_members", SCRUB),
    ("draw", {"jobs": 64, "dry_run": False}),
    ("copy", {"jobs": 64, "dry_run": False}),
    ("verify", {"jobs": 64}),
    ("sweep", {"delete": False, "most": False}),
]
REPORT = {
    "trouble": [],
    "dry_run": False,
    "scrub": {"rows": {"profiles.User": {"before": 2, "after": 1}}},
    "draw": {"stored": 3, "unchanged": 4},
    "copy": {"fields": {AVATAR: {"copied": 2, "bytes": 3_000}}},
    "verify": {"fields": {AVATAR: {"as on live": 2}}},
    "sweep": {"storages": {"default": {"unnamed": 0, "deleted": 0}}},
}
TABLE = [
    "field                    copied  unchanged  missing  denied  failed   bytes",
    "profiles.Profile.avatar       2          0        0       0       0  3.0 kB",
]
TABLE_OF_A_DRY_RUN = [
    "field                    to copy  unchanged  missing  denied  failed   bytes",
    "profiles.Profile.avatar        2          0        0       0       0  3.0 kB",
]
DRAWN = "3 files of replaced members were drawn, and 4 were there already."


def test_a_refresh_is_a_scrub_a_copy_a_comparison_and_a_count(parts, tmp_path):
    report, ending = parts.run(tmp_path / "report.json")

    assert ending is None
    assert parts.asked == USUAL
    assert report == REPORT
    assert parts.out.getvalue().splitlines() == [
        "Scrub",
        "Draw",
        DRAWN,
        "Copy",
        *TABLE,
        "Verify",
        "2 of 2 are as on live.",
        "Sweep",
        "default: no row names 0 files.",
    ]
    assert parts.err.getvalue() == ""


def test_a_refresh_passes_on_what_it_was_told(parts, tmp_path):
    parts.left = {"default": {"unnamed": 1_200, "deleted": 1_200}}

    report, ending = parts.run(
        tmp_path / "report.json", jobs=3, confirmed_fork="a@b:1", keep=7, seed="x",
        keep_consenting=True, live_key_may_write=True, sweep=True, most=True,
    )  # fmt: skip

    assert ending is None
    chosen = {"keep": 7, "seed": "x", "keep_consenting": True, "confirmed_fork": "a@b:1"}
    assert parts.asked == [
        ("pairs", {"jobs": 3}),
        ("refuse", {"fork": "a@b:1"}),
        ("try", TRIED | {"live_key_may_write": True}),
        ("scrub_members", SCRUB | chosen),
        ("draw", {"jobs": 3, "dry_run": False}),
        ("copy", {"jobs": 3, "dry_run": False}),
        ("verify", {"jobs": 3}),
        ("sweep", {"delete": True, "most": True}),
    ]
    assert report["sweep"] == {"storages": parts.left}
    last = parts.out.getvalue().splitlines()[-1]
    assert last == "default: no row names 1,200 files; 1,200 were deleted."


def test_a_dry_run_asks_for_one_throughout_and_compares_nothing(parts, tmp_path):
    parts.left = {"default": {"unnamed": 3, "deleted": 0}}

    report, ending = parts.run(tmp_path / "report.json", dry_run=True, sweep=True, most=True)

    assert ending is None
    assert parts.asked == [
        *USUAL[:2],
        ("try", TRIED | {"dry_run": True}),
        ("scrub_members", SCRUB | {"is_undone": True}),
        ("draw", {"jobs": 64, "dry_run": True}),
        ("copy", {"jobs": 64, "dry_run": True}),
        ("sweep", {"delete": False, "most": False}),
    ]
    assert "verify" not in report
    assert report["dry_run"] is True
    assert parts.out.getvalue().splitlines() == [
        "Scrub",
        "Draw",
        DRAWN.replace("were drawn", "are to be drawn"),
        "Copy",
        *TABLE_OF_A_DRY_RUN,
        "Sweep",
        "default: no row names 3 files.",
        "They may be those of former members. --sweep deletes them.",
        "Nothing was changed: this was a dry run.",
    ]


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("part", "result", "words", "status"),
    [
        ("copied", Result({}, unusable="No bucket."), "No bucket.", 1),
        ("copied", Result({AVATAR: Counter(missing=2)}), "2 files could not be copied; see above.",
         1),
        ("copied", Result({}, is_interrupted=True),
         "Stopped. Nothing is half-done; run the same command again to go on.", 130),
        ("verified", Result({}, unusable="No bucket."), "No bucket.", 1),
        ("verified", Result({AVATAR: Counter(different=1, missing=2, denied=3, failed=4)}),
         "10 files are not here as they are on live; see above.", 1),
        ("verified", Result({}, is_interrupted=True),
         "Stopped. Nothing is half-done; run the same command again to go on.", 130),
        ("left", SweepRefused("Is this the right bucket?"), "Is this the right bucket?", 1),
        ("left", OSError("No answer."), "No answer.", 1),
    ],
)  # fmt: skip
def test_a_part_that_fails_is_how_a_refresh_ends(
    parts, tmp_path, part, result, words, status, dry_run
):
    """The others are done all the same, unless somebody has interrupted one."""
    setattr(parts, part, result)

    _, ending = parts.run(tmp_path / "report.json", dry_run=dry_run)

    done = [name for name, _ in parts.asked]
    expected = [name for name, _ in USUAL if not (dry_run and name == "verify")]
    if dry_run and part == "verified":
        assert ending is None
    else:
        assert (str(ending), ending.returncode) == (words, status)
        if status == 130:
            expected = expected[: expected.index("copy" if part == "copied" else "verify") + 1]
    assert done == expected
    assert ("Nothing was changed: this was a dry run." in parts.out.getvalue()) is (
        dry_run and (status != 130 or part == "verified")
    )


def test_the_last_part_that_fails_is_the_one_that_is_named(parts, tmp_path):
    parts.copied = Result({}, unusable="No bucket.")
    parts.verified = Result({AVATAR: Counter(missing=1)})

    _, ending = parts.run(tmp_path / "report.json")
    assert str(ending) == "1 files are not here as they are on live; see above."

    parts.left = SweepRefused("Is this the right bucket?")
    _, ending = parts.run(tmp_path / "report.json")
    assert str(ending) == "Is this the right bucket?"


def test_files_that_cannot_be_deleted_are_counted(parts, tmp_path):
    parts.left = {
        "default": {"unnamed": 3, "deleted": 1},
        "protected": {"unnamed": 1_000, "deleted": 1},
    }

    _, ending = parts.run(tmp_path / "report.json", sweep=True)

    assert str(ending) == "1,001 files that no row names could not be deleted."
    assert parts.out.getvalue().splitlines()[-2:] == [
        "default: no row names 3 files; 1 were deleted.",
        "protected: no row names 1,000 files; 1 were deleted.",
    ]


def test_trouble_is_said_once_and_reported_for_each_part(parts, tmp_path):
    """The comparison does not print again what the copy has printed."""
    parts.shown = [MISSING, CHANGED]
    parts.noted = [(MISSING, "missing"), (CHANGED, "different"), (SAME, "as on live")]

    report, _ = parts.run(tmp_path / "report.json")

    assert parts.err.getvalue().splitlines() == [
        "missing: profiles.Profile 7, avatar: 'a.webp'. Gone.",
        "different: profiles.Profile 7, avatar: 'a.webp'.",
    ]
    assert report["trouble"] == [
        {"part": "copy", "result": "missing"} | TROUBLE,
        {"part": "verify", "result": "missing"} | TROUBLE,
        {"part": "verify", "result": "different"} | TROUBLE | {"reason": ""},
    ]
