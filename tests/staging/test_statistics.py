"""The database's statistics after a scrub: they hold values of rows, also of deleted ones."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal.staging.planner import renew_statistics
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def most_common_names() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT most_common_vals FROM pg_stats WHERE tablename = 'profiles_profile'")
        return str(cursor.fetchall())


def test_frequent_values_of_deleted_rows_are_not_kept():
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    for number in range(8):
        make_member(f"m{number}@example.org", name="Zuzanna Wisniewska")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE profiles_profile")
    assert "Wisniewska" in most_common_names()
    Profile.objects.exclude(user__email="m0@example.org").delete()
    Profile.objects.update(name="Nobody")

    with CaptureQueriesContext(connection) as queries:
        renew_statistics()

    assert "Wisniewska" not in most_common_names()
    clears, texts = connection.pg_version >= 180_000, [query["sql"] for query in queries]
    assert any("pg_clear_attribute_stats" in text for text in texts) == clears
    analysed = {text for text in texts if text.startswith("ANALYZE")}
    tables = connection.introspection.table_names()
    assert analysed == {f'ANALYZE "{table}"' for table in tables}


def test_a_file_of_sqlite_has_none(django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(connection, "vendor", "sqlite")

    with django_assert_num_queries(0):
        renew_statistics()
