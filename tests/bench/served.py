"""The two sites as gunicorn serves them: requests a second, memory, and how they start."""

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path

import urllib3

from tests.support import samples
from tests.support.dyno import Visitor, Web, eventually
from tests.support.strict_s3 import StrictS3

from .commands import make_bucket
from .report import Result, paired
from .sites import HOST, PAGES, PORTAL, ROOT, TWIN, WEB, Site

CONNECTIONS, SECONDS, RATE_ROUNDS = 16, 2, 8
ROUNDS, MEMORY_ROUNDS = 3, 2
AT_ONCE = 64
LOADS = 3  # of the memory: connections may all come to one worker, and then to the other
PROCESSES = 3  # gunicorn's master and two workers
UPLOADS = 6
RATES = {"home": 1.1, "directory": 1.4, "search": 1.4, "profile": 1.1, "resume": 1.1}


def running(site: Site, **environ: str) -> Web:
    """The site's web line, not yet started."""
    return Web(WEB[site.name], ROOT, site.environ | environ, site.folder / "web.log")


def visitor(web: Web, site: Site) -> Visitor:
    """A browser in which the member is logged in."""
    found = Visitor(web.port, HOST)
    found.cookies = dict(each.split("=") for each in site.cookie.split("; "))
    return found


# Requests a second.


def rates(sites: dict[str, Site], pages=tuple(RATES), rounds: int = RATE_ROUNDS) -> list[Result]:
    """Load one site after the other with wrk; the other one idles meanwhile."""
    if not shutil.which("wrk"):
        print("wrk is not here: no requests a second. Install Debian's package wrk.")
        return []
    found = defaultdict(list)
    with running(sites[PORTAL]) as portal, running(sites[TWIN]) as twin:
        webs = {PORTAL: portal, TWIN: twin}
        for name, web in webs.items():
            assert web.serves(), web.said()
            for page in pages:
                wrk(web, sites[name], page, 1)
        for number in range(rounds):
            for page in pages:
                for name in (PORTAL, TWIN) if number % 2 else (TWIN, PORTAL):
                    found[page, name].append(wrk(webs[name], sites[name], page, SECONDS))
    return [
        paired(
            "rate", f"requests a second for {page}", "/s",
            found[page, PORTAL], found[page, TWIN], least=RATES[page],
        )
        for page in pages
    ]  # fmt: skip


def wrk(web: Web, site: Site, page: str, seconds: int) -> float:
    """Return the answers a second that had the page's own status; there may be no other."""
    headers = {"Host": HOST, "Cookie": site.cookie, "X-Forwarded-Proto": "https"}
    command = ["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds}s", "--timeout", "20s"]
    command += ["-s", str(Path(__file__).with_name("statuses.lua"))]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://127.0.0.1:{web.port}{site.path(page)}", "--", str(PAGES[page][1])]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    counted = next(line for line in out.splitlines() if line.startswith("counted"))
    right, wrong, took = map(float, counted.split()[1:])
    if wrong:
        sys.exit(f"{site.name} answered {wrong:.0f} of {right + wrong:.0f} wrongly: {page}\n{out}")
    return right / took


# Memory.


def memory(sites: dict[str, Site], rounds: int = MEMORY_ROUNDS) -> list[Result]:
    """Compare the memory (PSS) of all processes after every page and some uploads.

    What was there before the first page, and what no two processes share, tell where it goes.
    """
    before, used, unshared = defaultdict(list), defaultdict(list), defaultdict(list)
    environ = sites[PORTAL].environ
    keys = {environ["AWS_ACCESS_KEY_ID"]: environ["AWS_SECRET_ACCESS_KEY"]}
    with StrictS3(credentials=keys, region=environ["AWS_S3_REGION_NAME"]) as s3:
        for _ in range(rounds):
            for name in (TWIN, PORTAL):
                s3.wipe()
                make_bucket(s3, environ)
                with running(sites[name], AWS_S3_ENDPOINT_URL=s3.endpoint_url) as web:
                    assert web.serves(), web.said()
                    eventually(lambda web=web: len(web.processes()) == PROCESSES, 20)
                    before[name].append(web.megabytes())
                    for _ in range(LOADS):
                        load(web, sites[name])
                    # Without the child that parses an upload, and is about to end.
                    eventually(lambda web=web: len(web.processes()) <= PROCESSES, 20)
                    used[name].append(web.megabytes())
                    unshared[name].append(web.unshared_megabytes())
    title = "memory after load with uploads (PSS)"
    return [
        paired("memory", title, "MB", used[PORTAL], used[TWIN], most=0.5),
        paired(
            "memory", "of it, what one process has alone", "MB", unshared[PORTAL], unshared[TWIN]
        ),
        paired("memory", "before the first page", "MB", before[PORTAL], before[TWIN]),
    ]


