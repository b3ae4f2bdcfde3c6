"""The rehearsal's web part: two dynos serve the built site as behind Heroku's router."""

import os
import re
import signal
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from tests.support.dyno import Visitor, Web, eventually, procfile
from tests.support.steps import expect, step

DYNO_MEGABYTES = 512  # of a basic dyno
VISITORS_PER_DYNO = 20  # more than a dyno has threads
EXIT_SECONDS = 25  # of the 30 that Heroku grants
A_KEY = "1-a-key-that-sets-a-password"
OPENERS = re.compile(rf"X-Amz-(Signature|Credential)=(?!\[redacted\])|{A_KEY}")


def serve(site, postgresql, folder: Path, email: str, password: str) -> None:
    """Start the web line, check its promises, and stop it in the middle of a request."""

    def web(dyno: str) -> Web:
        log = folder / f"{site.tree.name}-{dyno}.log"
        return Web(procfile(site.tree)["web"], site.tree, site.environment(dyno), log)

    with ExitStack() as dynos:
        with step("the web line listens on $PORT, for IPv4 and IPv6"):
            first = dynos.enter_context(web("web.1"))
            expect(first.serves(), "The Procfile's web line does not serve.", first.said())
            for address in ("127.0.0.1", "::1"):
                expect(first.listens(address), f"It does not listen at {address}.", first.said())
        visitor = Visitor(first.port, site.host)
        answer_the_router(visitor)
        deliver_assets(visitor)
        log_in(visitor, email, password)
        if site.dyno_sets:
            open_a_resume(visitor, postgresql, site)
        write_the_log(visitor, first)
        with step("a second dyno starts beside the first, as in a deploy"):
            second = dynos.enter_context(web("web.2"))
            expect(second.serves(), "A second dyno does not serve.", second.said())
        hold_under_load([first, second], visitor, postgresql, site)
        reload_under_load(second, site)
        stop_in_mid_request(first, visitor, postgresql, site)
        stop_idle(second)


def answer_the_router(visitor: Visitor) -> None:
    path = "/accounts/login/?next=/me/"
    with step("http is redirected once, to https, where it is 200 with HSTS"):
        answer = visitor.get(path, scheme="http")
        expect(answer.status == 301, f"Over http the answer is {answer.status}, not a redirect.")
        target = f"https://{visitor.host}{path}"
        location = answer.headers["Location"]
        expect(location == target, f"http is redirected to {location}, not to {target}.")
        answer = visitor.get(path)
        expect(answer.status == 200, f"Over https the answer is {answer.status}: a loop?")
        hsts = re.search(r"max-age=(\d+)", answer.headers.get("Strict-Transport-Security", ""))
        expect(hsts and int(hsts[1]) >= 31_536_000, "HSTS is missing, or shorter than a year.")
    with step("the router's connection is kept open"):
        before = visitor.connection.sock
        visitor.get("/healthz")
        expect(before and visitor.connection.sock is before, "Each request needs a connection.")
    with step("another site's host is turned away with 400"):
        answer = visitor.get("/", host="evil.example")
        expect(answer.status == 400, f"A forged Host is answered {answer.status}.")


def deliver_assets(visitor: Visitor) -> None:
    with step("assets come from their bucket, under hashed names, permanently"):
        page = visitor.get("/").text
        links = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
        expect(links, "The home page has no style sheet.", page)
        for link in links:
            expect(
                link.startswith("http") and re.search(r"\.[0-9a-f]{12}\.css$", link),
                f"The page names {link}, which is no hashed name in the bucket.",
            )
            with fetch(link) as (status, headers):
                expect(status == 200, f"An anonymous client that asks for {link} gets {status}.")
            caching = headers.get("Cache-Control", "")
            expect("immutable" in caching, f"{link} is cached as {caching!r}, not permanently.")


