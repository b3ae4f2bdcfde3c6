"""The copy engine, from bucket to bucket, from bucket to folder and from folder to bucket."""

import inspect
import itertools
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.core.files import locks as copying_locks
from django.core.files.storage import FileSystemStorage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.copying import engine, listings, retry, s3_store, transfer
from portal.copying.engine import copy
from portal.copying.folder_store import Folder
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import FileInfo, Unusable
from tests.support.strict_s3 import StrictS3, read_only

REGION = "eu-west-1"
KEYS = {"AKIALIVE": "live-secret", "AKIASTAGING": "staging-secret"}
DAY = 24 * 3600


@pytest.fixture(scope="module")
def server():
    with StrictS3(KEYS, region=REGION) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)


class Bucket:
    """A bucket of the strict server, as a test arranges it and looks into it."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.backend = server._backend
        self.backend.create_bucket(name, REGION)

    def place(self, kind, access_key, **options):
        return kind(
            bucket=self.name,
            prefix="media",
            access_key=access_key,
            secret_key=options.pop("secret_key", KEYS[access_key]),
            region=REGION,
            endpoint_url=self.server.endpoint_url,
            **options,
        )

    def put(self, name, content=b"content", *, seconds=0, headers=None, multipart=False):
        key = self.backend.put_object(self.name, f"media/{name}", content)
        key.last_modified = datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=seconds)
        headers = {"Content-Type": "image/webp", **(headers or {})}
        key.set_metadata({name.lower(): value for name, value in headers.items()}, replace=True)
        if multipart:
            key._etag = "0" * 31 + "1-2"

    def described(self, access_key):
        keys = {"access_key": access_key, "secret_key": KEYS[access_key], "region": REGION}
        return {"bucket": self.name, "endpoint_url": self.server.endpoint_url, **keys}

    def delete(self, name):
        self.backend.delete_object(self.name, f"media/{name}")

    def contents(self):
        keys = self.backend.buckets[self.name].keys
        # list(): the server may still be at the last request of a process that was killed.
        return {key.removeprefix("media/"): keys[key].value for key in list(keys)}

    def headers(self, name):
        return self.backend.buckets[self.name].keys[f"media/{name}"].metadata


class Directory:
    """A folder on disk, likewise."""

    def __init__(self, path):
        self.path = path

    def place(self):
        return Folder(FileSystemStorage(self.path))

    def put(self, name, content=b"content", *, seconds=0, **about):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        time = datetime.now(UTC).timestamp() + seconds
        os.utime(path, (time, time))

    def described(self, access_key):
        return {"path": str(self.path)}

    def delete(self, name):
        (self.path / name).unlink()

    def contents(self):
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in files}


class Ends:
    """Where files come from and where they go."""

    def __init__(self, live, staging, source, target):
        self.live, self.staging, self.source, self.target = live, staging, source, target

    def copy(self, *names, **options):
        """The outcomes' results by name, of a run as the command makes it."""
        wanted = ((name, [name]) for name in sorted(names))
        return {
            done.name: done.result for done in copy(wanted, self.source, self.target, **options)
        }

    def reasons(self, *names):
        wanted = ((name, None) for name in sorted(names))
        return {done.name: done.reason for done in copy(wanted, self.source, self.target)}


@pytest.fixture
def s3(server):
    """The server, on which live's keys may only read, and staging's may do all."""
    server.permissions = {"AKIALIVE": read_only}
    yield server
    server.wipe()


@pytest.fixture
def by_service(s3):
    """Two buckets; the target's keys may read the source."""
    live, staging = Bucket(s3, "live"), Bucket(s3, "staging")
    return Ends(
        live, staging, live.place(S3Source, "AKIALIVE"), staging.place(S3Target, "AKIASTAGING")
    )


@pytest.fixture
def streaming(by_service, s3):
    """Two buckets; the target's keys know nothing of the source."""
    s3.permissions["AKIASTAGING"] = lambda method, bucket, key: bucket == "staging"
    return by_service


@pytest.fixture
def to_disk(s3, tmp_path):
    live, staging = Bucket(s3, "live"), Directory(tmp_path / "staging")
    return Ends(live, staging, live.place(S3Source, "AKIALIVE"), staging.place())


@pytest.fixture
def from_disk(s3, tmp_path):
    live, staging = Directory(tmp_path / "live"), Bucket(s3, "staging")
    return Ends(live, staging, live.place(), staging.place(S3Target, "AKIASTAGING"))


