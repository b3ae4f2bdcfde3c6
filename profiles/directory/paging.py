"""Pages that know the numbers to jump to."""

from django.core.paginator import Page, Paginator


class NumberedPage(Page):
    def numbers(self):
        """Return the numbers of the first, the last and the neighbouring pages, with ellipses."""
        return list(self.paginator.get_elided_page_range(self.number, on_each_side=2, on_ends=1))


class NumberedPaginator(Paginator):
    def _get_page(self, *args, **kwargs):
        return NumberedPage(*args, **kwargs)
