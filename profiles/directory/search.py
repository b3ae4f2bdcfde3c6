"""The search: everybody who has all the words, or else those whose words are nearly the same.

A search reads only the text of the viewer's audience: neither who is found nor the order depends
on what the viewer may not see. Both databases give the same answers, since the texts are folded,
and ranked here. No near word is shown anywhere, since it may be a hidden member's.
"""

from dataclasses import dataclass

from django.db.models import F

from .models import DirectoryEntry, ProfileWord, WordDeletion
from .near import near_words
from .query import Query, word_pattern
from .ranking import near_score, score

MAX_FOUND = 1_000  # profiles; a name that has all the words is never left out for another text
MAX_NEAR = 200
ALPHABETICALLY = ("sort_key", "pk")
NEWEST_FIRST = ("-created_at", "-pk")


@dataclass(frozen=True)
class Found:
    """Primary keys of profiles, in order."""

    pks: list[int]
    is_near: bool = False  # nobody has all the words: these have words that are nearly the same
    is_capped: bool = False  # there are more


def search(profiles, text: str, *, for_members: bool, order=ALPHABETICALLY, unfiltered=None):
    """Find which of the profiles match what was typed: the best first, or else in another order.

    `profiles` are those that the viewer may see and has filtered. `unfiltered` are they without
    the filters: if any of them has all the words, near words would mislead.
    """
    query = Query.of(text)
    if not query:
        return Found([])
    text_field = "members" if for_members else "everyone"
    found = find_exact(profiles, query, text_field, order)
    if found.pks:
        return found
    if unfiltered is not None and unfiltered.filter(query.matches(f"entry__{text_field}")).exists():
        return found
    return find_near(profiles, query, text_field, order)


def find_exact(profiles, query: Query, text_field: str, order) -> Found:
    """Find who has all the words. If too many have, those who have them in the name come first."""
    having_all = profiles.filter(query.matches(f"entry__{text_field}"))
    rows = rows_of(having_all, text_field, order, MAX_FOUND + 1)
    is_capped = len(rows) > MAX_FOUND
    if order == ALPHABETICALLY:
        if is_capped:
            having_name = profiles.filter(query.matches("entry__name"))
            named = rows_of(having_name, text_field, order, MAX_FOUND)
            rows = {row.pk: row for row in [*named, *rows]}.values()
        rows = sorted(rows, key=lambda row: (-score(query, row), row.sort_key, row.pk))
    return Found([row.pk for row in rows[:MAX_FOUND]], is_capped=is_capped)


def rows_of(profiles, text_field: str, order, count: int) -> list:
    """Read what ranking needs of the first profiles: keys, and the folded short texts."""
    columns = ("pk", "sort_key", "entry__name", "entry__headline", "details")
    rows = profiles.annotate(details=F(f"entry__{text_field}_details")).order_by(*order)
    return list(rows.values_list(*columns, named=True)[:count])


def find_near(profiles, query: Query, text_field: str, order) -> Found:
    """Find who has each of the words, or one that is at most one or two edits away from it."""
    near = near_words(query.words, WordDeletion.objects.all())
    if not any(near.values()):
        return Found([])
    if query.phrases:
        profiles = profiles.filter(Query((), query.phrases).matches(f"entry__{text_field}"))
    for word in query.words:
        profiles = profiles.filter(pk__in=owners_of(word, near.get(word, {}), text_field))
    rows = rows_of(profiles, text_field, order, MAX_NEAR)
    if order == ALPHABETICALLY:
        rows.sort(key=lambda row: -near_score(query, near, row))
    return Found([row.pk for row in rows], is_near=True)


def owners_of(word: str, near: dict[str, int], text_field: str):
    """Select the ids of those who have a word, or part of a word, or a word that is near to it."""
    has_it = DirectoryEntry.objects.filter(**{f"{text_field}__contains": word_pattern(word)})
    words = ProfileWord.objects.filter(word__in=near)
    if text_field == "everyone":
        words = words.filter(for_everyone=True)
    return has_it.values("pk").union(words.values("profile"))
