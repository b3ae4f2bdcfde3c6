"""Lists of the admin as CSV: the rows that the list's filters and search leave, all pages of them.

Each download is in the admin's log, with the filters and the number of rows. Words that were
searched for are not: they are names, which would stay in the log after their owners have left.
"""

from collections.abc import Iterator

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR, SEARCH_VAR
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from .spreadsheets import csv_response

ROWS_AT_ONCE = 500
MAX_FILTERS = 200  # letters of them in the log


class ListAsCsv(admin.ModelAdmin):
    """Mixin for an admin whose list can be taken along; a subclass states the columns."""

    csv_name = ""  # of the file, before the date
    # Pairs of a heading, and a function from a row to the cell. English in any language: what one
    # of the staff has made to work with such a file works with those of all others.
    csv_columns: tuple = ()
    csv_related: tuple = ()  # for select_related

    def get_urls(self):
        view = self.admin_site.admin_view(self.csv_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_csv"
        return [path("csv/", view, name=name), *super().get_urls()]

    @method_decorator(require_safe)
    def csv_view(self, request):
        """Send the list as CSV, and record that it was taken along."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        as_list = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")
        request.GET = request.GET.copy()
        request.GET.pop(PAGE_VAR, None)
        try:
            rows = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect(f"{as_list}?{ERROR_FLAG}=1")
        if getattr(request, "bad_period", None):
            return redirect(f"{as_list}?{request.GET.urlencode()}")
        filename = f"{self.csv_name}-{timezone.localdate():%Y-%m-%d}.csv"
        if request.method == "GET":
            self.record(request, filename, rows.count())
        return csv_response(filename, self.csv_rows(rows.select_related(*self.csv_related)))

    def csv_rows(self, rows) -> Iterator[list]:
        """Yield the headings, and the cells of each row."""
        yield [heading for heading, _cell in self.csv_columns]
        with transaction.atomic():  # without one, a pool (pgbouncer) loses the rows after the first
            for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
                yield [cell(row) for _heading, cell in self.csv_columns]

    def record(self, request, filename: str, count: int) -> None:
        """Write into the admin's log who has taken how many rows along."""
        filters = {name: value for name, value in request.GET.items() if name != SEARCH_VAR}
        words = ", ".join(f"{name}={value}" for name, value in filters.items())[:MAX_FILTERS]
        if request.GET.get(SEARCH_VAR):
            words = f"{words}, a search" if words else "a search"
        LogEntry.objects.create(
            user=request.user,
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=filename,
            action_flag=CHANGE,
            change_message=f"Took along {count} rows as CSV ({words or 'all'}).",
        )


def moment(value) -> str:
    """Return a moment as a cell that spreadsheets take for one, in the time zone of the site."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M}" if value else ""


def yes_or_no(value) -> str:
    return "yes" if value else "no"


MEMBER_COLUMNS = (
    ("name", lambda user: user.profile.name),
    ("e-mail address", lambda user: user.shown_email),
    ("headline", lambda user: user.profile.headline),
    ("place", lambda user: user.profile.place),
    ("skills", lambda user: user.profile.skills),
    ("visibility", lambda user: user.profile.visibility),
    ("photo", lambda user: yes_or_no(user.profile.avatar)),
    ("resume", lambda user: yes_or_no(user.profile.resume)),
    ("active", lambda user: yes_or_no(user.is_active)),
    ("staff", lambda user: yes_or_no(user.is_staff)),
    ("joined", lambda user: moment(user.date_joined)),
    ("last log-in", lambda user: moment(user.last_login)),
    ("leaves", lambda user: moment(user.leaves_at)),
)


class MembersAsCsv(ListAsCsv):
    """The members' list, with what the staff see of each in the list and at the account."""

    csv_name = "members"
    csv_columns = MEMBER_COLUMNS
    csv_related = ("profile",)
