"""One file is copied whole, checked, or reported; large ones go in parts."""

import itertools
import os

import pytest

from portal.copying import retry, s3_store, transfer
from portal.copying.stores import FileInfo
from tests.copying.ends import DAY, Bucket, requests_of


def test_what_the_service_copies_is_one_request_a_file(by_service, s3):
    for name in "abc":
        by_service.live.put(name)

    by_service.copy("a", "b", "c")

    assert sorted(requests_of(s3)) == sorted([
        ("GET", "live", ""), ("GET", "staging", ""), ("HEAD", "live", "media/a"),
        ("PUT", "staging", "media/a"), ("PUT", "staging", "media/b"), ("PUT", "staging", "media/c"),
    ])  # fmt: skip
    assert requests_of(s3, "AKIALIVE") == [("GET", "live", "")]


def test_whether_the_service_may_copy_is_asked_once(streaming, s3):
    for name in "abcdef":
        streaming.live.put(name)

    streaming.copy(*"abcdef")

    refused = [request for request in s3.requests if request.status == 403]
    assert len(refused) == 1
    assert sum(request.method == "PUT" for request in s3.requests) == 6


@pytest.mark.parametrize(
    ("denied", "to_source", "result"),
    [("a", True, "denied"), ("c", True, "denied"), ("c", False, "copied")],
    ids=["first", "later", "to-the-target-alone"],
)
def test_one_denied_file_says_nothing_of_the_rest(by_service, s3, denied, to_source, result):
    """Else all that follow would be streamed. Files of one size are tried in their order."""
    for name in "abcdef":
        by_service.live.put(name)
    key = f"media/{denied}"
    s3.permissions = {
        "AKIALIVE": lambda method, _, asked: (
            method in {"GET", "HEAD"} and not (to_source and asked == key)
        ),
        "AKIASTAGING": lambda method, bucket, asked: bucket == "staging" or asked != key,
    }

    results = by_service.copy(*"abcdef", jobs=1)

    assert results == dict.fromkeys("abcdef", "copied") | {denied: result}
    read = {request.key for request in s3.requests if request.method == "GET" and request.key}
    assert read <= {key}


class Cut:
    """A stand-in for a connection that breaks, a number of times, in the middle of a body."""

    def __init__(self, monkeypatch, times):
        self.left = times
        real = s3_store.read

        def read(response):
            chunks = real(response)
            if self.left:
                self.left -= 1
                yield next(chunks)[:-1]
                return
            yield from chunks

        monkeypatch.setattr(s3_store, "read", read)


@pytest.mark.parametrize("route", ["to_disk", "streaming"])
def test_a_truncated_answer_is_not_taken_for_a_file(request, route, monkeypatch):
    """Y7: detected, tried again; for ever, reported, and nothing is written."""
    ends = request.getfixturevalue(route)
    ends.live.put("a", b"0123456789")

    Cut(monkeypatch, times=1000)
    assert ends.copy("a") == {"a": "failed"}
    assert ends.staging.contents() == {}

    Cut(monkeypatch, times=0)
    monkeypatch.undo()
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)
    Cut(monkeypatch, times=2)
    assert ends.copy("a") == {"a": "copied"}
    assert ends.staging.contents() == {"a": b"0123456789"}


@pytest.mark.parametrize("route", ["streaming", "to_disk"])
def test_a_connection_that_ends_early_is_noticed(request, route, s3, monkeypatch):
    """Y7: on the wire, the server announces more bytes than it sends."""
    ends = request.getfixturevalue(route)
    ends.live.put("a", b"0123456789")
    answer, short = type(s3)._answer, []

    def cut(server, request, environ):
        response = answer(server, request, environ)
        if request.method == "GET" and request.key and len(short) < 2:
            short.append(request)
            response.automatically_set_content_length = False
            response.response = [b"0123"]
            response.headers["Content-Length"] = "10"
        return response

    monkeypatch.setattr(type(s3), "_answer", cut)

    assert ends.copy("a") == {"a": "copied"}
    assert len(short) == 2
    assert ends.staging.contents() == {"a": b"0123456789"}


@pytest.mark.parametrize("route", ["streaming", "to_disk"])
def test_a_spoilt_answer_of_the_right_length_is_not_taken_for_a_file(request, route, monkeypatch):
    ends = request.getfixturevalue(route)
    ends.live.put("a", b"0123456789")
    monkeypatch.setattr(s3_store, "read", lambda response: iter([b"012345678X"]))

    assert ends.copy("a") == {"a": "failed"}
    assert ends.staging.contents() == {}


def test_a_copy_that_is_not_what_was_sent_is_a_failure(buckets, s3, monkeypatch):
    buckets.live.put("a", b"0123456789")
    answer = type(s3)._answer

    def spoil(server, request, environ):
        response = answer(server, request, environ)
        if request.method == "PUT":
            buckets.staging.put("a", b"012345678X")
            response.headers["ETag"] = f'"{"0" * 32}"'
            response.data = response.data.replace(b"781e5e245d69b566979b86e28d23f2c7", b"0" * 32)
        return response

    monkeypatch.setattr(type(s3), "_answer", spoil)

    assert buckets.copy("a") == {"a": "failed"}


LARGE = os.urandom(1024) * (11 * 1024)  # 11 MiB: three parts


