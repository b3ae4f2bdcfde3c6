"""The copy engine: names, a source and a target in, one outcome for each name out.

listings.py finds out what both ends hold under the names. What has to be copied waits for worker
threads, largest first, which copy, retry (retry.py) and check.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import md5
from itertools import count
from queue import PriorityQueue, SimpleQueue
from typing import Any, NamedTuple

from django.core.exceptions import SuspiciousOperation

from .listings import UNKNOWN, looked_up
from .retry import Patience, Stopped
from .stores import CHUNK_BYTES, Content, Found, Transient

JOBS = 64  # S3 answers in 30 to 100 ms: it takes this many at a time to keep a dyno busy
WINDOW = 5000  # files that may wait: enough to find the large ones in, 5 MB of memory
MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024
STOP_SECONDS = 5
NO_FILE = "The source has no such file."


class Outcome(NamedTuple):
    """What became of one wanted name."""

    name: str
    result: str  # "copied", "unchanged", "missing", "denied" or "failed"
    bytes: int
    reason: str
    owners: Any  # whatever came with the name


def copy(
    wanted: Iterable[tuple[str, Any]],
    source,
    target,
    *,
    jobs: int = JOBS,
    dry_run: bool = False,
) -> Iterator[Outcome]:
    """Copy each wanted name, given with its owners in the order of names, where it has changed.

    Yields an Outcome for each, in no order; with `dry_run`, what would become of it. Raises
    Unusable where going on is pointless. Closing the iterator ends the run within moments.
    """
    patience = Patience()
    crew = Crew(Transfer(source, target, patience, dry_run=dry_run), jobs)
    try:
        for name, owners, here, there in looked_up(wanted, source, target, patience):
            if here is None:
                yield Outcome(name, "missing", 0, NO_FILE, owners)
            elif is_plain_to_see(here, there) and is_unchanged(here, there, target):
                yield Outcome(name, "unchanged", here.size, "", owners)
            else:
                crew.take_on(name, owners, here, there)
            if crew.waiting:
                yield from crew.outcomes_so_far()
        while crew.waiting:
            yield crew.next_outcome()
    finally:
        patience.stopping.set()
        crew.dismiss()


# Comparing.


def is_plain_to_see(here, there) -> bool:
    """Whether what the listings say is enough to tell a changed file from an unchanged one."""
    if UNKNOWN in (here, there):
        return False
    if here is None or there is None or here.size != there.size or here.etag == there.etag:
        return True
    # Two MD5s that differ may be the work of encryption; a file on disk has its MD5 inside.
    return not (there.md5 and (here.md5 or not here.etag))


def is_unchanged(here: Found, there: Found | None, target) -> bool:
    """Whether the target has the source's file: by ETag, or else by size and time."""
    if there is None or here.size != there.size:
        return False
    if here.etag and here.etag == there.etag:
        return True
    if here.md5 and there.md5:
        return False
    if target.keeps_time:  # whole seconds are all that AWS tells, and that any HEAD tells
        return round(here.modified, 3) in {round(there.modified, 3), int(there.modified)}
    return there.modified >= here.modified


# Copying.


