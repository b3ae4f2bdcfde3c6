"""Deletion of members in the admin, and the list on the page that asks before it."""

from collections.abc import Iterable

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.text import capfirst

from .directory.models import DirectoryEntry, ProfileTag, ProfileWord, ResumeText
from .models import User
from .privacy.leaving import lock_superusers

MADE_FOR_THE_SEARCH = (DirectoryEntry, ProfileTag, ProfileWord, ResumeText)


class LeavesOneSuperuser(admin.ModelAdmin):
    """Mixin for the members' admin: of two superusers who delete each other at once, one stays."""

    def delete_model(self, request, obj):
        self.delete_queryset(request, User.objects.filter(pk=obj.pk))

    @transaction.atomic
    def delete_queryset(self, request, queryset):
        lock_superusers()
        rights = {"is_active": True, "is_superuser": request.user.is_superuser}
        if not User.objects.filter(pk=request.user.pk, **rights).exists():
            raise PermissionDenied  # somebody else was faster
        super().delete_queryset(request, queryset)


def without_search_rows(objects: Iterable, counts: dict) -> tuple[list, dict]:
    """Return the nested list and the counts without what is made of a profile for the search.

    These are dozens of rows for each member, one for each word of a text.
    """
    metas = [model._meta for model in MADE_FOR_THE_SEARCH]
    beginnings = tuple(f"{capfirst(meta.verbose_name)}: " for meta in metas)
    plurals = {meta.verbose_name_plural for meta in metas}
    kept = {plural: count for plural, count in counts.items() if plural not in plurals}
    return list(told(objects, beginnings)), kept


def told(objects: Iterable, beginnings: tuple[str, ...]):
    for each in objects:
        if not isinstance(each, list):
            if not each.startswith(beginnings):
                yield each
        elif inner := list(told(each, beginnings)):
            yield inner
