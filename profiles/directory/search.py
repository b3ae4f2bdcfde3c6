"""The search: everybody who has all the words, or else those whose words are nearly the same.

A search reads only the text of the viewer's audience: neither who is found nor the order depends
on what the viewer may not see. Both databases give the same answers, since the texts are folded,
and ranked here. No near word is shown anywhere, since it may be a hidden member's.
"""

from dataclasses import dataclass

from django.db.models import BooleanField, Exists, ExpressionWrapper, F

from .models import FINDABLE, DirectoryEntry, ProfileWord, WordDeletion
from .near import near_words
from .query import Query, word_pattern
from .ranking import ELSEWHERE, RESUME, near_score, score

MAX_FOUND = 1_000  # profiles; a name that has all the words is never left out for another text
MAX_NEAR = 200
ALPHABETICALLY = ("sort_key", "pk")
NEWEST_FIRST = ("-created_at", "-pk")
SOURCE, WORDS = "resume_text__source", "resume_text__words"


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
    words = WordDeletion.objects.all()
    if unfiltered is not None:
        words = words.exclude(Exists(unfiltered.filter(query.matches(f"entry__{text_field}"))))
        if for_members:
            words = words.exclude(Exists(having_in_resume(query, unfiltered)))
    return find_near(profiles, query, text_field, order, near_words(query.words, words))


def find_exact(profiles, query: Query, text_field: str, order) -> Found:
    """Find who has all the words in the texts, and for members who has them in the resume.

    Of too many, those who have them in the name come first, so that none is left out for another
    text, and nobody is looked for by a resume: a common word must not cost the more, the more
    profiles have it.
    """
    in_texts = query.matches(f"entry__{text_field}")
    in_name = ExpressionWrapper(query.matches("entry__name"), BooleanField()).desc()
    names_first = (in_name, *order) if order == ALPHABETICALLY else order
    found = rows_of(profiles.filter(in_texts), text_field, names_first)
    points = dict.fromkeys((row.pk for row in found), ELSEWHERE)
    if len(found) <= MAX_FOUND and text_field == "members":
        found += found_in_resumes(query, profiles.exclude(in_texts), order)
    if order == ALPHABETICALLY:
        found.sort(key=lambda row: (-score(query, row, points.get(row.pk, RESUME)), *row[:2]))
    else:
        found.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    return Found([row.pk for row in found[:MAX_FOUND]], is_capped=len(found) > MAX_FOUND)


def found_in_resumes(query: Query, profiles, order) -> list:
    """Read the first of the profiles that have all the words, some of them in the resume.

    Python compares the sources and looks for phrases, in a thousand texts at most: PostgreSQL
    would expect hardly any row to pass, and read the resumes of all members.
    """
    columns = ("resume", SOURCE, WORDS) if query.phrases else ("resume", SOURCE)
    rows = rows_of(having_in_resume(query, profiles), "members", order, *columns)
    return [
        row
        for row in rows
        if row.resume == getattr(row, SOURCE)
        and all(f" {phrase} " in getattr(row, WORDS) for phrase in query.phrases)
    ]


def having_in_resume(query: Query, profiles):
    return profiles.filter(FINDABLE, resume_text__words__has=query)


def rows_of(profiles, text_field: str, order, *more: str, most: int = MAX_FOUND + 1) -> list:
    """Read what ranking needs of the first profiles: keys, and the folded short texts."""
    columns = ("sort_key", "pk", "created_at", "entry__name", "entry__headline", "details", *more)
    rows = profiles.annotate(details=F(f"entry__{text_field}_details")).order_by(*order)
    return list(rows.values_list(*columns, named=True)[:most])


def find_near(profiles, query: Query, text_field: str, order, near) -> Found:
    """Find who has each of the words, or one that is at most one or two edits away from it.

    `near` has those words. Resumes are not looked into: among their words, most are near to one.
    """
    if not any(near.values()):
        return Found([])
    if query.phrases:
        profiles = profiles.filter(Query((), query.phrases).matches(f"entry__{text_field}"))
    for word in query.words:
        profiles = profiles.filter(pk__in=owners_of(word, near.get(word, {}), text_field))
    rows = rows_of(profiles, text_field, order, most=MAX_NEAR)
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
