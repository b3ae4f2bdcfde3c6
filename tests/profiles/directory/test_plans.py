"""PostgreSQL finds a rare word by an index. `make search` asks the same of 100,000 members."""

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext

from profiles.directory.search import ALPHABETICALLY, search
from profiles.directory.tags import has_tag, suggestions
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

    filtered = visible.filter(has_tag("skill", "Fortran", for_members=True))
    with CaptureQueriesContext(connection) as queries:
        assert len(filtered.order_by(*ALPHABETICALLY)[:24]) == 1
        assert suggestions(visible, "skill", "fortr", for_members=True) == ["Fortran"]
    for query in queries.captured_queries:
        assert "profile_by_tag" in plan(query["sql"])
        assert "Seq Scan" not in plan(query["sql"])
    with_resume = visible.filter(~Q(resume="")).order_by(*ALPHABETICALLY)[:24]
    assert "profile_with_resume" in with_resume.explain()

    with CaptureQueriesContext(connection) as queries:
        assert len(search(visible, "roads", for_members=True).pks) > 100
    assert "Seq Scan" in plan(queries.captured_queries[0]["sql"])


def plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return "\n".join(row[0] for row in cursor.fetchall())
