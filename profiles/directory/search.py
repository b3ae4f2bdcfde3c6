"""The search: everybody who has all the words, or else those whose words are nearly the same.

A search reads only the text of the viewer's audience: neither who is found nor the order depends
on what the viewer may not see. Both databases give the same answers, since the texts are folded,
and ranked here. No near word is shown anywhere, since it may be a hidden member's.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

from django.db.models import BooleanField, Exists, ExpressionWrapper, F, Q

from profiles.access import is_member
from profiles.models import Profile
from profiles.prepared import Prepared

from .models import FINDABLE, DirectoryEntry, ProfileWord, WordDeletion
from .near import near_words
from .query import Query, contains, word_pattern
from .ranking import ELSEWHERE, RESUME, near_score, score
from .words import words

MAX_FOUND = 1_000  # profiles; a name that has all the words is never left out for another text
MAX_NEAR = 200
MAX_PREPARED = 8  # words; a query of more, or with filters, is built for its one use
ALPHABETICALLY = ("sort_key", "pk")
NEWEST_FIRST = ("-created_at", "-pk")
OF_RESUMES = ("resume", "resume_text__source", "resume_text__words")


@dataclass(frozen=True)
class Found:
    """Primary keys of profiles, in order."""

    pks: list[int]
    is_near: bool = False  # nobody has all the words: these have words that are nearly the same
    is_capped: bool = False  # there are more


class Row(NamedTuple):
    """A profile as ranking reads it: keys, and the folded short texts."""

    sort_key: str
    pk: int
    created_at: datetime
    name: str
    headline: str
    details: str
    resume: str = ""  # these of resumes alone
    source: str = ""
    words: str = ""


def search(user, text: str, *, order=ALPHABETICALLY, filters=None) -> Found:
    """Find who matches what was typed: the best first, or else in another order.

    `filters` narrow the profiles that the user may see. If any of them without the filters has all
    the words, near words would mislead.
    """
    query = Query.of(text)
    if not query:
        return Found([])
    text_field = "members" if is_member(user) else "everyone"
    found = find_exact(user, query, text_field, order, filters)
    if found.pks:
        return found
    visible, all_words = Profile.objects.visible_to(user), WordDeletion.objects.all()
    if filters:
        all_words = all_words.exclude(Exists(visible.filter(query.matches(f"entry__{text_field}"))))
        if text_field == "members":
            all_words = all_words.exclude(Exists(having_in_resume(visible, words(query))))
        visible = visible.filter(filters)
    return find_near(visible, query, text_field, order, near_words(query.words, all_words))


def find_exact(user, query: Query, text_field: str, order, filters) -> Found:
    """Find who has all the words in the texts, and for members who has them in the resume.

    Of too many, those who have them in the name come first, so that none is left out for another
    text, and nobody is looked for by a resume: a common word must not cost the more, the more
    profiles have it.
    """
    found = found_in_texts(user, query, text_field, order, filters)
    points = dict.fromkeys((row.pk for row in found), ELSEWHERE)
    if len(found) <= MAX_FOUND and text_field == "members":
        found += found_in_resumes(user, query, order, filters)
    if order == ALPHABETICALLY:
        found.sort(key=lambda row: (-score(query, row, points.get(row.pk, RESUME)), *row[:2]))
    else:
        found.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    return Found([row.pk for row in found[:MAX_FOUND]], is_capped=len(found) > MAX_FOUND)


def found_in_texts(user, query: Query, text_field: str, order, filters) -> list[Row]:
    """Read the first of the profiles that have all the words in the texts."""
    if is_prepared(query, filters):
        return rows(prepared_in_texts(text_field, order).rows(user, *query.parts))
    profiles = Profile.objects.visible_to(user).filter(filters or Q())
    return rows(in_texts(profiles, query.parts, text_field, order))


def found_in_resumes(user, query: Query, order, filters) -> list[Row]:
    """Read the first of the others that have all the words, some of them in the resume.

    Python compares the sources and looks for phrases, in a thousand texts at most: PostgreSQL
    would expect hardly any row to pass, and read the resumes of all members.
    """
    asked = words(query)
    if is_prepared(query, filters):
        starts = tuple(is_start for _, is_start in asked)
        prepared = prepared_in_resumes(starts, order, has_phrases=bool(query.phrases))
        found = prepared.rows(user, *(word for word, _ in asked), *query.parts)
    else:
        profiles = Profile.objects.visible_to(user).filter(filters or Q())
        found = in_resumes(profiles, asked, query.parts, order, has_phrases=bool(query.phrases))
    return [
        row
        for row in rows(found)
        if row.resume == row.source and all(f" {phrase} " in row.words for phrase in query.phrases)
    ]


def is_prepared(query: Query, filters) -> bool:
    return not filters and len(words(query)) <= MAX_PREPARED


@cache
def prepared_in_texts(text_field: str, order) -> Prepared:
    def build(user, *parts):
        return in_texts(Profile.objects.visible_to(user), parts, text_field, order)

    return Prepared(build)


@cache
def prepared_in_resumes(starts: tuple[bool, ...], order, *, has_phrases: bool) -> Prepared:
    def build(user, *texts):
        asked, parts = list(zip(texts, starts, strict=False)), texts[len(starts) :]
        profiles = Profile.objects.visible_to(user)
        return in_resumes(profiles, asked, parts, order, has_phrases=has_phrases)

    return Prepared(build)


def in_texts(profiles, parts, text_field: str, order):
    """Select the first who have all parts in the texts: by the alphabet, those in the name."""
    if order == ALPHABETICALLY:
        in_name = ExpressionWrapper(contains("entry__name", parts), BooleanField())
        order = (in_name.desc(), *order)
    return first_of(profiles.filter(contains(f"entry__{text_field}", parts)), text_field, order)


def in_resumes(profiles, asked, parts, order, *, has_phrases: bool):
    """Select the first who have the words in the resume, and not all parts in the texts."""
    others = having_in_resume(profiles.exclude(contains("entry__members", parts)), asked)
    return first_of(others, "members", order, *OF_RESUMES[: 3 if has_phrases else 2])


def having_in_resume(profiles, asked):
    return profiles.filter(FINDABLE, resume_text__words__has=asked)


def first_of(profiles, text_field: str, order, *more: str, most: int = MAX_FOUND + 1):
    """Select what ranking needs of the first profiles: the columns of Row."""
    columns = ("sort_key", "pk", "created_at", "entry__name", "entry__headline", "details", *more)
    found = profiles.annotate(details=F(f"entry__{text_field}_details")).order_by(*order)
    return found.values_list(*columns)[:most]


def rows(found) -> list[Row]:
    return [Row(*each) for each in found]


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
    found = rows(first_of(profiles, text_field, order, most=MAX_NEAR))
    if order == ALPHABETICALLY:
        found.sort(key=lambda row: -near_score(query, near, row))
    return Found([row.pk for row in found], is_near=bool(found))


def owners_of(word: str, near: dict[str, int], text_field: str):
    """Select the ids of those who have a word, or part of a word, or a word that is near to it."""
    has_it = DirectoryEntry.objects.filter(**{f"{text_field}__contains": word_pattern(word)})
    words = ProfileWord.objects.filter(word__in=near)
    if text_field == "everyone":
        words = words.filter(for_everyone=True)
    return has_it.values("pk").union(words.values("profile"))