def load(web: Web, site: Site) -> None:
    """Visit every page from many browsers at once, some of which upload files."""

    def visit(number: int) -> None:
        browser = visitor(web, site)
        for _ in range(3):
            for page, (_, status) in PAGES.items():
                assert browser.get(site.path(page)).status == status, page
        if number < UPLOADS:
            upload(browser)
        browser.connection.close()

    together(visit, CONNECTIONS)


def upload(browser: Visitor) -> None:
    """Save the member's profile with a photo and a resume, as the form of either site does."""
    token = browser.cookies.get("csrftoken") or browser.cookies["__Host-csrftoken"]
    body, content_type = urllib3.encode_multipart_formdata(
        {
            "csrfmiddlewaretoken": token, "name": "Ada Alberg", "headline": "", "bio": "",
            "visibility": "members",
            "avatar": ("photo.jpg", samples.jpeg(), "image/jpeg"),
            "resume": ("resume.pdf", samples.pdf(), "application/pdf"),
        }
    )  # fmt: skip
    headers = {"Origin": f"https://{HOST}", "Content-Type": content_type}
    headers["Referer"] = f"https://{HOST}/me/edit/"
    answer = browser.request("POST", "/me/edit/", body=body, headers=headers)
    assert answer.status in (302, 503), answer.text[-3000:]  # 503: the portal's queue was full


# The start.


def starts(sites: dict[str, Site], rounds: int = ROUNDS) -> list[Result]:
    """Compare the time to the first 200, and the slowest of the first requests, all at once.

    The same requests once more tell how much of that is the work itself.
    """
    boots, worst, warm = defaultdict(list), defaultdict(list), defaultdict(list)
    for number in range(rounds):
        for name in (PORTAL, TWIN) if number % 2 else (TWIN, PORTAL):
            began = time.perf_counter()
            with running(sites[name]) as web:
                assert eventually(lambda web=web: is_alive(web), 60, 0.01), web.said()
                boots[name].append(time.perf_counter() - began)
                worst[name].append(slowest_click(web, sites[name]))
                warm[name].append(slowest_click(web, sites[name]))
    return [
        paired(
            "first", f"slowest of the first {AT_ONCE} clicks, at once", "s",
            worst[PORTAL], worst[TWIN], most=0.1,
        ),
        paired("first", "of the same clicks once more", "s", warm[PORTAL], warm[TWIN]),
        paired(
            "boot", "from the start to the first 200", "s", boots[PORTAL], boots[TWIN], most=1.5
        ),
    ]  # fmt: skip


def is_alive(web: Web) -> bool:
    with contextlib.suppress(OSError):
        return Visitor(web.port, HOST).get("/healthz").status == 200
    return False


def slowest_click(web: Web, site: Site) -> float:
    """Click on a resume from many browsers at once; return the seconds of the slowest."""
    times = []

    def click(number: int) -> None:
        browser = visitor(web, site)
        began = time.perf_counter()
        assert browser.get(site.path("resume")).status == 302
        times.append(time.perf_counter() - began)
        browser.connection.close()

    together(click, AT_ONCE)
    return max(times)


def together(task, count: int) -> None:
    """Run a task in several threads; raise what the first that failed has raised."""
    failures = []

    def run(number: int) -> None:
        try:
            task(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
