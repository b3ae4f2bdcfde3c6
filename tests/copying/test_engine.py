"""A whole run: what is copied, in which order, and what stops it."""

import json
import random
import signal
import subprocess
import sys
import threading
from urllib.parse import urlsplit

import pytest

from portal.copying import engine, listings, retry, transfer
from portal.copying.engine import copy
from portal.copying.s3_store import S3Source
from portal.copying.stores import Unusable
from tests.copying.ends import DAY, Bucket, Directory, is_write


def test_it_copies_what_is_wanted_and_nothing_else(ends):
    ends.live.put("avatars/a.webp", b"a")
    ends.live.put("avatars/b.webp", b"b")
    ends.live.put("unwanted.webp")

    results = ends.copy("avatars/a.webp", "avatars/b.webp")

    assert results == {"avatars/a.webp": "copied", "avatars/b.webp": "copied"}
    assert ends.staging.contents() == {"avatars/a.webp": b"a", "avatars/b.webp": b"b"}
    assert "copying" not in {thread.name for thread in threading.enumerate()}


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


def test_each_outcome_has_its_bytes_and_its_reason(streaming, s3):
    streaming.live.put("denied")
    streaming.live.put("new", b"1234")
    streaming.live.put("there", b"12", seconds=-DAY)
    streaming.copy("there")
    s3.permissions["AKIALIVE"] = lambda method, bucket, key: "denied" not in key
    wanted = [(name, name.upper()) for name in ("denied", "missing", "new", "there")]

    outcomes = sorted(copy(wanted, streaming.source, streaming.target))

    assert outcomes == [
        (
            "denied", "denied", 0,
            "S3 answered 403. Where a key may not list, missing files look the same.",
            "DENIED",
        ),
        ("missing", "missing", 0, "The source has no such file.", "MISSING"),
        ("new", "copied", 4, "", "NEW"),
        ("there", "unchanged", 2, "", "THERE"),
    ]  # fmt: skip


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


def test_retrying_ends_with_the_reason(buckets, s3):
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
        ("AKIASTRANGER", "live-secret", "live", "access key for live does not exist"),
        ("AKIALIVE", "another-secret", "live", "is not that of its access key"),
        ("AKIALIVE", "live-secret", "nowhere", "There is no bucket nowhere"),
    ],
)
def test_it_stops_at_once_where_nothing_can_work(ends, s3, access_key, secret_key, bucket, words):
    ends.live.put("a")
    assert ends.copy("a") == {"a": "copied"}  # the control
    s3.clear()
    store = ends.source if isinstance(ends.source, S3Source) else ends.target
    store.access_key, store._secret_key = access_key, secret_key
    store.address = store.address._replace(path=f"/{bucket}")
    store.bucket = bucket

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

    with pytest.raises(Unusable, match=r"access key for \w+ does not exist"):
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
    copy_one = transfer.Transfer.copy_one

    def delete_first(transfer, name, *found):
        if name == "a":
            ends.live.delete("a")
        return copy_one(transfer, name, *found)

    monkeypatch.setattr(transfer.Transfer, "copy_one", delete_first)

    assert ends.copy("a", "b") == {"a": "missing", "b": "copied"}


def process(*arguments):
    """A run in a process of its own, whose lines can be read."""
    command = [sys.executable, "-m", "tests.support.copy_in_a_process", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.whole
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
        assert len(stored) <= len(files) + jobs * kills  # the answers to the last ones were lost


@pytest.mark.whole
def test_memory_is_the_same_for_twenty_times_as_many_files():
    """Y8: within 20 MB."""
    peaks = {}
    for number in (5_000, 100_000):
        out, _ = process("count", number).communicate(timeout=60)
        seen, peaks[number] = map(int, out.split())
        assert seen == number

    assert peaks[100_000] - peaks[5_000] < 20
    assert peaks[100_000] < 150


def test_large_files_go_first(by_service, monkeypatch):
    for number in range(10):
        by_service.live.put(f"{number}", b"x" * number)
    order, copy_one = [], transfer.Transfer.copy_one
    all_here = threading.Barrier(2)

    def note(transfer, name, *found):
        if not order:
            all_here.wait(5)
        order.append(name)
        return copy_one(transfer, name, *found)

    monkeypatch.setattr(transfer.Transfer, "copy_one", note)
    outcomes_so_far = engine.Workers.outcomes_so_far

    def release(workers):
        if workers.waiting == 10 and not order:
            all_here.wait(5)
        return outcomes_so_far(workers)

    monkeypatch.setattr(engine.Workers, "outcomes_so_far", release)

    by_service.copy(*map(str, range(10)), jobs=1)

    assert order == ["0", *map(str, range(9, 0, -1))]


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


def test_only_so_many_files_wait(by_service, monkeypatch):
    """Else a run of millions would hold all of them: none is read while the workers are behind."""
    monkeypatch.setattr(engine, "WINDOW", 20)
    monkeypatch.setattr(listings, "LOOK_AHEAD", 10)
    names = [f"{number:03}" for number in range(200)]
    for name in names:
        by_service.live.put(name, b"")
    read, read_by_then, is_waited_for = [], [], threading.Event()
    copy_one, next_outcome = transfer.Transfer.copy_one, engine.Workers.next_outcome

    def wait_first(*arguments):
        assert is_waited_for.wait(10)
        return copy_one(*arguments)

    def note(workers):
        read_by_then.append(len(read))
        is_waited_for.set()
        return next_outcome(workers)

    monkeypatch.setattr(transfer.Transfer, "copy_one", wait_first)
    monkeypatch.setattr(engine.Workers, "next_outcome", note)
    wanted = ((read.append(name) or name, None) for name in names)

    done = [outcome.result for outcome in copy(wanted, by_service.source, by_service.target)]

    assert done == ["copied"] * 200
    assert read_by_then[0] <= engine.WINDOW + 1 + 2 * listings.LOOK_AHEAD
