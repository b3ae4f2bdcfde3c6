"""The log-in: what it reveals, its hashes and sessions, and the lengths that it accepts."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from profiles.models import User
from tests.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db

LOGIN, RESET = "/accounts/login/", "/accounts/password/reset/"
CHANGE, REAUTHENTICATE = "/accounts/password/change/", "/accounts/reauthenticate/"
LONGEST = settings.MAX_PASSWORD_CHARACTERS
HUGE = "x7" * 500_000  # 1 MB
TOO_LONG = "This password is too long."


class CountingHasher(hashers.MD5PasswordHasher):
    """A hasher that counts how often it is asked to hash, to compare or to set."""

    hashed = 0

    def encode(self, password, salt):
        type(self).hashed += 1
        return super().encode(password, salt)


@pytest.fixture
def hashes(settings):
    """Count hashes; what was hashed before, for the members of the test, does not count."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.hashed = 0

    def count() -> int:
        found, CountingHasher.hashed = CountingHasher.hashed, 0
        return found

    return count


def without_token(response) -> str:
    """The whole page, but for the CSRF token, which differs with each."""
    page, count = re.subn(r'(name="csrfmiddlewaretoken" value=")\w+', r"\1", response.text)
    assert count
    return page


@pytest.mark.parametrize("email", ["nobody@example.org", "left@example.org"])
def test_a_failed_log_in_answers_the_same_to_everyone_after_one_hash(hashes, member, email):
    """A1: unknown and inactive accounts as a wrong password; only the typed address differs."""
    make_member("left@example.org", is_active=False)
    answers = []
    for typed in (member.email, email):
        hashes()
        response = Client().post(LOGIN, {"login": typed, "password": "wrong"})
        page = without_token(response).replace(typed, "ADDRESS")
        page = page.replace(html.escape(typed).replace("@", "%40"), "ADDRESS")
        answers.append((response.status_code, page, sorted(response.headers), hashes()))

    assert answers[0] == answers[1]
    assert answers[0][0] == 200
    assert answers[0][-1] == 1


def test_the_right_password_of_an_inactive_account_costs_one_hash_too(hashes, member):
    """A1."""
    make_member("left@example.org", is_active=False)
    counts = []
    for typed in (member.email, "left@example.org"):
        hashes()
        Client().post(LOGIN, {"login": typed, "password": PASSWORD})
        counts.append(hashes())

    assert counts == [1, 1]


def test_the_key_of_a_session_changes_at_log_in(client, member):
    """A2: somebody who has planted a session in a browser does not share the member's."""
    session = client.session
    session["before"] = "the log-in"
    session.save()
    planted = client.cookies["sessionid"].value
    assert Session.objects.filter(session_key=planted).exists()

    client.post(LOGIN, {"login": member.email, "password": PASSWORD})

    key = client.cookies["sessionid"].value
    assert key != planted
    assert not Session.objects.filter(session_key=planted).exists()
    planter = Client()
    planter.cookies["sessionid"] = planted
    assert planter.get("/me/").status_code == 302
    assert client.get("/me/").status_code == 200


def reset_form(member) -> str:
    """The address of the form behind the link of a reset, which the session then opens."""
    key = default_token_generator.make_token(member)
    return reverse("account_reset_password_from_key", args=[user_pk_to_url_str(member), key])


def log_in(client, member, password):
    return client.post(LOGIN, {"login": member.email, "password": password})


def reauthenticate(client, member, password):
    client.force_login(member)
    return client.post(REAUTHENTICATE, {"password": password})


def change_to(client, member, password):
    client.force_login(member)
    data = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    return client.post(CHANGE, data)


def change_from(client, member, password):
    client.force_login(member)
    new = "quite another passphrase"
    data = {"oldpassword": password, "password1": new, "password2": new}
    return client.post(CHANGE, data)


def set_by_link(client, member, password):
    form = client.get(reset_form(member))["Location"]
    return client.post(form, {"password1": password, "password2": password})


WAYS = [log_in, reauthenticate, change_to, change_from, set_by_link]


@pytest.mark.parametrize("password", [HUGE, "x" * (LONGEST + 1)], ids=["1 MB", "1 more"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_long_password_is_refused_before_it_is_hashed(client, hashes, member, way, password):
    """A10: where a password is changed, the present one is compared first, as it should be."""
    hashes()
    response = way(client, member, password)

    assert response.status_code == 200
    assert TOO_LONG in response.text
    assert hashes() == (1 if way is change_to else 0)
    assert User.objects.get(pk=member.pk).check_password(PASSWORD)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_password_of_the_greatest_length_is_taken(client, member, way):
    """A10: the control of the one above."""
    longest = "x7" * (LONGEST // 2)
    if way not in (change_to, set_by_link):
        member.set_password(longest)
        member.save()

    assert way(client, member, longest).status_code == 302


def test_a_long_password_does_not_count_as_an_attempt(client, member):
    for _ in range(6):
        log_in(client, member, HUGE)

    assert log_in(client, member, PASSWORD).status_code == 302


def test_staff_cannot_set_a_long_password_either(client, staff, member, hashes):
    """A10: nor does any command, since the rule is one of AUTH_PASSWORD_VALIDATORS."""
    hashes()
    client.force_login(staff)
    form = f"/admin/profiles/user/{member.pk}/password/"
    if client.get(form).status_code == 404:
        pytest.skip("the admin has no form for passwords")

    response = client.post(form, {"usable_password": "true", "password1": HUGE, "password2": HUGE})

    assert TOO_LONG in response.text
    assert hashes() == 0


@pytest.mark.parametrize(
    ("address", "field", "others"),
    [
        (LOGIN, "login", {"password": PASSWORD}),
        (RESET, "email", {}),
    ],
)
def test_an_address_of_a_megabyte_is_refused_before_it_is_looked_up(
    client, hashes, address, field, others
):
    response = client.post(address, {field: f"{'x' * 1_000_000}@example.org", **others})

    assert response.status_code == 200
    assert "This address is longer than mail servers allow" in response.text
    assert hashes() == 0


def test_forgot_your_password_keeps_the_address_that_was_typed(client, member):
    page = client.post(LOGIN, {"login": "ada+x@example.org", "password": "wrong"}).text
    [link] = re.findall(r'<a href="([^"]+)">Forgot your password\?</a>', page)

    form = client.get(html.unescape(link))

    assert urlsplit(link).path == RESET
    assert parse_qs(urlsplit(html.unescape(link)).query) == {"email": ["ada+x@example.org"]}
    assert re.search(r'<input[^>]* name="email"[^>]* value="ada\+x@example\.org"', form.text)


@pytest.mark.parametrize("typed", ["", "x" * 1_000, '"><script>alert(1)</script>'])
def test_forgot_your_password_is_a_plain_link_whatever_was_typed(client, typed):
    page = client.post(LOGIN, {"login": typed, "password": "wrong"}).text

    [link] = re.findall(r'<a href="([^"]+)">Forgot your password\?</a>', page)
    assert len(link) < 200
    assert client.get(html.unescape(link)).status_code == 200
    assert "<script>alert" not in client.get(html.unescape(link)).text


def test_no_more_is_filled_in_than_an_address_can_have(client):
    page = client.get("/accounts/password/reset/", {"email": "a" * 10_000})

    assert page.context["form"].initial["email"] == "a" * 254
