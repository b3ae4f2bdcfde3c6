"""`make search`: what a search costs among ten times as many members, all of them with resumes."""

from time import perf_counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles.directory.search import search
from profiles.models import ResumeText
from tests.conftest import make_member

from .people import MEMBERS, USUAL, settle

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.whole,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL"),
    pytest.mark.skipif(MEMBERS <= USUAL, reason="make search does it"),
]

# How many times the cost may be; the marks of words that few have, and of those that many have.
FEW, MANY = 5, 10
TYPED = {
    "a name": ("jakub hrebicek", FEW),
    "a typo": ("hrebiczek", FEW),
    "a rare word of a resume": ("velocimetry", FEW),
    "part of a name": ("rebice", MANY),
    "a common surname": ("novak", MANY),
    "two letters": ("an", MANY),
    "a word of every resume": ("university", MANY),
    "a word of every tenth headline": ("roads", MANY),
    "a phrase of every resume": ('"university experience"', MANY),
}
ROUNDS = 9
MAX_QUERIES = 4  # and one for the page


def test_a_search_among_ten_times_as_many_costs_a_few_times_as_much_and_the_index_is_small():
    settle(MEMBERS // 10, with_resumes=True)
    reader = make_member("reader@example.org")
    few = costs(reader)
    settle(MEMBERS, already=MEMBERS // 10, with_resumes=True)
    many = costs(reader)

    ratios = {kind: many[kind] / few[kind] for kind in TYPED}
    for kind, ratio in ratios.items():
        print(f"{kind}: {few[kind]:.1f} ms, {many[kind]:.1f} ms, {ratio:.1f} times")
    assert {kind for kind, ratio in ratios.items() if ratio > TYPED[kind][1]} == set()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_relation_size('profiles_resumetext_words_vector'), SUM(LENGTH(text))"
            " FROM profiles_resumetext"
        )
        index, texts = cursor.fetchone()
    print(f"{ResumeText.objects.count():,} texts: {texts / 1e6:.0f} MB, index {index / 1e6:.0f} MB")
    assert index <= texts / 3


def costs(reader) -> dict[str, float]:
    """Return the least of some times in milliseconds, for each kind of search."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {kind: cost(reader, text) for kind, (text, _) in TYPED.items()}


def cost(reader, text: str) -> float:
    with CaptureQueriesContext(connection) as queries:
        assert search(reader, text).pks
    assert len(queries) <= MAX_QUERIES, text
    times = []
    for _ in range(ROUNDS):
        began = perf_counter()
        search(reader, text)
        times.append(perf_counter() - began)
    return 1_000 * min(times)
