"""The cache in a table, from which nobody can evict the throttle's counters."""

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection

from tests.accounts.test_throttle import REFUSED, TRIES, attempt
from tests.conftest import PASSWORD, settings_for
from tests.support.deployed import ENVIRONMENT

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

OTHERS = 20_000


@pytest.fixture
def shared_cache(settings):
    """The cache of a deployed site."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    settings.CACHES = settings_for(ENVIRONMENT)["CACHES"]
    call_command("createcachetable", verbosity=0)
    cache.clear()
    return cache


def write_others(expires: str) -> None:
    """Write entries of which half come before the throttle's own in the order of keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO portal_cache SELECT"
            " CASE number %% 2 WHEN 0 THEN ':1:aaa' ELSE ':1:zzz' END || number, value,"
            " now() + %s::interval FROM portal_cache, generate_series(1, %s) AS number"
            " WHERE cache_key = ':1:other'",
            [expires, OTHERS],
        )


def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache")
        return cursor.fetchone()[0]


def test_twenty_thousand_other_entries_evict_no_counter(shared_cache, member):
    """A11: whoever fails somewhere else as often as possible does not get new tries here."""
    for _ in range(TRIES):
        attempt(member.email, "wrong")
    shared_cache.set("other", 1)
    write_others("5 minutes")
    for number in range(20):
        shared_cache.set(f"another-{number}", number)

    assert REFUSED in attempt(member.email, PASSWORD)
    assert attempt(member.email, PASSWORD, seen="192.0.2.1") == ""  # the control
    assert count() > OTHERS


def test_expired_entries_are_deleted_by_the_writes_that_follow(shared_cache, member):
    """A11: so that an attack leaves nothing behind, without any job."""
    shared_cache.set("other", 1)
    write_others("-1 minute")

    for number in range(OTHERS // 1_000 + 1):
        shared_cache.set(f"another-{number}", number)

    assert count() < 1_100
    assert shared_cache.get("other") == 1
    assert shared_cache.get("another-0") == 0


def test_a_write_deletes_only_so_much_that_nobody_waits_for_it(shared_cache):
    shared_cache.set("other", 1)
    write_others("-1 minute")

    shared_cache.set("another", 1)

    assert count() > OTHERS - 1_100


def test_no_entry_lasts_longer_than_the_longest_limit(shared_cache, member, client):
    """This limits the table: entries that an attack writes expire within five minutes."""
    for _ in range(TRIES + 1):
        attempt(member.email, "wrong")
    client.post("/accounts/password/reset/", {"email": member.email})

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(expires) <= clock_timestamp() + interval '5 minutes' FROM portal_cache"
        )
        assert cursor.fetchone()[0]
    assert count()