def test_large_objects_go_in_parts(ends, s3, small_parts):
    """Y7."""
    ends.live.put("large", LARGE, seconds=-DAY, headers={"Cache-Control": "private"})

    assert ends.copy("large") == {"large": "copied"}
    assert ends.staging.contents() == {"large": LARGE}
    parts = [request for request in s3.requests if "partNumber" in request.query]
    if isinstance(ends.staging, Bucket):
        assert sorted(part.query["partNumber"] for part in parts) == ["1", "2", "3"]
    if isinstance(ends.staging, Bucket) and isinstance(ends.live, Bucket):
        assert ends.target.copied_headers("large")["cache-control"] == "private"
    assert ends.copy("large") == {"large": "unchanged"}


def test_parts_are_tried_again_one_by_one(buckets, s3, small_parts):
    buckets.live.put("large", LARGE)
    s3.fail_next(times=3, matching=lambda request: "partNumber" in request.query)

    assert buckets.copy("large") == {"large": "copied"}
    parts = [request for request in s3.requests if "partNumber" in request.query]
    assert len(parts) == 3 + 3
    assert buckets.staging.contents() == {"large": LARGE}


DETAILS = ({}, "STANDARD", [], None, None, None)  # of an upload, as moto wants them


def test_parts_of_a_killed_run_are_done_away_with(buckets, s3, small_parts):
    buckets.live.put("large", LARGE)
    backend = buckets.staging.backend
    backend.create_multipart_upload("staging", "media/large", *DETAILS)
    other = backend.create_multipart_upload("staging", "media/large2", *DETAILS)

    buckets.copy("large")

    assert list(backend.buckets["staging"].multiparts) == [other.id]


def test_a_large_object_that_fails_leaves_no_parts(buckets, s3, small_parts):
    buckets.live.put("large", LARGE)
    s3.fail_next(times=100, matching=lambda request: request.query.get("partNumber") == "2")

    assert buckets.copy("large") == {"large": "failed"}
    assert not buckets.staging.backend.buckets["staging"].multiparts
    assert buckets.staging.contents() == {}


def test_an_object_above_five_gigabytes_is_copied_in_parts_that_s3_takes(by_service, monkeypatch):
    """Y7: a stub notes what would be asked; S3 takes 10,000 parts of 5 MiB to 5 GiB."""
    asked, size = [], 6 * 1024**3 + 1

    def ask(method, key="", *, query=None, headers=None, **options):
        asked.append((method, query, headers or {}))
        about = {"last-modified": "Sun, 22 Nov 2026 17:00:45 GMT", "content-length": str(size)}
        return about, b"<R><UploadId>1</UploadId><ETag>e</ETag></R>"

    monkeypatch.setattr(by_service.target, "_ask", ask)
    monkeypatch.setattr(by_service.source, "_ask", ask)
    monkeypatch.setattr(by_service.target, "may_read", lambda *asked: True)
    copier = transfer.Transfer(by_service.source, by_service.target, retry.Retry(), dry_run=False)

    assert copier.copy_one("large", FileInfo(size, 0), None)[0] == "copied"

    ranges = [
        headers["x-amz-copy-source-range"] for _, _, headers in asked
        if "x-amz-copy-source-range" in headers
    ]  # fmt: skip
    ends = sorted(tuple(map(int, text.removeprefix("bytes=").split("-"))) for text in ranges)
    assert ends[0][0] == 0
    assert ends[-1][1] == size - 1
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(ends))
    assert all(5 * 1024**2 <= last - first + 1 <= 5 * 1024**3 for first, last in ends[:-1])
    assert not any(
        "x-amz-copy-source-range" not in h and "x-amz-copy-source" in h for *_, h in asked
    )


def test_a_terabyte_goes_in_no_more_parts_than_s3_takes(by_service, monkeypatch):
    asked, size = [], 1024**4
    answer = b"<R><UploadId>1</UploadId></R>"
    monkeypatch.setattr(
        by_service.target, "_ask", lambda method, *key, **options: (asked.append(method), answer)
    )
    sent = []

    def send(upload, number, part):
        sent.append(part)
        return "etag"

    by_service.target.create_from_parts("a", size, {}, send)

    assert len(sent) <= s3_store.MAX_PARTS
    assert sum(map(len, sent)) == size


@pytest.mark.whole
def test_parts_that_are_not_all_of_a_file_are_a_failure(buckets, small_parts, monkeypatch):
    """No ETag tells, where both are of parts: the size does."""
    buckets.live.put("large", LARGE, multipart=True)
    find = buckets.target.find

    def shorter(name):
        found = find(name)
        return found and found._replace(size=found.size - 1)

    monkeypatch.setattr(buckets.target, "find", shorter)

    assert "The copy differs from the source" in buckets.reasons("large")["large"]


def test_a_body_that_was_damaged_on_its_way_is_sent_again(streaming, s3):
    streaming.live.put("a", b"0123456789")
    s3.fail_next(400, "BadDigest", times=2, matching=lambda request: request.method == "PUT")

    assert streaming.copy("a") == {"a": "copied"}
    assert streaming.staging.contents() == {"a": b"0123456789"}


@pytest.mark.parametrize("new", [LARGE[::-1], LARGE[:-1], b"small"], ids=["same", "less", "small"])
def test_a_file_that_changes_meanwhile_is_copied_anew(ends, small_parts, monkeypatch, new):
    """A part of the old file beside one of the new would be neither (S3 answers 412)."""
    ends.live.put("large", LARGE, seconds=-DAY)
    copy, changes = transfer.Transfer._copy, []

    def change_first(copier, name, source_file):
        if not changes:
            changes.append(name)
            ends.live.put("large", new, seconds=-DAY + 60)
        return copy(copier, name, source_file)

    monkeypatch.setattr(transfer.Transfer, "_copy", change_first)

    assert ends.reasons("large") == {"large": ""}
    assert ends.staging.contents() == {"large": new}
    assert ends.copy("large") == {"large": "unchanged"}