class Transfer:
    """Takes files from the source to the target, by whichever way is open."""

    def __init__(self, source, target, patience: Patience, *, dry_run: bool):
        self.source, self.target, self.patience = source, target, patience
        self.dry_run = dry_run
        # Whether the target's service may copy by itself; None until somebody has tried.
        self.by_service = None if target.can_copy_from(source) else False
        self._trying = threading.Lock()
        self._streams = threading.BoundedSemaphore(MAX_BYTES_IN_FLIGHT // (2 * CHUNK_BYTES))

    def carry(self, name: str, here, there) -> tuple[str, int, str]:
        """Copy one file unless the target has it; returns the outcome, the bytes, the reason."""
        try:
            here = self.patience(lambda: self.source.find(name)) if here is UNKNOWN else here
            if here is None:
                return "missing", 0, NO_FILE
            there = self._found_there(name) if there is UNKNOWN else there
            if not is_plain_to_see(here, there):
                here, there = self._closer_look(name, here, there)
            if is_unchanged(here, there, self.target):
                return "unchanged", here.size, ""
            if not self.dry_run:
                self.patience(lambda: self._copy(name, here))
        except FileNotFoundError:
            return "missing", 0, NO_FILE
        except PermissionError as error:
            return "denied", 0, f"{error} Where a key may not list, missing files look the same."
        except (OSError, SuspiciousOperation, ValueError) as error:
            return "failed", 0, str(error)
        return "copied", here.size, ""

    def _found_there(self, name: str) -> Found | None:
        try:
            return self.patience(lambda: self.target.find(name))
        except PermissionError:  # the keys may write, but neither list nor look
            return None

    def _closer_look(self, name: str, here: Found, there: Found):
        """The same with ETags that can be compared, or with none."""
        if not here.etag:
            return here._replace(etag=self.source.md5(name)), there
        here = self.patience(lambda: self.source.find(name))
        if here is None:
            raise FileNotFoundError
        return here, self._found_there(name)

    def _copy(self, name: str, here: Found) -> None:
        if self._may_copy_by_service(name):
            try:
                self._copy_by_service(name, here)
                return
            except (PermissionError, NotImplementedError):
                self.by_service = False
        if here.size > self.target.single_bytes:
            self._stream_in_parts(name, here)
        else:
            self._stream(name)

    def _may_copy_by_service(self, name: str) -> bool:
        """Whether the target's keys may read the source: asked once, of the first file."""
        if self.by_service is None:
            with self._trying:
                if self.by_service is None:
                    if self.target.may_read(self.source, name):
                        self.by_service = True
                    elif self.source.find(name):  # so it is not this one file that is denied
                        self.by_service = False
        return self.by_service is True

    def _copy_by_service(self, name: str, here: Found) -> None:
        if here.size <= self.target.single_bytes:
            received = self.target.copy(name, self.source)
            if received and received == here.md5:
                return
        else:
            self.target.in_parts(
                name,
                here.size,
                self.source.headers(name),
                lambda upload, number, part: self.patience(
                    lambda: self.target.copy_part(
                        name, upload, number, part, self.source, here.etag
                    )
                ),
            )
        self._compare(name)

    def _stream(self, name: str) -> None:
        with self._streams, self.source.open(name) as content:
            sent = content.found.md5
            is_left_to_target = sent and self.target.checks_md5
            digest = None if is_left_to_target else md5(usedforsecurity=False)
            checked = replace(content, chunks=self._checked(content, digest))
            with writing(self.target):
                received = self.target.write(name, checked)
        if not received:
            self._compare(name)
        elif received != (digest.hexdigest() if digest else sent):
            raise Transient("What arrived is not what was sent.")

    def _stream_in_parts(self, name: str, here: Found) -> None:
        def send(upload: str, number: int, part: range) -> str:
            with self._streams, self.source.open(name, part, here.etag) as content:
                checked = replace(content, chunks=self._checked(content, None))
                return self.target.write_part(name, upload, number, checked)

        headers = self.source.headers(name)
        with writing(self.target):
            self.target.in_parts(
                name, here.size, headers, lambda *part: self.patience(lambda: send(*part))
            )
        self._compare(name)

    def _checked(self, content: Content, digest) -> Iterator[bytes]:
        """The content's chunks, the last of them only when all of them are what they should be.

        A target that has not received the last one has received nothing.
        """
        left, held = content.found.size, b""
        for chunk in content.chunks:
            if self.patience.stopping.is_set():
                raise Stopped
            if digest:
                digest.update(chunk)
            left -= len(chunk)
            if held:
                yield held
            held = chunk
        if left:
            raise Transient("The source sent fewer bytes than it had announced.")
        if digest and content.found.md5 not in {"", digest.hexdigest()}:
            raise Transient("What was read is not what the source's ETag stands for.")
        yield held

    def _compare(self, name: str) -> None:
        """Raise Transient unless both ends hold the same, as far as they tell."""
        here, there = self.source.find(name), self._found_there(name)
        if (
            there
            and here
            and here.size == there.size
            and not (here.md5 and there.md5 and here.md5 != there.md5)
        ):
            return
        raise Transient("The copy differs from the source, which may have changed meanwhile.")


@contextlib.contextmanager
def writing(target):
    """Tell what the target refuses from what the source does."""
    try:
        yield
    except PermissionError as error:
        raise OSError(f"{target} may not be written. {error}") from error


class Crew:
    """Threads that carry files, largest first."""

    def __init__(self, transfer: Transfer, jobs: int):
        self.transfer, self.jobs = transfer, jobs
        self.waiting = 0  # taken on, and its outcome not yet seen
        self._todo, self._done = PriorityQueue(), SimpleQueue()
        self._number = count()  # what sizes are equal is done in order, and never compared
        self._threads = []

    def take_on(self, name: str, owners, here, there) -> None:
        size = here.size if here is not UNKNOWN else 0
        self._todo.put((-size, next(self._number), (name, owners, here, there)))
        self.waiting += 1
        if len(self._threads) < min(self.jobs, self.waiting):
            # Daemons, for a second Ctrl-C must not wait for a server that hangs.
            self._threads.append(threading.Thread(target=self._work, name="copying", daemon=True))
            self._threads[-1].start()

    def outcomes_so_far(self) -> Iterator[Outcome]:
        """What has become known; waits where more than WINDOW files wait."""
        while self.waiting > WINDOW or not self._done.empty():
            yield self.next_outcome()

    def next_outcome(self) -> Outcome:
        """Wait for an outcome; raises what a thread could not answer for."""
        outcome = self._done.get()
        self.waiting -= 1
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def dismiss(self) -> None:
        """End the threads; the transfer's patience has ended before."""
        for _ in self._threads:
            self._todo.put((1, next(self._number), None))
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _work(self) -> None:
        while (work := self._todo.get()[2]) and not self.transfer.patience.stopping.is_set():
            name, owners, here, there = work
            try:
                result, size, reason = self.transfer.carry(name, here, there)
            except Stopped:
                return
            except BaseException as error:  # is not about this file: for the one who reads outcomes
                self._done.put(error)
                return
            self._done.put(Outcome(name, result, size, reason, owners))
