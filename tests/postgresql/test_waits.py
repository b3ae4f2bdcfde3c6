"""How long a query may wait, for whom, and what happens to a connection that gives no answer.

tests/site/test_database_faults.py stops a real server; here the parts are tried on any database.
"""

from types import SimpleNamespace

import psycopg
import pytest
from django.core.cache.backends.db import DatabaseCache
from django.db import OperationalError, connection, transaction
from psycopg.pq import TransactionStatus

from portal.postgresql.base import BoundedConnection, DatabaseWrapper
from portal.postgresql.cache import SharedCache
from portal.postgresql.middleware import is_limited, limit_waits, limited_waits
from portal.postgresql.release import release_connection
from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT


class Answers:
    """Stands in for psycopg's connection: notes each wait and what is done after it."""

    def __init__(self, monkeypatch):
        self.done, self.error, self.cancel_error = [], None, None
        self.status = TransactionStatus.ACTIVE
        monkeypatch.setattr(psycopg.Connection, "wait", self.wait)
        monkeypatch.setattr(psycopg.Connection, "cancel_safe", self.cancel_safe)
        monkeypatch.setattr(psycopg.Connection, "close", lambda *_: self.done.append("close"))
        monkeypatch.setattr(
            BoundedConnection, "pgconn", property(lambda _: self.as_libpq()), raising=False
        )
        self.connection = object.__new__(BoundedConnection)

    def as_libpq(self):
        return SimpleNamespace(transaction_status=self.status)

    def wait(self, gen, *args, timeout=None, **options):
        self.done.append((gen, timeout, options))
        if self.error:
            raise self.error
        return "answer"

    def cancel_safe(self, *, timeout):
        self.done.append(("cancel", timeout))
        if self.cancel_error:
            raise self.cancel_error


@pytest.fixture
def answers(monkeypatch):
    return Answers(monkeypatch)


def test_a_query_of_a_request_waits_for_as_long_as_the_settings_say(answers):
    """A command waits without a limit, and a wait that has one of its own keeps it."""
    answers.connection.answer_seconds = 10.0

    assert answers.connection.wait("command") == "answer"
    with limited_waits():
        answers.connection.wait("request")
        answers.connection.wait("own", timeout=0.5, interval=1)
    answers.connection.wait("afterwards")

    assert answers.done == [
        ("command", None, {}), ("request", 10.0, {}), ("own", 0.5, {"interval": 1}),
        ("afterwards", None, {}),
    ]  # fmt: skip
    assert BoundedConnection.answer_seconds is None


@pytest.mark.parametrize("cancel_error", [None, psycopg.OperationalError("frozen")])
def test_a_connection_without_an_answer_is_closed(answers, cancel_error):
    """D3: the server is asked to stop the query first, for a second, whether or not it can."""
    answers.connection.answer_seconds = 10.0
    answers.error, answers.cancel_error = psycopg.OperationalError("timeout"), cancel_error

    with limited_waits(), pytest.raises(psycopg.OperationalError) as raised:
        answers.connection.wait("request")

    assert str(raised.value) == "PostgreSQL did not answer within 10.0 seconds"
    assert raised.value.__cause__ is answers.error
    assert answers.done[1:] == [("cancel", 1), "close"]


@pytest.mark.parametrize("status", [s for s in TransactionStatus if s != TransactionStatus.ACTIVE])
def test_an_error_of_the_server_is_passed_on(answers, status):
    """It did answer, and the connection may be used again."""
    answers.status, answers.error = status, psycopg.OperationalError("too many clients")

    with pytest.raises(psycopg.OperationalError, match="too many clients"):
        answers.connection.wait("request")

    assert len(answers.done) == 1


@pytest.mark.parametrize(("option", "seconds"), [({"answer_timeout": "7"}, 7.0), ({}, None)])
def test_a_new_connection_has_the_limit_of_the_settings(monkeypatch, option, seconds):
    """libpq does not know the option; psycopg's class has no limit."""
    database = settings_for(ENVIRONMENT)["DATABASES"]["default"]
    options = {name: value for name, value in database["OPTIONS"].items() if "answer" not in name}
    usual = {
        "TIME_ZONE": None, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False, "AUTOCOMMIT": True,
        "ATOMIC_REQUESTS": False, "TEST": {},
    }  # fmt: skip
    wrapper = DatabaseWrapper(usual | database | {"OPTIONS": options | option})
    made = SimpleNamespace()
    monkeypatch.setattr(
        "django.db.backends.postgresql.base.DatabaseWrapper.get_new_connection",
        lambda self, parameters: made,
    )

    assert "answer_timeout" not in wrapper.get_connection_params()
    assert vars(wrapper.get_new_connection({})) == ({"answer_seconds": seconds} if seconds else {})
    assert wrapper.Database.connect == BoundedConnection.connect
    assert wrapper.Database.OperationalError is psycopg.OperationalError


def test_a_request_is_limited_until_it_is_answered_or_has_failed():
    limited = []

    def answer(request):
        limited.append(is_limited())
        if request == "fail":
            raise RuntimeError
        return "answer"

    assert not is_limited()
    assert limit_waits(answer)("request") == "answer"
    assert not is_limited()
    with pytest.raises(RuntimeError):
        limit_waits(answer)("fail")
    assert not is_limited()
    with pytest.raises(RuntimeError), limited_waits():
        raise RuntimeError
    assert not is_limited()
    assert limited == [True, True]


@pytest.mark.django_db(transaction=True)
def test_a_connection_is_released_before_long_work_but_not_within_a_transaction(monkeypatch):
    closed = []
    monkeypatch.setattr(connection, "close", lambda: closed.append("closed"))

    with transaction.atomic():
        release_connection()
    assert closed == []

    release_connection()
    assert closed == ["closed"]


@pytest.mark.parametrize(
    ("is_set", "read_only", "is_raised"),
    [(True, False, False), (True, True, False), (False, False, False), (False, True, True)],
)
def test_a_cache_that_takes_no_writes_says_so(monkeypatch, is_set, read_only, is_raised):
    """D5: the throttle would take a refused write for an attempt too many."""
    cache, given = SharedCache("portal_cache", {}), []
    monkeypatch.setattr(
        DatabaseCache, "_base_set", lambda self, *arguments: given.append(arguments) or is_set
    )
    monkeypatch.setattr(cache, "is_read_only", lambda: read_only)

    if is_raised:
        with pytest.raises(OperationalError, match="takes no changes"):
            cache.set("key", "value", 5)
    else:
        assert cache.add("key", "value", 5) == is_set
    assert given == [("set" if is_raised else "add", ":1:key", "value", 5)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
@pytest.mark.parametrize(("mode", "is_read_only"), [("READ WRITE", False), ("READ ONLY", True)])
def test_a_standby_is_told_from_a_primary(mode, is_read_only):
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET TRANSACTION {mode}")
        assert SharedCache("portal_cache", {}).is_read_only() == is_read_only
