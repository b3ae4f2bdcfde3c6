"""A changed file is copied again, and an unchanged one is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.copying.comparison import is_decided_by_listing, is_unchanged
from portal.copying.stores import UNKNOWN, FileInfo
from tests.copying.ends import DAY


def test_it_skips_what_is_there_already(ends):
    ends.live.put("a", b"a", seconds=-DAY)
    ends.copy("a")

    assert ends.copy("a") == {"a": "unchanged"}


def test_an_empty_file_is_a_file(ends):
    ends.live.put("empty", b"")

    assert ends.copy("empty") == {"empty": "copied"}
    assert ends.staging.contents() == {"empty": b""}
    assert ends.copy("empty") == {"empty": "unchanged"}


@pytest.mark.parametrize("skew", [-DAY, -2, 0, 2, DAY])
def test_a_changed_file_of_the_same_size_is_copied_again(ends, skew):
    """Y5: whatever the two clocks say."""
    ends.live.put("a", b"old", seconds=-DAY - 1)
    ends.copy("a")

    ends.live.put("a", b"new", seconds=skew)

    assert ends.copy("a") == {"a": "copied"}
    assert ends.staging.contents() == {"a": b"new"}


def test_a_changed_file_of_another_size_is_copied_again(ends):
    ends.live.put("a", b"old", seconds=-DAY)
    ends.copy("a")

    ends.live.put("a", b"longer", seconds=-2 * DAY)

    assert ends.copy("a") == {"a": "copied"}
    assert ends.staging.contents() == {"a": b"longer"}


def test_etags_of_multipart_uploads_are_not_compared_with_others(buckets):
    """Same size, and the target is not older: unchanged. Older: copied again."""
    buckets.live.put("a", b"a", seconds=-DAY, multipart=True)
    assert buckets.copy("a") == {"a": "copied"}

    assert buckets.copy("a") == {"a": "unchanged"}

    buckets.live.put("a", b"b", seconds=+DAY, multipart=True)
    assert buckets.copy("a") == {"a": "copied"}
    assert buckets.staging.contents() == {"a": b"b"}


@pytest.mark.parametrize("listed", [0.0, 0.001, 0.5, 0.999])
def test_times_of_listings_and_headers_are_of_the_same_file(ends, listed):
    """Y10: a listing in milliseconds, a header in whole seconds, and a disk or a bucket beside."""
    ends.live.put("a", b"a", at=1_700_000_000 + listed)
    ends.live.put("large", b"b", at=1_700_000_000 + listed, multipart=True)
    assert ends.copy("a", "large") == {"a": "copied", "large": "copied"}

    assert ends.copy("a", "large") == {"a": "unchanged", "large": "unchanged"}


def test_a_second_later_is_another_time(to_disk):
    """Y10's control: in the same second it could not be told."""
    to_disk.live.put("a", b"old", at=1_700_000_000.9)
    to_disk.copy("a")

    to_disk.live.put("a", b"new", at=1_700_000_001.1)

    assert to_disk.copy("a") == {"a": "copied"}
    assert to_disk.staging.contents() == {"a": b"new"}


MD5, OTHER_MD5, PARTS = "a" * 32, "b" * 32, "c" * 32 + "-2"
SECOND = 1_700_000_000


@given(st.integers(0, 999), st.integers(0, 999))
def test_whole_seconds_equal_the_milliseconds_within_them(one, other):
    whole, exact = FileInfo(1, SECOND), FileInfo(1, SECOND + one / 1000)

    for keeps_time in (True, False):
        assert is_unchanged(whole, exact, keeps_time=keeps_time)
        assert is_unchanged(exact, whole, keeps_time=keeps_time)
    another = FileInfo(1, SECOND + other / 1000)
    is_same = one == other or 0 in {one, other}
    assert is_unchanged(exact, another, keeps_time=True) is is_same


@pytest.mark.parametrize(
    ("source", "target", "keeps_time", "expected"),
    [
        (FileInfo(1, 0, MD5), FileInfo(1, 9, MD5), False, True),
        (FileInfo(1, 0, MD5), FileInfo(1, 9, OTHER_MD5), False, False),
        (FileInfo(1, 0, PARTS), FileInfo(1, 9, PARTS), False, True),
        (FileInfo(1, 0, PARTS), FileInfo(1, 9, MD5), False, True),  # younger than its source
        (FileInfo(1, 9, PARTS), FileInfo(1, 0, MD5), False, False),
        (FileInfo(1, 9, MD5), FileInfo(1, 9), True, True),
        (FileInfo(1, 9, MD5), FileInfo(1, 8), True, False),
        (FileInfo(1, 9, MD5), FileInfo(1, 10), True, False),
        (FileInfo(2, 9, MD5), FileInfo(1, 9, MD5), True, False),
        (FileInfo(1, 9, MD5), None, True, False),
        (FileInfo(1, 0), FileInfo(1, 9), False, True),  # no ETags that could be compared
        (FileInfo(1, 9.123), FileInfo(1, 9.1230004), True, True),  # as a disk may round it
    ],
)
def test_an_etag_decides_and_else_size_and_time(source, target, keeps_time, expected):
    assert is_unchanged(source, target, keeps_time=keeps_time) is expected


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (UNKNOWN, FileInfo(1, 0), False),
        (FileInfo(1, 0), UNKNOWN, False),
        (None, FileInfo(1, 0), True),
        (FileInfo(1, 0), None, True),
        (FileInfo(1, 0), FileInfo(2, 0), True),
        (FileInfo(1, 0, MD5), FileInfo(1, 0, MD5), True),
        (FileInfo(1, 0, MD5), FileInfo(1, 0, OTHER_MD5), False),  # encrypted, or changed
        (FileInfo(1, 0, MD5), FileInfo(2, 0, OTHER_MD5), True),  # no request for a changed size
        (FileInfo(1, 0), FileInfo(1, 0, MD5), False),  # a disk's file has to be read
        (FileInfo(1, 0, PARTS), FileInfo(1, 0, MD5), True),
        (FileInfo(1, 0, MD5), FileInfo(1, 0, PARTS), True),
    ],
)
def test_a_listing_decides_unless_an_md5_may_say_more(source, target, expected):
    assert is_decided_by_listing(source, target) is expected
