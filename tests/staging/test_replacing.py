"""Rows that are replaced, a batch after the other."""

import pytest

from portal.staging import replacing
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db


def test_each_row_comes_once_in_whatever_order_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(replacing, "ROWS_AT_ONCE", 2)
    for number in range(5):
        make_member(f"m{number}@example.org")

    for rows in (Profile.objects.order_by("-pk"), Profile.objects.order_by("name")):
        batches = list(replacing.batches(rows))

        assert [len(batch) for batch in batches] == [2, 2, 1]
        keys = [row.pk for batch in batches for row in batch]
        assert keys == sorted(Profile.objects.values_list("pk", flat=True))
