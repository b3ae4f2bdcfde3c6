"""The throttle of the log-in: how many attempts it allows, and whom it refuses."""

import time

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from portal.accounts.throttle import in_words
from tests.conftest import PASSWORD, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

LOGIN = "/accounts/login/"
TRIES = 5  # wrong passwords in five minutes, for one address from one client
COOL_OFF_SECONDS = 5 * 60
ATTACKER, VICTIM = "198.51.100.66", "203.0.113.7"
REFUSED = "Too many failed login attempts"


@pytest.fixture
def on_heroku(settings):
    """One proxy is trusted: the router, which adds whom it sees at the end of X-Forwarded-For."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1


def attempt(email, password, forwarded=None, seen=VICTIM) -> str:
    """Return the error that a new visitor reads after a log-in; "" if it succeeds."""
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    response = Client().post(
        LOGIN, {"login": email, "password": password}, headers=headers, REMOTE_ADDR=seen
    )
    return "" if response.status_code == 302 else response.content.decode()


def test_the_cool_off_frees(member, monkeypatch):
    """A7."""
    for _ in range(TRIES):
        attempt(member.email, "wrong")
    assert REFUSED in attempt(member.email, PASSWORD)

    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + COOL_OFF_SECONDS + 1)

    assert attempt(member.email, PASSWORD) == ""


def test_capitals_in_an_address_start_no_new_count(member):
    for number in range(TRIES):
        attempt(member.email[:number].upper() + member.email[number:], "wrong")

    assert REFUSED in attempt(member.email, PASSWORD)


def test_addresses_that_a_client_makes_up_do_not_help(on_heroku, member):
    """A8: the router's own word comes last, whatever the client has put before it."""
    for number in range(TRIES):
        attempt(member.email, "wrong", f"192.0.2.{number}, {ATTACKER}")

    assert REFUSED in attempt(member.email, PASSWORD, f"192.0.2.99, {ATTACKER}")
    assert attempt(member.email, PASSWORD, f"{ATTACKER}, {VICTIM}") == ""  # the control


def test_without_a_trusted_proxy_the_header_does_not_count(member):
    """A8."""
    for number in range(TRIES):
        attempt(member.email, "wrong", f"192.0.2.{number}", seen=ATTACKER)

    assert REFUSED in attempt(member.email, PASSWORD, "192.0.2.99", seen=ATTACKER)
    assert attempt(member.email, PASSWORD, ATTACKER, seen=VICTIM) == ""  # the control


def test_trying_many_addresses_is_throttled_too(on_heroku):
    """A8: ten failures a minute from one client, whomever it claims to be and asks for."""
    for number in range(10):
        attempt(f"nobody{number}@example.org", "wrong", f"192.0.2.{number}, {ATTACKER}")

    assert REFUSED in attempt("nobody@example.org", "wrong", f"192.0.2.99, {ATTACKER}")


def test_nobody_can_lock_out_somebody_else(on_heroku, member):
    """A9: who fails on purpose is throttled alone."""
    make_member("grace@example.org")
    for _ in range(TRIES + 1):
        attempt(member.email, "wrong", ATTACKER)

    assert REFUSED in attempt(member.email, PASSWORD, ATTACKER)
    assert attempt(member.email, PASSWORD, VICTIM) == ""
    assert attempt("grace@example.org", PASSWORD, ATTACKER) == ""


def test_addresses_of_one_network_do_not_help(member):
    """A8: whoever has an IPv6 address has 2 to the 64 of them."""
    for number in range(TRIES):
        attempt(member.email, "wrong", seen=f"2001:db8:0:1::{number}")

    assert REFUSED in attempt(member.email, PASSWORD, seen="2001:db8:0:1::99")
    assert attempt(member.email, PASSWORD, seen="2001:db8:0:2::99") == ""  # the control


def test_clients_that_a_socket_for_ipv6_sees_are_told_apart(member):
    """A9: it shows IPv4 addresses as those of one network."""
    for number in range(10):
        attempt(f"nobody{number}@example.org", "wrong", seen=f"::ffff:{ATTACKER}")

    assert REFUSED in attempt(member.email, PASSWORD, seen=f"::ffff:{ATTACKER}")
    assert attempt(member.email, PASSWORD, seen=f"::ffff:{VICTIM}") == ""
    assert UserSession.objects.get().ip == VICTIM


def test_a_throttled_log_in_says_for_how_long(member):
    for _ in range(TRIES):
        attempt(member.email, "wrong")

    assert "Please wait 5 minutes, then try again" in attempt(member.email, PASSWORD)


def test_the_wait_that_pages_name_follows_the_limits(client, settings):
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/10m/ip"}

    for _ in range(2):
        answer = client.post("/accounts/password/reset/", {"email": "nobody@example.org"})

    assert "Please wait 10 minutes" in answer.content.decode()
    assert answer["Retry-After"] == "600"


def test_ports_that_a_client_makes_up_do_not_help(member, settings):
    """A8: Django ignores the port of Host when it compares with ALLOWED_HOSTS."""
    for number in range(TRIES):
        data = {"login": member.email, "password": "wrong"}
        Client().post(LOGIN, data, headers={"host": f"testserver:{8000 + number}"})

    assert REFUSED in attempt(member.email, PASSWORD, seen="127.0.0.1")
    assert attempt(member.email, PASSWORD, seen=VICTIM) == ""  # the control


def test_what_is_asked_too_often_is_answered_by_a_page_of_the_site(client):
    for _ in range(20):
        answer = client.post("/accounts/password/reset/", {"email": "nobody@example.org"})

    page = answer.content.decode()
    assert answer.status_code == 429
    assert "Please wait 1 minute, then try again" in page
    assert answer["Retry-After"] == "60"
    assert "<footer" in page


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(20, "1 minute"), (60, "1 minute"), (61, "2 minutes"), (300, "5 minutes")],
)
def test_a_wait_is_said_in_whole_minutes_that_are_enough(seconds, words):
    assert in_words(seconds) == words
