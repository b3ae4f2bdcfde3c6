"""What two places hold under the names that are wanted: three sorted streams, merged.

Names come sorted, listings do too (S3's order is that of UTF-8 bytes, and so is Python's of text),
so memory is constant, and each side is asked for the pages that hold wanted names and no others.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from .retry import Patience
from .stores import Found, Page, Unusable

LOOK_AHEAD = 4000  # names: what four pages hold, 2 MB
DENSE = 10  # wanted names on a page of 1,000: the next page will hold some, too
LAST_NAME = "\U0010ffff" * 257  # sorts after whatever fits into S3's 1,024 bytes
UNKNOWN = object()  # what a place that cannot list has under a name


class Disorder(Exception):
    """A place lists its files in another order than that of their names, as some servers do."""


class Listing:
    """What a place holds under the names that it is asked for, a page at a time."""

    def __init__(self, place, patience: Patience):
        self.place, self.patience, self.lists = place, patience, place.lists
        self.page: dict[str, Found] = {}
        self.last = ""
        self.coming: deque[Future[Page]] = deque()
        self.thread = ThreadPoolExecutor(1)

    def __getitem__(self, name: str):
        return self.page.get(name) if self.lists else UNKNOWN

    @property
    def reach(self) -> str:
        """The last of the names, from the one that was last turned to, that are looked up here."""
        return self.last if self.lists else LAST_NAME

    def ask_for(self, name: str, behind: str = "") -> None:
        """Begin to fetch a page that covers this name, the next one, unless one is coming."""
        if self.lists and not self.coming:
            self.coming.append(self.thread.submit(self._page_with, name, behind))

    def turn_to(self, name: str, names: list[str]) -> None:
        """Wait for the page that covers this name; ask for those that `names` will need next."""
        try:
            self.ask_for(name)
            page = self.coming.popleft().result()
            if not covers(page, name):
                self.coming.clear()
                self.ask_for(name)
                page = self.coming.popleft().result()
            self.last = LAST_NAME if page.is_last else page.last
            following = bisect_right(names, self.last)
            self._ask_ahead(names[following:], following - bisect_left(names, name))
            self.page = dict(page.found)  # while the next one is on its way
            if list(self.page) != sorted(self.page):
                raise Disorder
        except (PermissionError, Disorder):
            self.lists = False  # each file can be asked for all the same
        except OSError as error:
            raise Unusable(f"{self.place} cannot be listed. {error}") from error

    def _ask_ahead(self, names: list[str], held: int) -> None:
        """Ask for what comes after a page that held so many of the wanted names."""
        is_dense = held >= DENSE
        if names:
            self.ask_for(names[0], behind=self.last if is_dense else "")
        if is_dense and len(names) > 2 * held and len(self.coming) == 1:
            # One more, so that no page waits until its predecessor has been read.
            self.coming.append(self.thread.submit(self._page_behind, self.coming[0]))

    def _page_behind(self, coming: Future) -> Page:
        page = coming.result()
        return page if page.is_last else self._page_after(page.last)

    def _page_with(self, name: str, behind: str) -> Page:
        """A page that covers this name.

        It begins where the last page has ended if many names are wanted, for some servers walk
        from there on but anew to any other place; or else with the name, leaping over what nobody
        has asked for.
        """
        page = self._page_after(behind) if behind else None
        if page is None or not covers(page, name):
            page = self._page_after(just_before(name))
        while not covers(page, name):  # there is more in between than a page holds
            page = self._page_after(page.last)
        return page

    def _page_after(self, name: str) -> Page:
        page = self.patience(lambda: self.place.page(name))
        if not page.is_last and page.last <= name:
            raise Disorder
        return page


def looked_up(wanted, source, target, patience) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield each name and its owners with what is Found, None or UNKNOWN at both ends."""
    both = here, there = Listing(source, patience), Listing(target, patience)
    wanted, reach = iter(wanted), ""
    now = list(islice(wanted, 1))
    try:
        for listing in both if now else ():
            listing.ask_for(now[0][0])  # while the names behind the first are read
        now += islice(wanted, LOOK_AHEAD - 1)
        while now:
            ahead = list(islice(wanted, LOOK_AHEAD))
            names = [name for name, _ in (*now, *ahead)]
            for name, owners in now:
                if name > reach:
                    behind = [listing for listing in both if name > listing.reach]
                    for listing in behind:
                        listing.ask_for(name)  # at both ends at once
                    for listing in behind:
                        listing.turn_to(name, names)
                    reach = min(here.reach, there.reach)
                yield name, owners, here[name], there[name]
            now = ahead
    finally:
        for listing in both:
            listing.thread.shutdown(wait=False, cancel_futures=True)


def covers(page: Page, name: str) -> bool:
    return page.is_last or name <= page.last


def just_before(name: str) -> str:
    """Text that sorts before the name, with little in between, and that any server can echo."""
    stem, last = name[:-1], ord(name[-1])
    before = chr(max(last - 1, 0))
    return f"{stem}{before}~" if before.isprintable() else stem
