"""Pages that know the numbers to jump to."""

from django.core.paginator import Page, Paginator
from django.utils.functional import cached_property

MAX_COUNTED = 1_000  # rows behind the page
MAX_DIGITS = 6  # of a page's number


class NumberedPage(Page):
    def numbers(self):
        """Return the numbers of the first, the last and the neighbouring pages, with ellipses."""
        return list(self.paginator.get_elided_page_range(self.number, on_each_side=2, on_ends=1))


class NumberedPaginator(Paginator):
    def _get_page(self, *args, **kwargs):
        return NumberedPage(*args, **kwargs)


class LongListPaginator(NumberedPaginator):
    """Counts a list no further than a thousand rows behind the page that is asked for.

    To count all of a long list, the database reads all of it: for a page of 24, and each time.
    """

    def __init__(self, object_list, per_page: int, *, asked: str | None):
        super().__init__(object_list, per_page)
        is_number = asked and asked.isascii() and asked.isdecimal() and len(asked) <= MAX_DIGITS
        page = int(asked) if asked and is_number else 0
        self.most = MAX_COUNTED + page * per_page
        self.is_first = not asked

    def get_page(self, number):
        """Return a page; the first is read before the count, and has all if it has room left."""
        if not self.is_first:
            return super().get_page(number)
        found = list(self.object_list[: self.per_page])
        if len(found) < self.per_page:
            self.counted = len(found)
        return self._get_page(found, 1, self)

    @cached_property
    def counted(self) -> int:
        return self.object_list.count_to(self.most + 1)

    @property
    def is_capped(self) -> bool:
        """Return True if there are more rows than `count`."""
        return self.counted > self.most

    @property
    def count(self) -> int:
        return min(self.counted, self.most)