def log_in(visitor: Visitor, email: str, password: str) -> None:
    with step("a member logs in"):
        answer = visitor.post("/accounts/login/", login=email, password="not " + password)
        expect(answer.status == 200, f"A wrong password is answered {answer.status}.")
        expect(visitor.get("/me/").status == 302, "An anonymous visitor sees a member's own page.")
        answer = visitor.post("/accounts/login/", login=email, password=password)
        expect(answer.status == 302, f"The log-in is answered {answer.status}.", answer.text)
        answer = visitor.get("/me/")
        expect(answer.status == 200, f"After the log-in /me/ answers {answer.status}.")


def open_a_resume(visitor: Visitor, postgresql, site) -> None:
    with step("a member opens a resume, by a link that opens nothing without its signature"):
        with postgresql.connect(site.database) as database:
            query = "SELECT id FROM profiles_profile WHERE resume <> '' AND visibility = 'members'"
            profile = database.execute(query).fetchone()[0]
        answer = visitor.get(f"/members/{profile}/resume/")
        expect(answer.status == 302, f"The resume is answered {answer.status}.", answer.text)
        link = answer.headers["Location"]
        with fetch(link) as (status, headers):
            kind = headers["Content-Type"]
            expect((status, kind) == (200, "application/pdf"), f"The link gives {status}, {kind}.")
        with fetch(link.partition("?")[0]) as (status, headers):
            expect(status == 403, f"Without its signature the link is answered {status}.")


def write_the_log(visitor: Visitor, dyno: Web) -> None:
    with step("each request is in the log by the router's id, and no key is"):
        answer = visitor.get(f"/accounts/password/reset/key/{A_KEY}/")
        line = f"request_id={answer.request_id}"
        expect(
            eventually(lambda: line in dyno.said(), 5),
            f"The request's line, with {line}, is not in the log.",
            dyno.said(),
        )
        leaked = OPENERS.search(dyno.said())
        expect(not leaked, f"{leaked and leaked[0]} is in the log.", dyno.said())


def hold_under_load(dynos: list[Web], visitor: Visitor, postgresql, site) -> None:
    """Let requests wait for a lock in the database, so that all threads are busy at once."""
    postgresql.most_at_once = 0
    with step("two dynos at full load need no more connections than there are"):
        with ThreadPoolExecutor(VISITORS_PER_DYNO * len(dynos)) as pool:
            with locked(postgresql, site):
                answers = []
                for dyno in dynos * VISITORS_PER_DYNO:
                    answers.append(pool.submit(same_member(visitor, dyno).get, "/me/"))
                    time.sleep(0.01)  # else one worker takes them all
                busy = settled(postgresql.waiting)
            statuses = sorted({answer.result().status for answer in answers})
        said = "".join(dyno.said() for dyno in dynos)
        expect(statuses == [200], f"Under load requests were answered {statuses}.", said)
        expect(busy >= 2 * len(dynos), f"Only {busy} requests were at work at once.")
        expect(
            postgresql.most_at_once <= postgresql.connections,
            f"{postgresql.most_at_once} connections were open at once.",
        )
    with step(
        f"{postgresql.most_at_once} connections at most; a dyno of {DYNO_MEGABYTES} MB "
        f"needs {max(dyno.megabytes() for dyno in dynos):.0f}"
    ):
        for dyno in dynos:
            used = dyno.megabytes()
            expect(used <= DYNO_MEGABYTES, f"A dyno needs {used:.0f} MB.")


def reload_under_load(dyno: Web, site) -> None:
    """Catalogue R2. Heroku sends no HUP, but gunicorn replaces old workers in the same way."""
    with step("three reloads under load lose no request"):
        over = threading.Event()

        def keep_asking() -> list[int]:
            statuses = []
            while not over.is_set():
                statuses.append(Visitor(dyno.port, site.host).get("/").status)
            return statuses

        with ThreadPoolExecutor(4) as pool:
            askers = [pool.submit(keep_asking) for _ in range(4)]
            try:
                for _ in range(3):
                    expect(reloaded(dyno), "HUP does not replace the workers.", dyno.said())
            finally:
                over.set()
        statuses = [status for asker in askers for status in asker.result()]
        lost = [status for status in statuses if status != 200]
        expect(len(statuses) > 30, f"Only {len(statuses)} requests were made meanwhile.")
        expect(not lost, f"{len(lost)} of {len(statuses)} requests were lost.", dyno.said())


