"""A run that fails the same way everywhere ends early, with one sentence: catalogue Y11."""

import contextlib
import errno
from collections import deque

import pytest

from portal.copying import engine, folder_store, retry
from portal.copying.engine import EQUAL_FAILURES, copy
from portal.copying.stores import Transient, Unusable
from tests.support.strict_s3 import read_only

NAMES = [f"{number:04}" for number in range(400)]


def ended_early(ends, names=NAMES):
    """The outcomes before the end, and the sentence."""
    outcomes = []
    run = copy(((name, None) for name in names), ends.source, ends.target, jobs=4)
    with pytest.raises(Unusable) as caught:
        deque(map(outcomes.append, run))
    return outcomes, str(caught.value)


def test_a_wrong_prefix_is_said_once(ends, s3):
    """Y11: nothing is there under any name. The first file of Y3's hundred is the control."""
    outcomes, sentence = ended_early(ends)

    assert {outcome.result for outcome in outcomes} == {"missing"}
    assert len(outcomes) < 2 * EQUAL_FAILURES
    assert f"Ended early: {EQUAL_FAILURES} files in a row are all missing" in sentence
    assert "the right bucket and prefix" in sentence


def test_a_denied_bucket_is_said_once_and_not_asked_for_every_file(streaming, s3):
    """Y11: neither listed nor read."""
    s3.permissions["AKIALIVE"] = lambda *asked: False

    _, sentence = ended_early(streaming)

    assert "files in a row are all denied, for one reason. S3 answered 403" in sentence
    assert len(s3.requests) < len(NAMES)


def test_a_target_that_takes_nothing_is_said_once(streaming, s3):
    """Y11."""
    for name in NAMES:
        streaming.live.put(name)
    s3.permissions["AKIASTAGING"] = read_only

    _, sentence = ended_early(streaming)

    assert "files in a row are all failed" in sentence
    assert "may not be written" in sentence


def test_missing_files_among_others_end_nothing(ends):
    """Y3: however many, once one has arrived."""
    ends.live.put(NAMES[0])

    results = ends.copy(NAMES[0])
    results |= ends.copy(*NAMES, jobs=1)  # in order: a thread may take longer for the first

    assert results.pop(NAMES[0]) == "unchanged"
    assert list(results.values()) == ["missing"] * (len(NAMES) - 1)


@pytest.mark.parametrize("between", [("failed", "another reason"), ("copied", "")])
def test_failures_with_another_outcome_between_them_end_nothing(to_disk, between):
    failures = engine.EqualFailures(to_disk.source, to_disk.target)

    for result, reason in [("failed", "a reason"), between] * EQUAL_FAILURES:
        failures.add(engine.Outcome("name", result, 0, reason, None))


@pytest.mark.parametrize(
    "before", [("failed", "another reason"), ("denied", "a reason"), ("copied", "")]
)
def test_as_many_equal_failures_as_the_limit_end_the_run_and_no_fewer(to_disk, before):
    """Y11: counted from the first of them, whatever came before."""
    failures = engine.EqualFailures(to_disk.source, to_disk.target)

    for result, reason in [before, *[("failed", "a reason")] * (EQUAL_FAILURES - 1)]:
        failures.add(engine.Outcome("name", result, 0, reason, None))

    with pytest.raises(Unusable) as caught:
        failures.add(engine.Outcome("name", "failed", 0, "a reason", None))
    assert str(caught.value) == (
        f"Ended early: {EQUAL_FAILURES} files in a row are all failed, for one reason. a reason"
        " Are these the right bucket and prefix, with the right keys?"
        f" Source: {to_disk.source}. Target: {to_disk.target}."
    )


@pytest.mark.parametrize("code", ["", "NoSuchKey", "NoSuchBucket"])
def test_a_misspelt_bucket_is_said_to_be_so_on_gateways_too(streaming, s3, code):
    """Y11: some answer for a bucket as for an object, some with a status alone."""
    s3.fail_next(404, code, times=9, matching=lambda request: request.bucket == "live")

    outcomes, sentence = ended_early(streaming)

    assert sentence == "There is no bucket live (or not at this endpoint)."
    assert outcomes == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run_at_once(to_disk, monkeypatch, number):
    """Y11: one sentence, and no file without its end."""
    names = NAMES[: EQUAL_FAILURES + 20]
    for name in names:
        to_disk.live.put(name)

    @contextlib.contextmanager
    def full(folder):
        raise OSError(number, "No space left on device", str(folder))
        yield

    with monkeypatch.context() as patch:
        patch.setattr(folder_store, "unfinished_file", full)
        outcomes, sentence = ended_early(to_disk, names)

    assert sentence == f"{to_disk.target} is on a disk that is full."
    assert len(outcomes) < EQUAL_FAILURES
    assert to_disk.staging.contents() == {}
    assert set(to_disk.copy(*names).values()) == {"copied"}  # with room again


def test_another_trouble_of_the_disk_is_about_one_file(to_disk):
    to_disk.live.put("a")
    (to_disk.staging.path / "a" / "folder").mkdir(parents=True)

    assert to_disk.copy("a") == {"a": "failed"}


def test_the_counting_starts_anew_with_each_run(streaming):
    ended_early(streaming)
    streaming.live.put(NAMES[0])

    assert streaming.copy(NAMES[0]) == {NAMES[0]: "copied"}


def test_each_pause_before_a_retry_may_be_twice_as_long(monkeypatch):
    """A server that is too busy gets the time to recover."""
    busy, pauses = retry.Retry(), []
    monkeypatch.setattr(busy.stopping, "wait", pauses.append)
    monkeypatch.setattr(retry.random, "uniform", lambda least, most: (least, most))

    def attempt():
        raise Transient("SlowDown")

    with pytest.raises(retry.GaveUp, match=r"after 8 attempts\. SlowDown"):
        busy(attempt)

    first = retry.FIRST_PAUSE_SECONDS
    assert pauses == [(0, first * 2**number) for number in range(7)]
