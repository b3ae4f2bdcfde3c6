"""PostgreSQL finds a rare word by an index. `make search` asks the same of 100,000 members."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles.directory.search import search
from profiles.models import Profile
from tests.conftest import make_member

from .people import MEMBERS, settle

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
}


def test_a_rare_word_is_found_by_an_index_in_few_queries():
    """The control: a common word, for which reading all rows is right."""
    settle(MEMBERS)
    visible = Profile.objects.visible_to(make_member("reader@example.org"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    for kind, (text, index) in RARE.items():
        with CaptureQueriesContext(connection) as queries:
            assert len(search(visible, text, for_members=True).pks) == 1, kind
        plans = [plan(query["sql"]) for query in queries.captured_queries]
        assert len(plans) <= 3, kind
        assert index in "\n".join(plans), kind
        assert [each for each in plans if "Seq Scan" in each] == [], kind

    with CaptureQueriesContext(connection) as queries:
        assert len(search(visible, "roads", for_members=True).pks) > 100
    assert "Seq Scan" in plan(queries.captured_queries[0]["sql"])


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())
