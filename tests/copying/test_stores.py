"""Names, headers and folders: what a bucket and a folder do with a file."""

import inspect
import os
import re

import pytest
from django.core.files import locks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.copying.s3_store import S3Source, copied_headers
from tests.copying.ends import AWKWARD, DAY, Bucket

LONGEST = "n" * 200 + "/" + "é" * 100 + "/" + "x" * 200 + "/" + "y" * 200 + "/" + "z" * 200


def test_names_are_copied_exactly(ends):
    """Y6."""
    names = [*AWKWARD, LONGEST, "unremarkable"]
    for name in names:
        ends.live.put(name, name.encode(), seconds=-DAY)

    assert ends.copy(*names) == dict.fromkeys(names, "copied")
    assert ends.staging.contents() == {name: name.encode() for name in names}
    assert ends.copy(*names) == dict.fromkeys(names, "unchanged")


def key_of_bytes(length):
    return "k" * (length - len("media/"))


def test_a_key_of_1024_bytes_is_copied_and_one_more_is_reported(buckets):
    """Y6: the longest that S3 takes."""
    longest, too_long = key_of_bytes(1024), key_of_bytes(1025)
    buckets.live.put(longest)

    results = buckets.copy(longest, too_long)

    assert results[longest] == "copied"
    assert results[too_long] in {"missing", "failed"}


# Control characters are in AWKWARD: moto echoes them where AWS writes them as XML can hold them.
segments = st.text(
    st.characters(codec="utf-8", exclude_characters="/", exclude_categories=["Cc"]), min_size=1
).filter(lambda text: text not in {".", ".."})


names = st.lists(segments, min_size=1, max_size=3).map("/".join)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sets(names.filter(lambda name: len(name.encode()) <= 1000), min_size=1, max_size=5))
def test_any_name_that_a_key_can_be_is_copied(by_service, wanted):
    """Y6."""
    for end in (by_service.live, by_service.staging):
        end.backend.buckets[end.name].keys.clear()
    for number, name in enumerate(wanted):
        by_service.live.put(name, str(number).encode())

    results = by_service.copy(*wanted)

    assert results == dict.fromkeys(wanted, "copied")
    assert by_service.staging.contents() == by_service.live.contents()


def test_names_that_lead_out_of_the_folder_are_refused(to_disk, tmp_path):
    to_disk.live.put("../outside", b"outside")

    assert to_disk.copy("../outside") == {"../outside": "failed"}
    assert not (tmp_path / "outside").exists()


def test_names_on_disk_that_are_not_utf8_fail_alone(from_disk):
    """They come from an older system; S3 has no key for them, and a folder keeps them."""
    older = os.fsdecode(b"caf\xe9.pdf")
    for name in (older, "z.pdf"):
        from_disk.live.put(name, b"content")

    assert from_disk.copy(older, "z.pdf") == {older: "failed", "z.pdf": "copied"}


@pytest.mark.parametrize("name", ["a//b", "./a/b", "a/x/../b", "/a/b", "a/b/"])
def test_names_that_a_folder_would_keep_under_another_are_refused(to_disk, name):
    """Two files would become one, and a backup be short of one that it has called copied."""
    for each in ("a/b", name):
        to_disk.live.put(each, each.encode() + b"." * len(each))

    assert to_disk.copy(*sorted(["a/b", name])) == {"a/b": "copied", name: "failed"}
    assert to_disk.staging.contents() == {"a/b": b"a/b..."}


def test_the_live_client_only_gets_heads_and_lists(ends, s3):
    """Y2: the server's own record of what the live keys were used for."""
    ends.live.put("a", seconds=-DAY)
    ends.live.put("b", seconds=-DAY)

    ends.copy("a", "b", "missing")
    ends.copy("a", "b", "missing")

    used = [request for request in s3.requests if request.access_key == "AKIALIVE"]
    assert {request.method for request in used} <= {"GET", "HEAD"}
    assert bool(used) is isinstance(ends.live, Bucket)
    writing = [request for request in s3.requests if request.method not in {"GET", "HEAD"}]
    assert all(request.bucket == "staging" for request in writing)


def test_the_live_client_has_no_other_methods():
    """Y2."""
    public = {name for name in dir(S3Source) if not name.startswith("_")}

    assert public == {"copied_headers", "find", "key", "lists", "open", "page"}
    methods = re.findall(r"(?:_ask|_send)\(\s*\"([A-Z]+)\"", inspect.getsource(S3Source))
    assert set(methods) == {"GET", "HEAD"}


def test_all_that_describes_a_file_comes_along(buckets):
    headers = {
        "Content-Type": "application/pdf",
        "Cache-Control": "private, no-store",
        "Content-Disposition": "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf",
        "Content-Encoding": "gzip",
        "Content-Language": "fr",
        "x-amz-meta-author": "Ada  Lovelace",
    }
    buckets.live.put("a", headers=headers)

    buckets.copy("a")

    described = buckets.target.copied_headers("a")
    assert described == {name.lower(): value for name, value in headers.items()}


def test_words_in_any_script_describe_a_file(buckets):
    """A header is bytes: read as Latin-1, the second one of à is white space."""
    words = "Ada, voilà".encode().decode("latin-1")
    buckets.live.put("a", headers={"x-amz-meta-author": words})

    assert buckets.copy("a") == {"a": "copied"}

    assert buckets.target.copied_headers("a")["x-amz-meta-author"] == words


def test_what_comes_from_disk_is_described_by_the_targets_policy(from_disk):
    from_disk.target.default_headers = lambda name: {
        "content-type": "image/webp",
        "cache-control": "no",
    }
    from_disk.live.put("a.webp")

    from_disk.copy("a.webp")

    described = from_disk.target.copied_headers("a.webp")
    assert described == {"content-type": "image/webp", "cache-control": "no"}


def test_a_framing_that_was_taken_for_content_is_dropped():
    described = copied_headers({"Content-Encoding": "aws-chunked,gzip", "ETag": "x"})

    assert described == {"content-encoding": "gzip"}


def test_what_a_killed_run_left_in_a_folder_is_removed(to_disk):
    """Y4's half on disk; a file that another run is writing is left to it."""
    to_disk.live.put("avatars/a")
    folder = to_disk.staging.path / "avatars"
    folder.mkdir(parents=True)
    left, written = (folder / f".copying-{character * 32}" for character in "ab")
    left.write_bytes(b"half")
    with written.open("wb") as file:
        locks.lock(file, locks.LOCK_EX)

        to_disk.copy("avatars/a")

        assert {path.name for path in folder.iterdir()} == {"a", written.name}


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(to_disk):
    to_disk.live.put("a")
    (to_disk.staging.path / "a" / "in the way").mkdir(parents=True)

    assert to_disk.copy("a") == {"a": "failed"}
    assert to_disk.staging.contents() == {}


def test_a_folder_is_no_file(from_disk):
    from_disk.live.put("below/a")

    assert from_disk.copy("below", "below/a") == {"below": "missing", "below/a": "copied"}


def test_a_server_that_sends_all_where_a_part_was_asked_for_is_not_believed(
    streaming, s3, small_parts, monkeypatch
):
    """As old gateways do; the parts would be put together of whole files."""
    answer = type(s3)._answer
    large = bytes(7 * 1024**2)

    def whole(server, request, environ):
        response = answer(server, request, environ)
        if "range" in request.headers:
            response.status_code, response.data = 200, large
        return response

    streaming.live.put("large", large)
    monkeypatch.setattr(type(s3), "_answer", whole)

    assert "instead of a part" in streaming.reasons("large")["large"]
    assert streaming.staging.contents() == {}
