"""A person in front of the portal: clicks are counted, and each page that matters is judged."""

import re
from pathlib import Path
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error

PICTURES = Path(__file__).parents[2] / "var" / "moments"
AXE = {"preload": False}  # it would fetch what style sheets import from addresses of its own
PICTURES_HAVE_COME = """() => Promise.allSettled(
    [...document.images].filter(each => each.src && each.offsetWidth).map(each => {
        each.loading = "eager"
        return each.decode()
    }))"""
MOST_CLICKS = 3  # where a moment names no other limit

GO = re.compile("^(Go|Run)$")  # what Django's admin calls the button for actions; Run from 6.1 on


class Device(NamedTuple):
    """The window in which a moment is lived."""

    width: int
    scheme: str
    has_scripts: bool = True

    def __str__(self):
        return f"{self.width}{'' if self.has_scripts else '-plain'}"


PHONE, DESK, PLAIN = Device(360, "dark"), Device(1280, "light"), Device(360, "light", False)


class Person:
    """Acts on pages as a person does, and keeps count.

    Typing and choosing files cost nothing. Choosing from a list, ticking a box and pressing a key
    that does something cost as much as a click.
    """

    def __init__(self, page, device: Device, number: int):
        self.page, self.device, self.number = page, device, number
        self.clicks = [0]  # for each part of the moment
        self.violations: list[str] = []
        self.sideways = 0  # pixels that a page was wider than the window
        self.pictures = 0

    def part(self):
        """Begin the next part of a moment that has several: each may cost the limit."""
        self.clicks.append(0)

    def click(self, role, name, *, within=None, exact=False):
        self.clicks[-1] += 1
        (within or self.page).get_by_role(role, name=name, exact=exact).first.click()

    def tick(self, locator):
        self.clicks[-1] += 1
        locator.check()

    def select(self, label, option):
        self.clicks[-1] += 1
        self.page.get_by_label(label).select_option(option)

    def press(self, key):
        self.clicks[-1] += 1
        self.page.keyboard.press(key)

    def type(self, label, text, *, exact=False):
        label = re.compile(f"^{re.escape(label)}:?$") if exact else label
        self.page.get_by_label(label).first.fill(text)

    def look(self):
        """Judge the page that is shown, and keep a picture of it."""
        page = self.page
        page.wait_for_load_state("load")
        if self.device.has_scripts:
            page.evaluate(PICTURES_HAVE_COME)
            found = Axe().run(page, options=AXE).response["violations"]
            self.violations += [
                f"{page.url}: {each['id']} {node['target']}"
                for each in found
                for node in each["nodes"]
            ]
        wide = page.evaluate("document.documentElement.scrollWidth") - self.device.width
        self.sideways = max(self.sideways, wide)
        self.pictures += 1
        PICTURES.mkdir(parents=True, exist_ok=True)
        name = f"{self.number:02}-{self.device}-{self.pictures}.png"
        try:
            page.screenshot(path=PICTURES / name, full_page=True)
        except Error:  # Chromium on a busy machine: "Unable to capture screenshot"
            page.screenshot(path=PICTURES / name, full_page=True)

    def judge(self, limit: int):
        """Fail if the moment took too many clicks, or a page of it was not sound."""
        assert self.pictures, "no picture was taken"
        assert max(self.clicks) <= limit, f"{self.clicks} clicks"
        assert self.violations == []
        assert self.sideways <= 0


class Row(NamedTuple):
    """One line of the table of moments."""

    number: int
    who: str
    what: str
    clicks: str
    limit: str
    plain: str
    axe: str
    overflow: str


def table(lived: list[dict]) -> list[str]:
    """Return the lines of the table: one for each moment, its devices together."""
    numbers = sorted({each["number"] for each in lived})
    rows = [row([each for each in lived if each["number"] == number]) for number in numbers]
    cells = [tuple(map(str, each)) for each in rows]
    head = ("#", "who", "moment", "clicks", "limit", "without JavaScript", "axe", "overflow")
    widths = [max(len(line[i]) for line in [head, *cells]) for i in range(len(head))]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in [head, *cells]]


def row(devices: list[dict]) -> Row:
    """Return the line of one moment, of how it was on each device."""
    first = devices[0]
    worst = max((each["clicks"] for each in devices), key=max)
    plain = {each["passed"] for each in devices if not each["has_scripts"]}
    works = "NO" if False in plain else "yes" if plain else "*" if first["needs_scripts"] else "-"
    return Row(
        first["number"],
        first["who"],
        first["what"],
        "+".join(map(str, worst)),
        f"{first['limit']}{' each' if len(worst) > 1 else ''}",
        works,
        str(sum(each["violations"] for each in devices)),
        f"{max(each['sideways'] for each in devices)} px",
    )
