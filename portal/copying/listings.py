"""Merges the wanted names with the listings of two stores.

All three are sorted (S3 sorts keys by their UTF-8 bytes, which is also Python's order of texts), so
memory is constant, and each store is asked only for the pages that hold wanted names.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

from .retry import Retry
from .stores import UNKNOWN, FileInfo, Page, Source, Unusable

LOOK_AHEAD = 4000  # names: as many as four pages hold, 2 MB
DENSE = 10  # wanted names on a page of 1,000: the next page will hold some, too
LAST_NAME = "\U0010ffff" * 257  # sorts after any name that fits into S3's 1,024 bytes


class Disorder(Exception):
    """A store does not list its files in the order of their names, as some servers do not."""


class Listing:
    """The files that a store has under the names it is asked for, read a page at a time."""

    def __init__(self, store: Source, retry: Retry):
        self.store, self.retry, self.lists = store, retry, store.lists
        self.page: dict[str, FileInfo] = {}
        self.last = ""
        self.requested: deque[Future[Page]] = deque()
        self.thread = ThreadPoolExecutor(1)

    def __getitem__(self, name: str):
        return self.page.get(name) if self.lists else UNKNOWN

    @property
    def end(self) -> str:
        """The last name for which this page tells if there is a file."""
        return self.last if self.lists else LAST_NAME

    def request(self, name: str, after: str = "") -> None:
        """Begin to fetch a page that covers this name, unless one has been requested.

        `after` is where the previous page ended, if the page is likely to follow it.
        """
        if self.lists and not self.requested:
            self.requested.append(self.thread.submit(self._page_with, name, after))

    def advance(self, name: str, names: list[str]) -> None:
        """Wait for the page that covers this name; request those that `names` will need next."""
        try:
            self.request(name)
            page = self.requested.popleft().result()
            if not covers(page, name):
                self.requested.clear()
                self.request(name)
                page = self.requested.popleft().result()
            self.last = LAST_NAME if page.is_last else page.last
            following = bisect_right(names, self.last)
            self._request_ahead(names[following:], following - bisect_left(names, name))
            self.page = dict(page.files)  # parsed while the next page is being fetched
            if list(self.page) != sorted(self.page):
                raise Disorder
        except (PermissionError, Disorder):
            self.lists = False  # each file can still be asked for
        except OSError as error:
            raise Unusable(f"{self.store} cannot be listed. {error}") from error

    def _request_ahead(self, names: list[str], held: int) -> None:
        """Request the pages after one that held `held` of the wanted names."""
        is_dense = held >= DENSE
        if names:
            self.request(names[0], after=self.last if is_dense else "")
        if is_dense and len(names) > 2 * held and len(self.requested) == 1:
            # One more, so that no page waits until the one before it has been read.
            self.requested.append(self.thread.submit(self._page_behind, self.requested[0]))

    def _page_behind(self, requested: Future[Page]) -> Page:
        page = requested.result()
        return page if page.is_last else self._page_after(page.last)

    def _page_with(self, name: str, after: str) -> Page:
        """Return a page that covers this name.

        With `after`, it begins where the last page ended, because some servers continue from there
        quickly and start a new search for any other name. Otherwise it begins with the name, and
        skips the names in between.
        """
        page = self._page_after(after) if after else None
        if page is None or not covers(page, name):
            page = self._page_after(just_before(name))
        while not covers(page, name):  # there are more names in between than a page holds
            page = self._page_after(page.last)
        return page

    def _page_after(self, name: str) -> Page:
        page = self.retry(lambda: self.store.page(name))
        if not page.is_last and page.last <= name:
            raise Disorder
        return page


def merge_listings(
    wanted: Iterable[tuple[str, Any]], source: Source, target: Source, retry: Retry
) -> Iterator[tuple[str, Any, Any, Any]]:
    """Yield each name and its owners with the source's and the target's file of that name.

    A file is a FileInfo, None, or UNKNOWN for a store that cannot be listed.
    """
    listings = of_source, of_target = Listing(source, retry), Listing(target, retry)
    wanted, end = iter(wanted), ""
    batch = list(islice(wanted, 1))
    try:
        for listing in listings if batch else ():
            listing.request(batch[0][0])  # while the names after the first are read
        batch += islice(wanted, LOOK_AHEAD - 1)
        while batch:
            next_batch = list(islice(wanted, LOOK_AHEAD))
            names = [name for name, _ in (*batch, *next_batch)]
            for name, owners in batch:
                if name > end:
                    ended = [listing for listing in listings if name > listing.end]
                    for listing in ended:
                        listing.request(name)  # from both stores at once
                    for listing in ended:
                        listing.advance(name, names)
                    end = min(listing.end for listing in listings)
                yield name, owners, of_source[name], of_target[name]
            batch = next_batch
    finally:
        for listing in listings:
            listing.thread.shutdown(wait=False, cancel_futures=True)


def covers(page: Page, name: str) -> bool:
    """Return True if the page tells whether there is a file of this name."""
    return page.is_last or name <= page.last


def just_before(name: str) -> str:
    """Return a text that sorts just before the name, and that any server can echo."""
    stem, last = name[:-1], ord(name[-1])
    before = chr(max(last - 1, 0))
    return f"{stem}{before}~" if before.isprintable() else stem