@pytest.fixture(params=["by_service", "streaming", "to_disk", "from_disk"])
def ends(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["by_service", "streaming"])
def buckets(request):
    return request.getfixturevalue(request.param)


# What is copied


def test_it_copies_what_is_wanted_and_nothing_else(ends):
    ends.live.put("avatars/a.webp", b"a")
    ends.live.put("avatars/b.webp", b"b")
    ends.live.put("unwanted.webp")

    results = ends.copy("avatars/a.webp", "avatars/b.webp")

    assert results == {"avatars/a.webp": "copied", "avatars/b.webp": "copied"}
    assert ends.staging.contents() == {"avatars/a.webp": b"a", "avatars/b.webp": b"b"}


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


def test_missing_and_denied_files_do_not_stop_the_rest(ends, s3):
    """Y3: a hundred, of which some are missing; where there are keys, some denied."""
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        ends.live.put(name, name.encode())
    missing, denied = names[10:15], names[50:53]
    for name in missing:
        ends.live.delete(name)
    if isinstance(ends.live, Directory):
        denied = []
    else:
        forbidden = {f"media/{name}" for name in denied}
        s3.permissions = {
            "AKIALIVE": lambda method, _, key: method in {"GET", "HEAD"} and key not in forbidden,
            "AKIASTAGING": lambda method, bucket, key: (
                bucket == "staging"
                or (key not in forbidden and ends.target.can_copy_from(ends.source))
            ),
        }

    results = ends.copy(*names)

    expected = dict.fromkeys(names, "copied")
    expected |= dict.fromkeys(missing, "missing") | dict.fromkeys(denied, "denied")
    assert results == expected
    left = set(names) - {*missing, *denied}
    assert ends.staging.contents() == {name: name.encode() for name in left}


def test_a_dry_run_says_the_same_and_does_nothing(ends, s3):
    ends.live.put("changed", b"old", seconds=-DAY)
    ends.live.put("there", b"there", seconds=-DAY)
    ends.copy("changed", "there")
    ends.live.put("changed", b"new", seconds=-DAY + 60)
    ends.live.put("new", b"new")
    before = ends.staging.contents()
    s3.clear()

    results = ends.copy("changed", "there", "new", "missing", dry_run=True)

    assert results == {
        "changed": "copied", "there": "unchanged", "new": "copied", "missing": "missing",
    }  # fmt: skip
    assert ends.staging.contents() == before
    assert {request.method for request in s3.requests} <= {"GET", "HEAD"}


def test_the_owners_come_back_with_the_outcome(ends):
    ends.live.put("a")

    (outcome,) = copy([("a", "whoever")], ends.source, ends.target)

    assert outcome.owners == "whoever"
    assert outcome.bytes == len(b"content")


# Names


AWKWARD = [
    "résumé 日本 😀.pdf", "a+b.pdf", "100%.pdf", "a%20b.pdf", "a%2Fb.pdf", "a b.pdf", "a&b<c>.pdf",
    "quo'te\"(1)!*~;=?#[x].pdf", "-dash", "\ufffd\U00010000", "control\x02", "a\\b", "ä",
    "a\u0308",
]  # fmt: skip
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


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2))
def test_a_page_begins_before_the_name_that_it_is_turned_to_for(texts):
    for text in texts:
        before = listings.just_before(text).encode()

        assert before < text.encode()


def test_names_that_lead_out_of_the_folder_are_refused(to_disk, tmp_path):
    to_disk.live.put("../outside", b"outside")

    assert to_disk.copy("../outside") == {"../outside": "failed"}
    assert not (tmp_path / "outside").exists()


# Requests


def requests_of(s3, access_key=None):
    return [
        (request.method, request.bucket, request.key)
        for request in s3.requests
        if access_key in {None, request.access_key}
    ]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(s3_store, "PAGE_NAMES", 10)


def test_it_leaps_over_what_nobody_asked_for(by_service, s3, small_pages):
    """Six pages of a hundred hold the wanted names: six requests, and none at the target's end."""
    names = [f"{number:04}" for number in range(1000)]
    for name in names:
        by_service.live.put(name, b"", seconds=-DAY)
    wanted = [*names[5:9], names[300], names[511], names[512], names[700], names[900], names[999]]

    results = by_service.copy(*wanted, dry_run=True)

    assert results == dict.fromkeys(wanted, "copied")
    assert requests_of(s3, "AKIALIVE") == [("GET", "live", "")] * 6
    assert len(requests_of(s3, "AKIASTAGING")) == 1  # an empty listing says all at once


