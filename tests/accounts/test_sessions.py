"""Sessions: read by plain SQL, with Django's own rules."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from profiles.models import User
from tests.accounts.test_accounts import log_in

pytestmark = pytest.mark.django_db


def test_an_expired_session_logs_nobody_in(client, member):
    """The control: the same session a moment before it expires."""
    client.force_login(member)
    sessions = Session.objects.filter(pk=client.cookies["sessionid"].value)

    sessions.update(expire_date=timezone.now() + timedelta(seconds=30))
    assert client.get("/me/").status_code == 200

    sessions.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/me/").status_code == 302


def test_a_session_that_was_changed_is_empty(client, member):
    """Its data is signed."""
    client.force_login(member)
    sessions = Session.objects.filter(pk=client.cookies["sessionid"].value)
    sessions.update(session_data="x" + sessions.get().session_data)

    assert client.get("/me/").status_code == 302


def test_reading_a_session_is_one_query(client, member, django_assert_num_queries):
    client.force_login(member)

    with django_assert_num_queries(1):
        assert client.session["_auth_user_id"] == str(member.pk)


@pytest.mark.parametrize("kind", ["made up", "expired"])
def test_a_session_that_is_none_is_not_filled(client, member, kind):
    """Whoever had sent somebody the key would share the session that is logged in by it."""
    client.force_login(member)
    key = client.cookies["sessionid"].value
    Session.objects.all().update(expire_date=timezone.now() - timedelta(seconds=1))
    if kind == "made up":
        Session.objects.all().delete()

    client.post("/accounts/password/reset/", {"email": member.email})
    client.post("/language/de/")
    log_in(client, member.email)

    assert client.get("/me/").status_code == 200
    assert client.cookies["sessionid"].value != key


@pytest.mark.parametrize(
    ("cookie", "queries"),
    [
        (r'"\000\000\000\000\000\000\000\000"', 0),  # NUL, of which PostgreSQL makes an error
        ("ABCDEFGH", 0),
        ("é" * 32, 0),
        ("short", 0),
        ("a1" * 16, 1),
    ],
)
def test_a_cookie_that_is_no_key_is_not_looked_for(client, cookie, queries):
    """The control: a key that nobody has."""
    with CaptureQueriesContext(connection) as made:
        answer = client.get("/me/", headers={"cookie": f"sessionid={cookie}"})

    assert answer.status_code == 302
    assert sum("session_key" in query["sql"] for query in made) == queries


@pytest.mark.django_db(transaction=True)
def test_a_log_in_holds_no_transaction_while_it_hashes(client, member, monkeypatch):
    """It would lock the row of the throttle's counter for as long as that takes."""
    held = []
    check = User.check_password

    def noted(user, password):
        held.append(connection.in_atomic_block)
        return check(user, password)

    monkeypatch.setattr(User, "check_password", noted)

    log_in(client, member.email)

    assert client.get("/me/").status_code == 200
    assert held == [False]
