"""Pages behind a pool such as pgbouncer, which lends a connection for one transaction at a time.

What they read by a cursor is read in a transaction: one that outlives it would be cut off.
"""

import pytest
from django.db import connection

from profiles.privacy import archive

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such cursors"),
]


def open_cursors() -> list[tuple[bool]]:
    """Return, for each of Django's open cursors, whether it would outlive its transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE '_django%'")
        return cursor.fetchall()


def test_a_list_as_csv(client, staff):
    client.force_login(staff)
    lines = iter(client.get("/admin/profiles/user/csv/").streaming_content)
    mark, headings, row = (next(lines) for _ in range(3))

    assert open_cursors() == [(False,)]
    assert (mark, b"e-mail" in headings, b"staff" in row) == (b"\xef\xbb\xbf", True, True)
    assert list(lines) == []


def test_the_data_of_a_member(member, monkeypatch):
    found, shown = [], archive.shown

    def noting(value):
        found.extend(open_cursors())
        return shown(value)

    monkeypatch.setattr(archive, "shown", noting)

    archive.archive_of(member).close()

    assert set(found) == {(False,)}