def stop_in_mid_request(dyno: Web, visitor: Visitor, postgresql, site) -> None:
    """Catalogue R1. The request waits for a lock that is released only after the signal."""
    with step("SIGTERM to all processes lets a request finish, and all exit with 0"):
        with ThreadPoolExecutor(1) as pool:
            with locked(postgresql, site):
                answer = pool.submit(visitor.get, "/me/")
                expect(eventually(postgresql.waiting, 5), "The request never reached the database.")
                running = len(dyno.processes())
                dyno.signal(signal.SIGTERM)
                idle_worker_left = eventually(lambda: len(dyno.processes()) < running, 5)
                expect(idle_worker_left, "SIGTERM does not stop an idle worker.", dyno.said())
            status = answer.result().status
        expect(status == 200, f"The request in flight was answered {status}.", dyno.said())
        expect_clean_exit(dyno)


def stop_idle(dyno: Web) -> None:
    """gunicorn's master passes a dyno's SIGTERM on: its workers get another, at any moment."""
    with step("SIGTERM to an idle dyno, repeated to its workers, ends all with 0"):
        workers = [process for process in dyno.processes() if process.pid != dyno.process.pid]
        dyno.signal(signal.SIGTERM)

        def gone() -> bool:
            for worker in workers:
                with suppress(psutil.NoSuchProcess):
                    worker.terminate()
            return not any(worker.is_running() for worker in workers)

        expect(eventually(gone, EXIT_SECONDS, every=0.002), "A worker stays.", dyno.said())
        expect_clean_exit(dyno)


def expect_clean_exit(dyno: Web) -> None:
    gone = eventually(lambda: dyno.has_ended() and not dyno.processes(), EXIT_SECONDS)
    expect(gone, f"{EXIT_SECONDS} s after SIGTERM something is still running.", dyno.said())
    code = dyno.process.returncode
    expect(code == 0, f"The web line exits with {code}.", dyno.said())
    killed = re.search(r".*(was sent SIG|exited with code).*", dyno.said())
    expect(not killed, f"A worker did not exit with 0: {killed and killed[0]}")


def reloaded(dyno: Web) -> bool:
    """Send HUP; return True if all workers have been replaced."""

    def workers() -> set[int]:
        return {process.pid for process in dyno.processes()} - {dyno.process.pid}

    before = workers()
    os.kill(dyno.process.pid, signal.SIGHUP)
    return eventually(lambda: workers() and not workers() & before, EXIT_SECONDS)


def same_member(visitor: Visitor, dyno: Web) -> Visitor:
    """The same member on a connection of its own, to this dyno."""
    other = Visitor(dyno.port, visitor.host)
    other.cookies = dict(visitor.cookies)
    return other


@contextmanager
def locked(postgresql, site):
    """Make every request of a member wait, by a lock on the table of the sessions."""
    with postgresql.connect(site.database) as database, database.transaction():
        database.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        yield


def settled(count) -> int:
    """Return the value that a count keeps for half a second."""
    seen = -1

    def grows() -> bool:
        nonlocal seen
        before, seen = seen, count()
        return seen != before

    while eventually(grows, 0.5):
        pass
    return seen


@contextmanager
def fetch(link: str):
    """Return the status and headers of the answer to a client without cookies."""
    try:
        with urllib.request.urlopen(link, timeout=10) as response:
            yield response.status, response.headers
    except urllib.error.HTTPError as error:
        with error:
            yield error.code, error.headers
