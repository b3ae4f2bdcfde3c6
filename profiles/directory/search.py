"""The search: everybody who has all the words, or else those whose words are nearly the same.

A search reads only the text of the viewer's audience: neither who is found nor the order depends
on what the viewer may not see. Both databases give the same answers, since the texts are folded,
and ranked here. No near word is shown anywhere, since it may be a hidden member's.
"""

from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q

from .models import DirectoryEntry, ProfileWord, ResumeText, WordDeletion
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
    if unfiltered is not None and who_has(query, text_field, unfiltered, order, 1).exists():
        return found
    return find_near(profiles, query, text_field, order)


def find_exact(profiles, query: Query, text_field: str, order) -> Found:
    """Find who has all the words. If too many have, those who have them in the name come first."""
    who = who_has(query, text_field, profiles, order, MAX_FOUND + 1)
    rows = rows_of(who, text_field, order, 2 * MAX_FOUND)
    is_capped = len(rows) > MAX_FOUND
    if order == ALPHABETICALLY:
        if is_capped:
            named = profiles.filter(query.matches("entry__name"))
            first = rows_of(named, text_field, order, MAX_FOUND)
            rows = {row.pk: row for row in [*first, *rows]}.values()
        rows = sorted(rows, key=lambda row: (-score(query, row), row.sort_key, row.pk))
    return Found([row.pk for row in rows[:MAX_FOUND]], is_capped=is_capped)


def who_has(query: Query, text_field: str, profiles, order, most: int):
    """Select those of the profiles that have all the words: the first so many in this order.

    For members, and the first so many who have some or all of the words in their resume. Each half
    is limited where it is found: a common word must not cost more the more profiles have it.
    """
    matching = profiles.filter(query.matches(f"entry__{text_field}"))
    in_texts = profiles.model.objects.filter(pk__in=first(matching, order, most))
    if text_field == "everyone":
        return in_texts
    searched = profiles.filter(resume_is_searched=True, resume_text__words__has=query)
    in_resumes = ResumeText.objects.findable().filter(pk__in=first(searched, order, most))
    return profiles.model.objects.filter(
        pk__in=in_texts.values("pk").union(in_resumes.values("pk"))
    )


def first(profiles, order, most: int):
    return profiles.order_by(*order).values("pk")[:most]


def rows_of(profiles, text_field: str, order, most: int) -> list:
    """Read what ranking needs of the first profiles: keys and folded texts."""
    rows = profiles.filter(entry__isnull=False).annotate(seen=F(f"entry__{text_field}"))
    columns = ("pk", "sort_key", "entry__name", "entry__headline", "seen")
    return list(rows.order_by(*order).values_list(*columns, named=True)[:most])


def find_near(profiles, query: Query, text_field: str, order) -> Found:
    """Find who has each of the words, or one that is at most one or two edits away from it.

    For members, a resume may have some of the words, as they were typed.
    """
    near = near_words(query.words, WordDeletion.objects.all())
    if not any(near.values()):
        return Found([])
    if query.phrases:
        profiles = profiles.filter(Query((), query.phrases).matches(f"entry__{text_field}"))
    owners = [owners_of(word, near.get(word, {}), text_field) for word in query.words]
    in_resume = [Q()] * len(owners)
    if text_field == "members" and len(owners) > 1:
        profiles = profiles.filter(pk__in=owners[0].union(*owners[1:]))
        in_resume = [Q(Exists(resume_with(word))) for word in query.words]
    for pks, has_it_there in zip(owners, in_resume, strict=True):
        profiles = profiles.filter(Q(pk__in=pks) | has_it_there)
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


def resume_with(word: str):
    resumes = ResumeText.objects.findable().filter(profile=OuterRef("pk"))
    return resumes.filter(words__has=Query((word,), ()))
