"""The copy engine: names, a source and a target in, one outcome for each name out.

listings.py finds out what both stores have under the names. Files that have to be copied wait for
worker threads, the largest first; transfer.py copies one of them.
"""

import re
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import count
from queue import PriorityQueue, SimpleQueue
from typing import Any, NamedTuple

from .comparison import is_decided_by_listing, is_unchanged
from .listings import merge_listings
from .retry import Retry, Stopped
from .stores import UNKNOWN, Source, Target, Unusable
from .transfer import NO_FILE, Transfer

JOBS = 64  # S3 answers in 30 to 100 ms: it takes as many at a time to keep a dyno busy
WINDOW = 5000  # files that may wait: enough to find the large ones among, 5 MB of memory
STOP_SECONDS = 5
SURROGATES = re.compile(r"[\ud800-\udfff]")  # Python's stand-ins for bytes that are not UTF-8
EQUAL_FAILURES = 50  # in a row: what has failed that often for one reason will go on failing


class Outcome(NamedTuple):
    """The result for one wanted name."""

    name: str
    result: str  # "copied", "unchanged", "missing", "denied" or "failed"
    bytes: int
    reason: str
    owners: Any  # whatever came with the name


def copy(
    wanted: Iterable[tuple[str, Any]],
    source: Source,
    target: Target,
    *,
    jobs: int = JOBS,
    dry_run: bool = False,
) -> Generator[Outcome]:
    """Copy each wanted file that has changed; names come with their owners, in sorted order.

    Yields an Outcome for each name, in any order; with `dry_run`, nothing is copied. Raises
    Unusable if no further file can be copied. Closing the iterator ends the run within seconds.
    """
    failures = EqualFailures(source, target)
    with closing(outcomes(wanted, source, target, jobs, dry_run, failures)) as found:
        for outcome in found:
            yield outcome
            failures.add(outcome)


def outcomes(
    wanted: Iterable[tuple[str, Any]],
    source: Source,
    target: Target,
    jobs: int,
    dry_run: bool,
    failures: "EqualFailures",
) -> Generator[Outcome]:
    """Yield the outcomes of copy(), however many of them are failures."""
    retry = Retry()
    workers = Workers(Transfer(source, target, retry, dry_run=dry_run), jobs)
    unlisted: list[tuple[str, Any]] = []
    try:
        for name, owners, *files in merge_listings(
            in_utf8(wanted, unlisted), source, target, retry
        ):
            source_file, target_file = files
            if source_file is None:
                yield Outcome(name, "missing", 0, NO_FILE, owners)
            elif is_decided_by_listing(*files) and is_unchanged(
                *files, keeps_time=target.keeps_time
            ):
                yield Outcome(name, "unchanged", source_file.size, "", owners)
            else:
                failures.is_right_source |= source_file is not UNKNOWN
                workers.submit(name, owners, source_file, target_file)
            if workers.waiting:
                yield from workers.outcomes_so_far()
        for name, owners in unlisted:
            workers.submit(name, owners, UNKNOWN, UNKNOWN)
        while workers.waiting:
            yield workers.next_outcome()
    finally:
        retry.stopping.set()
        workers.stop()


def in_utf8(
    wanted: Iterable[tuple[str, Any]], others: list[tuple[str, Any]]
) -> Iterator[tuple[str, Any]]:
    """Yield the names that a bucket may list; put the rest into `others`.

    A disk may hold names in another encoding, from an older system. A folder can keep them.
    """
    for name, owners in wanted:
        if name.isascii() or not SURROGATES.search(name):
            yield name, owners
        else:
            others.append((name, owners))


class EqualFailures:
    """Counts failures in a row that have the same reason, and ends the run after EQUAL_FAILURES.

    Files that are missing or denied are trouble of their own once another one is there.
    """

    def __init__(self, source: Source, target: Target):
        self.source, self.target = source, target
        self.is_right_source = False  # it has listed one of the files
        self.has_arrived = False
        self.last, self.count = ("", ""), 0

    def add(self, outcome: Outcome) -> None:
        """Count an outcome. Raises Unusable."""
        if outcome.result in {"copied", "unchanged"}:
            self.has_arrived, self.count = True, 0
            return
        failure = (outcome.result, outcome.reason)
        self.count = self.count + 1 if failure == self.last else 1
        self.last = failure
        is_single = self.has_arrived and outcome.result in {"missing", "denied"}
        is_single |= self.is_right_source and outcome.result == "missing"
        if self.count >= EQUAL_FAILURES and not is_single:
            raise Unusable(
                f"Ended early: {self.count} files in a row are all {outcome.result}, for one"
                f" reason. {outcome.reason} Are these the right bucket and prefix, with the right"
                f" keys? Source: {self.source}. Target: {self.target}."
            )


class Workers:
    """Threads that copy files, the largest first."""

    def __init__(self, transfer: Transfer, jobs: int):
        self.transfer, self.jobs = transfer, jobs
        self.waiting = 0  # submitted files whose outcome has not been read
        self._todo, self._done = PriorityQueue(), SimpleQueue()
        self._number = count()  # tie-breaker: equal sizes run in the order they were found
        self._threads = []

    def submit(self, name: str, owners, source_file, target_file) -> None:
        """Have a file copied; its outcome comes from outcomes_so_far() or next_outcome()."""
        size = source_file.size if source_file is not UNKNOWN else 0
        self._todo.put((-size, next(self._number), (name, owners, source_file, target_file)))
        self.waiting += 1
        if len(self._threads) < min(self.jobs, self.waiting):
            # Daemons, because a second Ctrl-C must not wait for a server that does not answer.
            self._threads.append(threading.Thread(target=self._work, name="copying", daemon=True))
            self._threads[-1].start()

    def outcomes_so_far(self) -> Iterator[Outcome]:
        """Yield the known outcomes; wait for some if more than WINDOW files are waiting."""
        while self.waiting > WINDOW or not self._done.empty():
            yield self.next_outcome()

    def next_outcome(self) -> Outcome:
        """Wait for an outcome and return it; raise the exception that ended a thread."""
        outcome = self._done.get()
        self.waiting -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def stop(self) -> None:
        """End the threads, after the retries have been stopped."""
        for _ in self._threads:
            self._todo.put((1, next(self._number), None))
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _work(self) -> None:
        while (work := self._todo.get()[2]) and not self.transfer.retry.stopping.is_set():
            name, owners, source_file, target_file = work
            try:
                result, size, reason = self.transfer.copy_one(name, source_file, target_file)
            except Stopped:
                return
            except BaseException as error:  # not about this file: raised where outcomes are read
                self._done.put(error)
                return
            self._done.put(Outcome(name, result, size, reason, owners))