def test_it_turns_pages_where_more_is_in_between_than_one_holds(by_service, s3, small_pages):
    crowd = [f"a{number:03}" for number in range(50)] + [f"a~{number:03}" for number in range(50)]
    for name in [*crowd, "b"]:
        by_service.live.put(name)

    assert by_service.copy("a", "b", dry_run=True) == {"a": "missing", "b": "copied"}


def test_it_reads_no_more_pages_than_there_are(by_service, s3, small_pages):
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        by_service.live.put(name, b"", seconds=-DAY)
        by_service.staging.put(name, b"")

    by_service.copy(*names)

    assert requests_of(s3, "AKIALIVE") == [("GET", "live", "")] * 10
    assert requests_of(s3, "AKIASTAGING") == [("GET", "staging", "")] * 10


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


def test_it_looks_at_each_file_where_it_may_not_list(buckets, s3):
    buckets.live.put("a", seconds=-DAY)
    buckets.live.put("b", seconds=-DAY)
    allowed = s3.permissions.get("AKIASTAGING", lambda *_: True)
    s3.permissions = {
        "AKIALIVE": lambda method, _, key: bool(key) and method in {"GET", "HEAD"},
        "AKIASTAGING": lambda method, bucket, key: bool(key) and allowed(method, bucket, key),
    }

    results = buckets.copy("a", "b", "missing")

    assert results == {"a": "copied", "b": "copied", "missing": "denied"}
    assert buckets.staging.contents() == buckets.live.contents()
    assert buckets.copy("a", "b") == {"a": "unchanged", "b": "unchanged"}


# What describes a file


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
    described = s3_store.copied_headers({"Content-Encoding": "aws-chunked,gzip", "ETag": "x"})

    assert described == {"content-encoding": "gzip"}


# Trouble


CONTENTS = (
    b"<Contents><Key>media/a</Key><Size>7</Size>"
    b"<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
)


def in_place_of_listings(s3, monkeypatch, make_body):
    answer = type(s3)._answer

    def answer_with(server, request, environ):
        response = answer(server, request, environ)
        if request.access_key == "AKIALIVE" and not request.key:
            response.data = make_body()
        return response

    monkeypatch.setattr(type(s3), "_answer", answer_with)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"\xff\xfe",
        b"<ListBucketResult>" + CONTENTS,
        b"<ListBucketResult>" + CONTENTS.replace(b"Key", b"Kea") + b"</ListBucketResult>",
        b"<ListBucketResult>" + CONTENTS.replace(b"7", b"seven") + b"</ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    ],
)
def test_what_is_no_listing_ends_the_run(by_service, s3, monkeypatch, body):
    in_place_of_listings(s3, monkeypatch, lambda: body)

    with pytest.raises(Unusable, match="something other than a listing"):
        by_service.copy("a")


@pytest.mark.parametrize("prefix", [b"", b"s3:"])
def test_a_listing_may_name_its_namespace(by_service, s3, monkeypatch, prefix):
    by_service.live.put("a")
    body = b"<ListBucketResult>\n" + CONTENTS + b"\n</ListBucketResult>\n"
    body = re.sub(rb"<(/?)", rb"<\1" + prefix, body)
    in_place_of_listings(s3, monkeypatch, lambda: body)

    assert by_service.copy("a", "b") == {"a": "copied", "b": "missing"}


def listing_of(names, *, is_truncated=False):
    entries = (CONTENTS.replace(b"media/a", f"media/{name}".encode()) for name in names)
    said = str(is_truncated).lower().encode()
    about = b"<IsTruncated>" + said + b"</IsTruncated>"
    return b"<ListBucketResult>" + about + b"".join(entries) + b"</ListBucketResult>"


@pytest.mark.parametrize("pages", [["adb", "c"], ["cab"], ["abcd"]])
def test_a_listing_in_another_order_is_not_relied_upon(by_service, s3, monkeypatch, pages):
    """Nor one that says again and again that there is more, be it in order."""
    for name in "abcd":
        by_service.live.put(name)
    answers = [listing_of(names, is_truncated=names != "c") for names in pages]
    in_place_of_listings(s3, monkeypatch, lambda: answers.pop(0) if answers[1:] else answers[0])

    assert by_service.copy(*"abcde") == dict.fromkeys("abcd", "copied") | {"e": "missing"}


