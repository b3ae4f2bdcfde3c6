"""Sessions: read by plain SQL, with Django's own rules."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.sessions import SessionStore
from profiles.models import User
from tests.accounts.test_accounts import log_in
from tests.conftest import PASSWORD, make_member

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


@pytest.fixture
def at_two_places(client, member, settings):
    """A member who was logged in at two browsers when the site got a new SECRET_KEY."""
    elsewhere = Client()
    for each in (client, elsewhere):
        log_in(each, member.email)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, of at least thirty-two characters"
    return client, elsewhere


def test_a_new_secret_key_ends_no_session(at_two_places, settings):
    for each in at_two_places:
        assert each.get("/me/").status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    for each in at_two_places:
        assert each.get("/me/").status_code == 200


def test_dynos_that_accept_the_new_secret_key_share_sessions_with_those_that_sign_by_it(
    at_two_places, settings
):
    """While one is restarted after the other. The control: dynos that have not heard of it."""
    here, elsewhere = at_two_places
    new, [former] = settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS
    for each in (here, elsewhere):
        assert each.get("/me/").status_code == 200

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = former, [new]
    assert here.get("/me/").status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    assert elsewhere.get("/me/").status_code == 302


def test_a_new_secret_key_without_the_former_ends_all(at_two_places, settings):
    settings.SECRET_KEY_FALLBACKS = []

    for each in at_two_places:
        assert each.get("/me/").status_code == 302


@pytest.mark.parametrize("does", ["looks at the list of sessions", "logs in once more"])
def test_a_session_that_is_looked_at_under_a_new_secret_key_goes_on(at_two_places, member, does):
    """Django gives it another key; its browser would not be told."""
    here, elsewhere = at_two_places

    if does == "logs in once more":
        log_in(Client(), member.email)
    else:
        assert here.get("/accounts/sessions/").status_code == 200

    assert elsewhere.get("/me/").status_code == 200


def test_a_session_under_a_new_secret_key_can_still_be_ended_from_elsewhere(at_two_places):
    """Its key is another from then on, also in the record of it."""
    here, elsewhere = at_two_places
    former = elsewhere.cookies["sessionid"].value
    assert elsewhere.get("/me/").status_code == 200
    assert elsewhere.cookies["sessionid"].value != former

    here.post("/accounts/sessions/")

    assert here.get("/me/").status_code == 200
    assert elsewhere.get("/me/").status_code == 302
    assert UserSession.objects.count() == 1


def test_requests_at_once_under_a_new_secret_key_stay_one_session(at_two_places):
    """Of the tabs that a browser restores. One that has no record could not be ended."""
    here, _ = at_two_places
    former = here.cookies["sessionid"].value
    stores = [SessionStore(former) for _ in range(2)]
    for each in stores:
        assert each["_auth_user_id"]
        each.cycle_key()

    for each in stores:
        each.save()

    [key] = {each.session_key for each in stores}
    here.cookies["sessionid"] = key
    assert here.get("/me/").status_code == 200
    assert set(UserSession.objects.values_list("session_key", flat=True)) == set(
        Session.objects.values_list("pk", flat=True)
    )


def test_who_logs_in_at_once_from_the_same_session_as_somebody_else_has_another(member):
    """Or whoever has planted a session could take over the one that comes of it."""
    planted = SessionStore()
    planted["something"] = "waits"
    planted.save()
    stores = []
    for _ in range(2):
        store = SessionStore(planted.session_key)
        assert store["something"] == "waits"
        stores.append(store)

    for store, user in zip(stores, (member, make_member("other@example.org")), strict=True):
        store.cycle_key()
        store["_auth_user_hash"] = user.get_session_auth_hash()
        store.save()

    assert len({planted.session_key, *(store.session_key for store in stores)}) == 3
    assert not Session.objects.filter(pk=planted.session_key).exists()


def test_the_former_key_of_a_session_opens_nothing(client, member):
    """A log-in and a new password change it."""
    own_page = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate"}
    client.post("/me/edit/", {"name": "Ada"}, headers=own_page)  # kept in a visitor's session
    keys = [client.cookies["sessionid"].value]
    log_in(client, member.email)
    keys.append(client.cookies["sessionid"].value)
    new = "quite another passphrase"
    fields = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert client.post("/accounts/password/change/", fields).status_code == 302

    assert client.get("/me/").status_code == 200
    for key in keys:
        assert client.cookies["sessionid"].value != key
        former = Client(headers={"cookie": f"sessionid={key}"})
        assert former.get("/me/").status_code == 302
    assert UserSession.objects.get().session_key == client.cookies["sessionid"].value
