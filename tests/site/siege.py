"""A dyno under all of it at once, for a minute: make siege.

64 bodies and 64 heads that come a byte at a time, 40 uploads (10 MB PDFs, then photos of 24
megapixels), and S3 frozen. Prints what was measured beside its limit, and fails if one is broken.
The clients share the machine's cores with the dyno: on two, the figures are upper bounds.
"""

import multiprocessing
import statistics
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

from profiles.models import StoredUpload
from tests.site.test_many_uploads import a_photo, a_resume, uploaders
from tests.site.test_slow_clients import SLOW, open_connections
from tests.support.dyno import eventually
from tests.support.raw_clients import SlowClients
from tests.support.served import THREADS, WORKERS

SECONDS = 60
SLOW_CLIENTS, UPLOADERS = 64, 40
PAUSE_SECONDS = 2  # of an uploader, between two uploads
DYNO_MEGABYTES = 512
ROUTER_SECONDS = 30  # that Heroku's router waits for an answer
FREED_SECONDS = 30


def besiege(port: int, kind: str, until: float) -> None:
    """Keep so many slow clients at it; each that is refused comes again."""
    while time.monotonic() < until:
        with SlowClients(port, SLOW_CLIENTS, SLOW[kind].encode()) as slow:
            while not slow.are_answered() and time.monotonic() < until:
                time.sleep(1)


def keep_uploading(uploads: dict, until: float, found) -> None:
    """Send files until the end, photos in its second half; tells which statuses came."""
    half = until - SECONDS / 2
    warnings.simplefilter("ignore", ResourceWarning)  # of connections that the dyno has closed

    def repeat(number: int) -> list:
        results = []
        while time.monotonic() < until:
            kind = "avatar" if time.monotonic() > half else "resume"
            answer, seconds = uploads[kind][number]()
            results.append((answer.status, seconds))
            time.sleep(PAUSE_SECONDS)
        return results

    with ThreadPoolExecutor(UPLOADERS) as pool:
        found.put([each for results in pool.map(repeat, range(UPLOADERS)) for each in results])


def watch(looker, path: str, until: float, seconds: list, statuses: set) -> None:
    while time.monotonic() < until:
        began = time.monotonic()
        statuses.add(looker.get(path).status)
        seconds.append(time.monotonic() - began)
        time.sleep(0.2)


def test_siege(dyno, on_s3, member, owner, s3_line):
    """L1 to L4 at once."""
    pages = {"/healthz": [], owner.profile.get_absolute_url(): []}
    lookers = {path: dyno.visitor(member) for path in pages}
    uploads = {
        "resume": uploaders(dyno, member, a_resume(), "resume", UPLOADERS),
        "avatar": uploaders(dyno, member, a_photo(), "avatar", UPLOADERS),
    }
    statuses, most = set(), 0.0
    processes = multiprocessing.get_context("fork")  # so that they do not wait for one another
    found = processes.SimpleQueue()
    until = time.monotonic() + SECONDS

    with s3_line.frozen():
        clients = [
            processes.Process(target=besiege, args=(dyno.port, kind, until))
            for kind in ("small body", "head")
        ]
        clients.append(processes.Process(target=keep_uploading, args=(uploads, until, found)))
        watchers = [
            threading.Thread(target=watch, args=(lookers[path], path, until, seconds, statuses))
            for path, seconds in pages.items()
        ]
        for each in [*clients, *watchers]:
            each.start()
        while time.monotonic() < until:
            most = max(most, dyno.megabytes())
            time.sleep(2)
        results = found.get()
        for each in [*clients, *watchers]:
            each.join()
    frozen = [status for status, _ in results]
    slowest = max(seconds for _, seconds in results)

    def calm() -> bool:
        dyno.hang_up()
        return not open_connections(dyno)

    is_calm = eventually(calm, FREED_SECONDS)
    unnamed = StoredUpload.objects.count()
    with ThreadPoolExecutor(UPLOADERS) as pool:
        answers = list(pool.map(lambda upload: upload()[0].status, uploads["resume"]))
    lookers = [dyno.visitor(member) for _ in range(WORKERS * THREADS)]
    with ThreadPoolExecutor(len(lookers)) as pool:
        after = {answer.status for answer in pool.map(lambda each: each.get("/me/"), lookers)}
    accepted = answers.count(201)

    rows = [
        *[
            row
            for path, seconds in pages.items()
            for row in (
                (f"{path}, median s ({len(seconds)} asked)", statistics.median(seconds), 1),
                (f"{path}, worst s", max(seconds), 3),
            )
        ],
        (f"slowest of {len(frozen)} uploads, S3 frozen, s", slowest, ROUTER_SECONDS),
        ("uploads stored while S3 was frozen", unnamed, 0),
        ("most MB", most, DYNO_MEGABYTES),
        ("other statuses than 200, of pages", len(statuses - {200}), 0),
        ("other statuses than 503, of uploads", len(set(frozen) - {503}), 0),
        ("connections open afterwards", open_connections(dyno) if not is_calm else 0, 0),
        (
            f"of {accepted} uploads accepted afterwards, not stored",
            accepted - StoredUpload.objects.count(),
            0,
        ),
        ("threads not free afterwards", len(after - {200}), 0),
    ]
    print(f"\n{'':<60}{'found':>8}{'limit':>8}")
    for name, value, limit in rows:
        print(f"{name:<60}{value:>8.2f}{limit:>8}{'   BROKEN' if value > limit else ''}")
    assert accepted
    assert [name for name, value, limit in rows if value > limit] == []