def is_write(request):
    return request.method == "PUT"


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (500, "InternalError"), (503, "ServiceUnavailable"), (429, "Throttled")],
)
def test_what_s3_is_too_busy_for_is_tried_again(ends, s3, status, code):
    """Any kind of request, three times over."""
    ends.live.put("a")
    for matching in (is_write, lambda request: not request.key, lambda request: request.key):
        s3.fail_next(status, code, times=2, matching=matching)

    assert ends.copy("a") == {"a": "copied"}
    assert ends.staging.contents() == ends.live.contents()


def test_patience_ends_with_the_reason(buckets, s3):
    buckets.live.put("a")
    buckets.live.put("b")
    s3.fail_next(times=100, matching=lambda request: is_write(request) and request.key[-1] == "a")

    reasons = buckets.reasons("a", "b")

    assert "SlowDown" in reasons["a"]
    assert reasons["b"] == ""
    tried = [request for request in s3.requests if request.method == "PUT"]
    assert len(tried) == retry.ATTEMPTS + 1


def test_a_server_that_is_away_ends_the_run(by_service):
    by_service.source.address = urlsplit("http://127.0.0.1:9")

    with pytest.raises(Unusable, match=r"live, below media/ cannot be listed.*does not answer"):
        by_service.copy("a")


@pytest.mark.parametrize(
    ("access_key", "secret_key", "bucket", "words"),
    [
        ("AKIASTRANGER", "live-secret", "live", "does not know the access key"),
        ("AKIALIVE", "another-secret", "live", "is not that of its access key"),
        ("AKIALIVE", "live-secret", "nowhere", "There is no bucket nowhere"),
    ],
)
def test_it_stops_at_once_where_nothing_can_work(ends, s3, access_key, secret_key, bucket, words):
    ends.live.put("a")
    assert ends.copy("a") == {"a": "copied"}  # the control
    s3.clear()
    place = ends.source if isinstance(ends.source, S3Source) else ends.target
    place.access_key, place._secret_key = access_key, secret_key
    place.address = place.address._replace(path=f"/{bucket}")
    place.bucket = bucket

    with pytest.raises(Unusable, match=words) as caught:
        ends.copy(*"abcdefgh")

    assert secret_key not in str(caught.value)
    assert len(s3.requests) <= 2


def test_it_stops_at_once_when_the_clock_is_wrong(ends, s3):
    """Y8: sixteen minutes is what AWS refuses; fourteen is the control."""
    ends.live.put("a")
    s3.advance(14 * 60)
    assert ends.copy("a") == {"a": "copied"}

    s3.advance(2 * 60)

    with pytest.raises(Unusable, match="clock is wrong"):
        ends.copy("a")


def test_it_stops_when_the_keys_are_withdrawn_in_the_middle(ends, s3):
    for number in range(50):
        ends.live.put(f"{number:02}")
    written = [*range(1)]
    s3.fail_next(403, "InvalidAccessKeyId", matching=lambda request: "20" in request.key)

    with pytest.raises(Unusable, match="does not know the access key"):
        ends.copy(*(f"{number:02}" for number in range(50)), jobs=2)

    assert written
    assert len(ends.staging.contents()) < 50


def test_a_target_that_may_not_be_written_is_a_failure(buckets, s3):
    buckets.live.put("a")
    allowed = s3.permissions.get("AKIASTAGING", lambda *_: True)
    s3.permissions["AKIASTAGING"] = lambda *asked: asked[0] != "PUT" and allowed(*asked)

    assert buckets.copy("a") == {"a": "failed"}


def test_what_was_withdrawn_while_listing_is_missing(ends, s3, monkeypatch):
    ends.live.put("a")
    ends.live.put("b")
    carry = transfer.Transfer.copy_one

    def delete_first(transfer, name, *found):
        if name == "a":
            ends.live.delete("a")
        return carry(transfer, name, *found)

    monkeypatch.setattr(transfer.Transfer, "copy_one", delete_first)

    assert ends.copy("a", "b") == {"a": "missing", "b": "copied"}


class Cut:
    """A stand-in for a connection that breaks in the middle of an answer's body, so many times."""

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


@pytest.mark.parametrize("route", ["streaming", "to_disk"])
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


# Kill -9, and memory


