"""Filters of the members' list in the admin."""

from django.contrib import admin
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


class HasAvatarFilter(HasFileFilter):
    title = _("has an avatar")
    parameter_name = "avatar"
    field = "avatar"


class HasResumeFilter(HasFileFilter):
    title = _("has a resume")
    parameter_name = "resume"
    field = "resume"
