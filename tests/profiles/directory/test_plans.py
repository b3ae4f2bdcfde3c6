"""PostgreSQL finds a rare word by an index, and counts no further than it has to."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from profiles.directory.paging import MAX_COUNTED
from profiles.directory.search import ALPHABETICALLY, search
from profiles.directory.tags import has_tag, suggestions
from profiles.directory.views import PROFILES_PER_PAGE
from profiles.models import Profile, User
from tests.conftest import make_member

from .people import USUAL, settle

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.whole,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL"),
]

RARE = {
    "a name": ("hrebicek", "profiles_directoryentry_members_trgm"),
    "part of a name": ("rebice", "profiles_directoryentry_members_trgm"),
    "a word of a bio": ("theodolite", "profiles_directoryentry_members_trgm"),
    "a phrase": ('"tide gauges"', "profiles_directoryentry_members_trgm"),
    "a typo": ("tesfamaryam", "deletion_once"),
    "a name and a typo": ("linh ngyuen", "deletion_once"),
    "a word of a resume": ("velocimetry", "profiles_resumetext_words_vector"),
    "a name and a word of a resume": ("samuel velocimetry", "profiles_resumetext_words_vector"),
    "a phrase of a resume": ('"image velocimetry"', "profiles_resumetext_words_vector"),
}


@pytest.fixture
def society(db):
    """Members of whom all have a resume: with few of them, reading all would be right."""
    settle(USUAL)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE profiles_profile SET resume = 'resumes/' || id || '.pdf' WHERE resume = ''"
        )
        cursor.execute(
            "INSERT INTO profiles_resumetext (profile_id, source, text, words)"
            " SELECT id, resume, '', ' university ' || (SELECT string_agg(md5(n::text), ' ')"
            " FROM generate_series(1, 20) n) || ' ' || md5(id::text) || ' '"
            " FROM profiles_profile ON CONFLICT DO NOTHING"
        )
    reader = make_member("reader@example.org")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        # As for rows in memory; else 5,000 are too few for an index to be worth its while.
        cursor.execute("SET LOCAL random_page_cost = 1.1")
    return reader


def test_a_rare_word_is_found_by_an_index_in_few_queries(society):
    """The control: a query without any condition."""
    visible = Profile.objects.visible_to(society)

    for kind, (text, index) in RARE.items():
        with CaptureQueriesContext(connection) as queries:
            assert len(search(society, text).pks) == 1, kind
        plans = [plan(query["sql"]) for query in queries.captured_queries]
        assert len(plans) <= 4, kind
        assert index in "\n".join(plans), kind
        assert "Seq Scan" not in "\n".join(plans), kind

    filtered = visible.filter(has_tag("skill", "Fortran", for_members=True))
    with CaptureQueriesContext(connection) as queries:
        assert len(filtered.order_by(*ALPHABETICALLY)[:24]) == 1
        assert suggestions(visible, "skill", "fortr", for_members=True) == ["Fortran"]
    for query in queries.captured_queries:
        assert "profile_by_tag" in plan(query["sql"])
        assert "Seq Scan" not in plan(query["sql"])
    with_resume = visible.filter(~Q(resume="")).order_by(*ALPHABETICALLY)[:24]
    assert "profile_with_resume" in with_resume.explain()

    assert "Seq Scan" in plan("SELECT * FROM profiles_resumetext")


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())


def test_a_page_of_the_list_and_its_count_do_not_walk_the_members(client):
    """The control: a count without a limit walks them."""
    users = User.objects.bulk_create(User(email=f"{each}@example.org") for each in range(4_000))
    Profile.objects.bulk_create(Profile(user=user, name="A", sort_key="a") for user in users)
    reader = make_member("reader@example.org")
    client.force_login(reader)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL random_page_cost = 1.1")  # as for rows in memory

    with CaptureQueriesContext(connection) as queries:
        client.get("/members/")

    page, count = (query["sql"] for query in queries.captured_queries[-2:])
    assert most_rows(page) <= PROFILES_PER_PAGE
    assert MAX_COUNTED < most_rows(count) <= MAX_COUNTED + 1
    with CaptureQueriesContext(connection) as queries:
        Profile.objects.visible_to(reader).count()
    assert most_rows(queries.captured_queries[0]["sql"]) > 4_000


def most_rows(sql: str) -> float:
    """Return the most rows that a step of the query reads, sorts or passes on."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
        [[[found]]] = cursor.fetchall()
    steps, most = [found["Plan"]], 0
    while steps:
        step = steps.pop()
        most = max(most, step["Actual Rows"] * step["Actual Loops"])
        steps += step.get("Plans", [])
    return most