def process(*arguments):
    """A run in a process of its own, whose lines can be read."""
    command = [sys.executable, "-m", "tests.support.copy_in_a_process", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_after_kill_9_the_same_run_again_finishes_the_work(ends, s3, tmp_path):
    """Y4: byte-identical, nothing half-written, and what was finished is not copied twice."""
    files = {f"avatars/{n:02}": random.randbytes(random.choice([10, 300_000])) for n in range(60)}
    for name, content in files.items():
        ends.live.put(name, content, seconds=-DAY)
    route = tmp_path / "route.json"
    route.write_text(
        json.dumps(
            [ends.live.described("AKIALIVE"), ends.staging.described("AKIASTAGING"), sorted(files)]
        )
    )

    jobs, kills = 4, 2
    for _ in range(kills):
        run = process("copy", route, jobs)
        for _ in range(random.randint(1, 20)):
            assert run.stdout.readline()
        run.kill()
        run.communicate()
        assert run.returncode == -signal.SIGKILL
        there = {n: c for n, c in ends.staging.contents().items() if ".copying" not in n}
        assert there.items() <= files.items()
    results = ends.copy(*files)

    assert set(results.values()) <= {"copied", "unchanged"}
    assert ends.staging.contents() == files
    if isinstance(ends.staging, Bucket):
        stored = [r for r in s3.requests if r.method == "PUT" and r.status == 200]
        assert len(stored) <= len(files) + jobs * kills  # the last ones' answers were not heard


def test_memory_is_the_same_for_twenty_times_as_many_files():
    """Y8: within 20 MB."""
    peaks = {}
    for number in (5_000, 100_000):
        out, _ = process("count", number).communicate(timeout=60)
        seen, peaks[number] = map(int, out.split())
        assert seen == number

    assert peaks[100_000] - peaks[5_000] < 20
    assert peaks[100_000] < 150


# Large files


@pytest.fixture
def small_parts(monkeypatch):
    """Large begins above 6 MiB here, and a part has the smallest size that S3 takes."""
    monkeypatch.setattr(S3Target, "single_bytes", 6 * 1024**2)
    monkeypatch.setattr(s3_store, "PART_BYTES", 5 * 1024**2)


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
    transfer_ = transfer.Transfer(
        by_service.source, by_service.target, retry.Retry(), dry_run=False
    )

    assert transfer_.copy_one("large", FileInfo(size, 0), None)[0] == "copied"

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


def test_large_files_go_first(by_service, monkeypatch):
    for number in range(10):
        by_service.live.put(f"{number}", b"x" * number)
    order, carry = [], transfer.Transfer.copy_one
    all_here = threading.Barrier(2)

    def note(transfer, name, *found):
        if not order:
            all_here.wait(5)
        order.append(name)
        return carry(transfer, name, *found)

    monkeypatch.setattr(transfer.Transfer, "copy_one", note)
    outcomes_so_far = engine.Workers.outcomes_so_far

    def release(crew):
        if crew.waiting == 10 and not order:
            all_here.wait(5)
        return outcomes_so_far(crew)

    monkeypatch.setattr(engine.Workers, "outcomes_so_far", release)

    by_service.copy(*map(str, range(10)), jobs=1)

    assert order == ["0", *map(str, range(9, 0, -1))]


# Stopping


def test_closing_the_iterator_ends_the_run(ends):
    for number in range(40):
        ends.live.put(f"{number:02}")
    wanted = ((f"{number:02}", None) for number in range(40))

    run = copy(wanted, ends.source, ends.target, jobs=4)
    next(run)
    run.close()

    assert len(ends.staging.contents()) < 40
    assert "copying" not in {thread.name for thread in threading.enumerate()}
    assert set(ends.copy(*(f"{number:02}" for number in range(40))).values()) == {
        "copied",
        "unchanged",
    }


def test_what_a_killed_run_left_in_a_folder_is_removed(to_disk):
    """Y4's half on disk; a file that another run is writing is left to it."""
    to_disk.live.put("avatars/a")
    folder = to_disk.staging.path / "avatars"
    folder.mkdir(parents=True)
    left, written = (folder / f".copying-{character * 32}" for character in "ab")
    left.write_bytes(b"half")
    with written.open("wb") as file:
        copying_locks.lock(file, copying_locks.LOCK_EX)

        to_disk.copy("avatars/a")

        assert {path.name for path in folder.iterdir()} == {"a", written.name}


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_behind(to_disk):
    to_disk.live.put("a")
    (to_disk.staging.path / "a" / "in the way").mkdir(parents=True)

    assert to_disk.copy("a") == {"a": "failed"}
    assert to_disk.staging.contents() == {}
