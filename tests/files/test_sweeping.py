"""The merge of rows and files: the same on a disk and in a bucket, in any order of names."""

import tracemalloc
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from hypothesis import given
from hypothesis import strategies as st

from portal.files import sweeping
from portal.files.references import Reference
from portal.files.storages import PublicMediaStorage

NAMES = st.text(st.sampled_from("aZ./-0é~\U0001d518\ue000"), min_size=1, max_size=8)


@given(st.sets(NAMES.filter(lambda name: sweeping.is_plain(f"a/{name}/a") and ".." not in name)))
def test_a_folder_is_listed_as_a_bucket_is(tmp_path_factory, names):
    """In the order of bytes, folders and all, so that both may be merged with rows."""
    folder = tmp_path_factory.mktemp("folder")
    written = set()
    for name in sorted(names):
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"x")
        except OSError:  # on a disk, a file is no folder
            continue
        written.add(name)

    assert [file.name for file in sweeping.folder_listing(folder)] == sorted(
        written, key=str.encode
    )


def test_what_a_link_leads_to_is_not_listed(tmp_path):
    """A sweep would delete files of another folder; the link itself is a file like any other."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").touch()
    (tmp_path / "media").mkdir()
    (tmp_path / "media/link").symlink_to(tmp_path / "elsewhere")

    assert [file.name for file in sweeping.folder_listing(tmp_path / "media")] == ["link"]


@given(rows=st.lists(NAMES), files=st.sets(NAMES))
def test_the_merge_finds_what_sets_would_find(rows, files):
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    found = sweeping.compared(
        [Reference("default", name, "m", 1, "f") for name in sorted(rows)],
        [sweeping.Stored(name, long_ago) for name in sorted(files)],
        now,
    )

    assert [(finding.kind, finding.name) for finding in found] == sorted(
        [("missing", name) for name in rows if name not in files]
        + [("named" if name in rows else "orphan", name) for name in files],
        key=lambda finding: finding[1],
    )


def test_a_file_of_the_very_moment_is_too_young_to_be_an_orphan():
    before = datetime(2026, 1, 1, tzinfo=UTC)
    files = [sweeping.Stored("a", before - timedelta(seconds=1)), sweeping.Stored("b", before)]

    kinds = [found.kind for found in sweeping.compared([], files, before)]

    assert kinds == ["orphan", "young"]


def test_a_listing_out_of_order_stops_the_sweep():
    """A server that sorts in another way would make orphans of files that rows name."""
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    files = [sweeping.Stored(name, long_ago) for name in ("b", "a")]

    with pytest.raises(sweeping.SweepRefused, match="order of their names"):
        list(sweeping.compared([], files, now))


@pytest.mark.whole
def test_memory_stays_the_same_however_many_there_are():
    """Y8's like: 50,000 names take no more than 5,000."""
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    def peak(count):
        names = [f"avatars/{number:032}.webp" for number in range(count)]
        tracemalloc.start()
        rows = (Reference("default", name, "m", 1, "f") for name in names)
        files = (sweeping.Stored(name, long_ago) for name in names)
        for _ in sweeping.compared(rows, files, now):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(50_000) < peak(5_000) + 100_000


AWS = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
    "region_name": "eu-west-1", "location": "files",
}  # fmt: skip


def test_a_command_retries_more_often_than_a_page_waits():
    storage = PublicMediaStorage(**AWS)

    patient = sweeping.with_retries(storage)

    assert (patient.attempts, storage.attempts) == (5, 2)
    assert patient.bucket_name == "society"
    assert type(patient) is PublicMediaStorage


@pytest.mark.parametrize(
    ("name", "is_plain"),
    [
        ("a", True), ("a/b.webp", True), ("a b", True), ("..a", True),
        ("a//b", False), ("./a", False), ("a/./b", False), ("/a", False), ("a/../b", False),
        ("a\\b", False),
    ],
)  # fmt: skip
def test_a_plain_name_is_stored_as_it_is_written(name, is_plain):
    assert sweeping.is_plain(name) is is_plain


def test_what_can_be_listed_is_a_bucket_or_a_folder(tmp_path):
    assert list(sweeping.listing(FileSystemStorage(tmp_path / "none"))) == []
    with pytest.raises(
        sweeping.SweepRefused, match=r"^InMemoryStorage is not a storage that can be swept\.$"
    ):
        sweeping.listing(InMemoryStorage())


def test_storages_that_share_files_are_not_swept(tmp_path):
    one, two = FileSystemStorage(tmp_path / "a"), FileSystemStorage(tmp_path / "b")
    within = FileSystemStorage(tmp_path / "b" / "c")

    sweeping.refuse_overlap({"one": one, "two": two})

    with pytest.raises(
        sweeping.SweepRefused, match=r"^The storages two and within keep their files together\.$"
    ):
        sweeping.refuse_overlap({"one": one, "two": two, "within": within})


def test_what_rows_say_at_last_is_what_counts(monkeypatch):
    """They change while a bucket is listed: an upload gets its row, a member is deleted."""
    asked = []

    def named_among(storage, names):
        asked.append((storage, list(names)))
        return {"b", "d"}

    monkeypatch.setattr(sweeping, "named_among", named_among)
    kinds = ("orphan", "orphan", "missing", "missing", "named", "young")
    batch = [sweeping.SweepResult(*each) for each in zip(kinds, "abcdef", strict=True)]

    found = {each.name: each.kind for each in sweeping.rechecked("here", batch)}

    assert found == {"a": "orphan", "b": "named", "d": "missing", "e": "named", "f": "young"}
    assert asked == [("here", ["a", "b", "c", "d"])]
    assert list(sweeping.rechecked("here", batch[4:])) == batch[4:]
    assert len(asked) == 1, "no query without doubt"
