"""Filters of the members' list in the admin."""

from django.contrib import admin


class HasFileFilter(admin.SimpleListFilter):
    """Filters members by whether they have a file; a subclass names the field of the profile."""

    field = ""

    def lookups(self, request, model_admin):
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request, queryset):
        missing = {f"profile__{self.field}": ""}
        if self.value() == "yes":
            return queryset.exclude(**missing)
        if self.value() == "no":
            return queryset.filter(**missing)
        return queryset


class HasAvatarFilter(HasFileFilter):
    title = "has an avatar"
    parameter_name = "avatar"
    field = "avatar"


class HasResumeFilter(HasFileFilter):
    title = "has a resume"
    parameter_name = "resume"
    field = "resume"
