"""A filter of the admin by period: from one day to another, both included."""

from datetime import date, timedelta

from django.contrib import admin, messages
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class PeriodFilter(admin.ListFilter):
    """Filters by ?from=2026-10-01&to=2026-10-31; either may be left out.

    A date that cannot be read leaves nothing in the list, and a message says which: a list that
    ignored it would be taken for the answer. `request.bad_period` is then True.
    """

    title = _("period")
    template = "desk/period_filter.html"
    field = "opened_at"

    def __init__(self, request, params, model, model_admin):
        super().__init__(request, params, model, model_admin)
        self.problem = ""
        self.days: dict[str, date | None] = {}
        for name in self.expected_parameters():
            given = params.pop(name, [""])[-1].strip()
            self.used_parameters[name] = given
            self.days[name] = self.read(given)
        first, last = self.days["from"], self.days["to"]
        if first and last and first > last:
            self.problem = _("The period ends before it begins.")
        if self.problem:
            request.bad_period = True
            messages.error(request, self.problem)

    def read(self, given: str) -> date | None:
        try:
            return date.fromisoformat(given) if given else None
        except ValueError:
            self.problem = _("“%(given)s” is no date: please write it as 2026-10-31.") % {
                "given": given[:30]
            }
            return None

    def expected_parameters(self):
        return ["from", "to"]

    def has_output(self):
        return True

    def choices(self, changelist):
        """Yield the usual periods as links, and with the first what the form of dates needs."""
        chosen = self.days["from"], self.days["to"]
        for label, first, last in self.periods():
            query = {"from": first, "to": last}
            present = {name: day.isoformat() for name, day in query.items() if day}
            absent = [name for name, day in query.items() if not day]
            yield {
                "selected": chosen == (first, last) and not self.problem,
                "query_string": changelist.get_query_string(present, absent),
                "display": label,
                "given": self.used_parameters,
                "others": self.others(changelist),
            }

    def others(self, changelist) -> list[tuple[str, str]]:
        """Return the other filters and the search, which a form has to repeat."""
        mine = {*self.expected_parameters(), "p"}
        return [(name, str(value)) for name, value in self.request.GET.items() if name not in mine]

    def periods(self):
        today = timezone.localdate()
        first_of_month = today.replace(day=1)
        last_of_former = first_of_month - timedelta(days=1)
        return [
            (_("Any date"), None, None),
            (_("This week"), today - timedelta(days=today.weekday()), None),
            (_("This month"), first_of_month, None),
            (_("Last month"), last_of_former.replace(day=1), last_of_former),
        ]

    def queryset(self, request, queryset):
        if self.problem:
            return queryset.none()
        first, last = self.days["from"], self.days["to"]
        if first:
            queryset = queryset.filter(**{f"{self.field}__date__gte": first})
        if last:
            queryset = queryset.filter(**{f"{self.field}__date__lte": last})
        return queryset
