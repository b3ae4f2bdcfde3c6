"""The processor time of a page in process: the portal and its twin in turns, in pairs."""

import json
import subprocess
import sys
from collections import defaultdict

from .report import Result, paired
from .sites import PAGES, PORTAL, ROOT, TWIN, Site

ROUNDS, REQUESTS = 30, 15
WARM_UP = 60
MARKS = {
    "home": 1.0, "directory": 0.7, "search": 0.7, "profile": 0.85, "resume": 0.85, "healthz": 2.0,
}  # fmt: skip


class PageProcess:
    """A process that answers one site's requests (page_process.py)."""

    def __init__(self, site: Site):
        self.site = site
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.page_process"],
            cwd=ROOT, env=site.environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def seconds(self, page: str, count: int) -> float:
        """Return the processor time of one of so many requests for a page."""
        return self.ask(page, count)["seconds"]

    def elapsed(self, page: str, count: int) -> float:
        """Return the time of one of so many requests, in which the database works as well."""
        return self.ask(page, count)["elapsed"]

    def ask(self, page: str, count: int) -> dict:
        asked = {"path": self.site.path(page), "cookie": self.site.cookie}
        asked |= {"status": PAGES[page][1], "count": count}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def measure(sites: dict[str, Site], pages: list[str], rounds: int = ROUNDS) -> list[Result]:
    """Compare the two sites page by page; each round has both, and the other one first."""
    times = defaultdict(list)
    with PageProcess(sites[PORTAL]) as portal, PageProcess(sites[TWIN]) as twin:
        for page in pages:
            for each in (portal, twin):
                each.seconds(page, WARM_UP)
        for number in range(rounds):
            for page in pages:
                turns = (portal, twin) if number % 2 else (twin, portal)
                for each in turns:
                    times[page, each].append(each.seconds(page, REQUESTS) * 1000)
        return [
            paired(
                page, f"processor time of {page}, in process", "ms",
                times[page, portal], times[page, twin], most=MARKS[page],
            )
            for page in pages
        ]  # fmt: skip
