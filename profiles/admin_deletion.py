"""The list on the page that asks before a member is deleted."""

from collections.abc import Iterable

from django.utils.text import capfirst

from .directory.models import DirectoryEntry, ProfileTag, ProfileWord, ResumeText

MADE_FOR_THE_SEARCH = (DirectoryEntry, ProfileTag, ProfileWord, ResumeText)


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
