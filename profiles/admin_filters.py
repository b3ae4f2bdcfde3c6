"""Filters of the members' list in the admin."""

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.utils.translation import gettext_lazy as _


class HasFileFilter(admin.SimpleListFilter):
    """Filters members by whether they have a file; a subclass names the field of the profile."""

    field = ""

    def lookups(self, request, model_admin):
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request, queryset):
        missing = {f"profile__{self.field}": ""}
        if self.value() == "yes":
            return queryset.exclude(**missing)
        if self.value() == "no":
            return queryset.filter(**missing)
        return queryset


class LeavingFilter(admin.SimpleListFilter):
    """Filters members by whether they are leaving; named as Django's own filter would be."""

    title = _("leaving")
    parameter_name = "leaves_at__isempty"

    def lookups(self, request, model_admin):
        return [("0", _("Yes")), ("1", _("No"))]

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset
        if self.value() not in {"0", "1"}:
            raise IncorrectLookupParameters
        return queryset.filter(leaves_at__isnull=self.value() == "1")


class HasAvatarFilter(HasFileFilter):
    title = _("photo")
    parameter_name = "avatar"
    field = "avatar"


class HasResumeFilter(HasFileFilter):
    title = _("resume")
    parameter_name = "resume"
    field = "resume"
