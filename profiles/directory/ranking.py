"""Who comes first: points for where a word was found, and for how nearly."""

from .indexing import joined
from .query import SHORT, Query

WHOLE_NAME = 1_000
WHOLE_WORD, START, INSIDE = 100, 60, 30  # of the name
HEADLINE_START, HEADLINE_INSIDE = 40, 20
DETAIL_START, DETAIL_INSIDE = 25, 10  # of a skill or the place
ELSEWHERE = 3  # of what the viewer may see of the profile
RESUME = 1
EACH_EDIT = 0.3  # of the points for a word
SAME_FIRST_LETTER = 5
SAME_LENGTH = 10


def score(query: Query, row, elsewhere: float) -> float:
    """Return the points of a profile for all words and phrases; `row` has its folded texts.

    `elsewhere` are the points for a word that is in none of them.
    """
    parts = [*query.words, *query.phrases]
    points = sum(word_score(part, row, elsewhere) for part in parts)
    is_whole_name = sorted(row.name.split()) == sorted(" ".join(parts).split())
    return points + WHOLE_NAME * is_whole_name


def word_score(word: str, row, elsewhere: float = ELSEWHERE) -> float:
    name, headline, details = row.name, row.headline, row.details
    inside = len(word) > SHORT  # a shorter one was looked for at the start of words alone
    if f" {word} " in name:
        return WHOLE_WORD
    if f" {word}" in name:
        return START
    if f" {word}" in headline:
        return HEADLINE_START
    if inside and word in name:
        return INSIDE
    if inside and word in headline:
        return HEADLINE_INSIDE
    if f" {word}" in details:
        return DETAIL_START
    if inside and word in details:
        return DETAIL_INSIDE
    return elsewhere


def near_score(query: Query, near: dict[str, dict[str, int]], row) -> float:
    """Return the points of a profile whose words are near to those of the query."""
    names, headline = row.name.split(), row.headline.split()
    details = row.details.split()
    names_and_pairs = {*names, *joined(row.name)}
    points = 0.0
    for word in query.words:
        edits = near.get(word, {})
        points += max(
            word_score(word, row),
            near_word_score(word, edits, names_and_pairs, WHOLE_WORD),
            near_word_score(word, edits, headline, HEADLINE_START),
            near_word_score(word, edits, details, DETAIL_START),
        )
    return points + SAME_LENGTH * (len(names) == len(query.words))


def near_word_score(word: str, near: dict[str, int], words, points: float) -> float:
    """Return the points for the nearest of some words."""
    return max(
        (
            points * (1 - EACH_EDIT * near[each]) + SAME_FIRST_LETTER * (each[0] == word[0])
            for each in words
            if each in near
        ),
        default=0,
    )
