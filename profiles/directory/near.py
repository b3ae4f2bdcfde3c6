"""Words with typos: which words of the members are one or two edits away from a word.

Two words are at most two edits apart only if both become the same by deleting at most two letters
from each; so each word is stored with all that deletions leave of it, and looked up by the same.
The first seven letters suffice for that, which bounds the rows of a long word at 29.
"""

from collections.abc import Iterable
from itertools import combinations

from rapidfuzz.distance import OSA

MIN_LETTERS, MAX_LETTERS = 3, 30
FIRST_LETTERS = 7
MAX_WORDS_OF_QUERY = 8


def can_be_near(word: str) -> bool:
    """Return True for words of letters; numbers are right or wrong, and short words near to all."""
    return MIN_LETTERS <= len(word) <= MAX_LETTERS and word.isalpha()


def max_edits(word: str) -> int:
    return 1 if len(word) < 5 else 2


def deletions(word: str) -> set[str]:
    """Return the start of a word, with up to as many letters deleted as it may have edits."""
    start = word[:FIRST_LETTERS]
    return {
        "".join(letters)
        for deleted in range(max_edits(word) + 1)
        for letters in combinations(start, len(start) - deleted)
    }


def near_words(words: Iterable[str], deletions_of_all) -> dict[str, dict[str, int]]:
    """Return, for each word, the members' words near it, with the number of edits between them.

    An edit adds, deletes or changes a letter, or swaps two neighbours.
    """
    words = [word for word in words if can_be_near(word)][:MAX_WORDS_OF_QUERY]
    rests = set().union(*map(deletions, words))
    candidates = set(deletions_of_all.filter(rest__in=rests).values_list("word", flat=True))
    return {word: nearest(word, candidates) for word in words}


def nearest(word: str, candidates: set[str]) -> dict[str, int]:
    most = max_edits(word)
    edits = {each: OSA.distance(word, each, score_cutoff=most) for each in candidates}
    return {each: count for each, count in edits.items() if count <= most}
