"""Accounts: by invitation, identified by e-mail address, with sessions that end in time."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from profiles.models import Profile, User
from tests.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def log_in(client, email, password=PASSWORD, **fields):
    return client.post(LOGIN, {"login": email, "password": password, **fields})


def is_logged_in(client) -> bool:
    return client.get(reverse("me")).status_code == 200


def test_a_member_logs_in_by_e_mail_address(client, member):
    response = log_in(client, "ADA@example.org")

    assert response.status_code == 302
    assert is_logged_in(client)


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org", "left@example.org"])
def test_a_failed_log_in_says_the_same_to_everyone(client, member, email):
    """A1: wrong password, unknown, inactive."""
    make_member("left@example.org", is_active=False)

    response = log_in(client, email, password="wrong")

    assert response.status_code == 200
    assert "The email address and/or password you specified are not correct." in (
        response.content.decode()
    )
    assert not is_logged_in(client)


def test_the_session_key_changes_at_log_in_and_ends_at_log_out(client, member):
    """A2."""
    log_in(client, member.email)
    cookie = client.cookies["sessionid"].value
    thief = Client()
    thief.cookies["sessionid"] = cookie
    assert is_logged_in(thief)

    client.post("/accounts/logout/")

    assert not is_logged_in(client)
    assert not is_logged_in(thief)
    assert not Session.objects.filter(session_key=cookie).exists()


@pytest.mark.parametrize("what", ["deactivated", "deleted", "password changed"])
def test_a_session_ends_with_what_it_stands_on(client, member, what):
    """A3."""
    log_in(client, member.email)
    assert is_logged_in(client)

    if what == "deactivated":
        User.objects.filter(pk=member.pk).update(is_active=False)
    elif what == "deleted":
        member.delete()
    else:
        member.set_password("another long passphrase")
        member.save()

    assert not is_logged_in(client)


def test_changing_ones_password_ends_the_other_sessions(client, member):
    """A3: and keeps this one."""
    elsewhere = Client()
    for each in (client, elsewhere):
        log_in(each, member.email)

    new = "quite another passphrase"
    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    assert is_logged_in(client)
    assert not is_logged_in(elsewhere)


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)",
     "http:///evil.example", "\\\\evil.example", "https:evil.example", " //evil.example",
     "///evil.example", "//", "/\\", "members/", "/members/\u2028", "/members/\r\nX-Evil: 1"],
)  # fmt: skip
def test_log_in_leads_nowhere_else(client, member, target):
    """A4; the local address is the control."""
    assert log_in(client, member.email, next="/members/")["Location"] == "/members/"
    client.logout()

    assert log_in(client, member.email, next=target)["Location"] == "/"


def test_log_in_leads_to_no_neighbour_on_heroku(client, member, settings):
    """A4: ALLOWED_HOSTS may be a whole domain, of which anybody can have a part."""
    settings.ALLOWED_HOSTS = [".herokuapp.com", "testserver"]

    assert log_in(client, member.email, next="https://evil.herokuapp.com/")["Location"] == "/"


@given(target=st.text())
@hypothesis_settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30
)
def test_log_in_stays_on_the_site(client, member, target):
    """A4."""
    client.logout()

    location = log_in(client, member.email, next=f"//{target}")["Location"]

    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize("address", [LOGIN, "/accounts/logout/", "/me/edit/"])
def test_a_form_of_another_site_is_refused(member, address):
    """A5."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(member)
    if address == LOGIN:
        client.logout()

    response = client.post(address, {"login": member.email, "password": PASSWORD, "name": "x"})

    assert response.status_code == 403
    assert "form" in response.content.decode()
    assert Profile.objects.get(user=member).name == "Ada Lovelace"


def test_getting_the_log_out_page_logs_nobody_out(client, member):
    """A5."""
    client.force_login(member)

    client.get("/accounts/logout/")

    assert is_logged_in(client)


def test_an_address_is_throttled_after_five_wrong_passwords(client, member):
    """A7: in the shared cache; the real password does not help until the time has passed."""
    for _ in range(5):
        log_in(client, member.email, password="wrong")

    response = log_in(client, member.email)

    assert not is_logged_in(client)
    assert "Too many failed login attempts" in response.content.decode()


def test_nobody_signs_up(client):
    response = client.post("/accounts/signup/", {"email": "new@example.org", "password1": PASSWORD})

    assert not User.objects.exists()
    for page in (response, client.get("/accounts/signup/")):
        assert b"invitation" in page.content.lower()
        assert b"password1" not in page.content


def test_every_user_has_a_profile():
    user = User.objects.create(email="New@Example.org")

    assert user.email == "new@example.org"
    assert user.profile.visibility == "members"


def test_an_address_is_taken_whatever_its_case(member):
    with pytest.raises(ValidationError):
        User(email="ADA@example.org", password="x").full_clean()


def link_in(message) -> str:
    return re.search(r"https?://[^/\s]+(/\S+)", message.body)[1]


def set_password(client, link, password="my own long passphrase"):
    form = client.get(link)
    assert form.status_code == 302, "the key must leave the address bar"
    return client.post(form["Location"], {"password1": password, "password2": password})


def test_a_forgotten_password_is_reset_by_e_mail(client, member):
    client.post("/accounts/password/reset/", {"email": member.email})
    reset = [message for message in mail.outbox if message.to == [member.email]]

    set_password(client, link_in(reset[0]))

    assert is_logged_in(client), "who has just chosen the password is not asked for it"
    visitor = Client()
    log_in(visitor, member.email, password="my own long passphrase")
    assert is_logged_in(visitor)


def test_a_reset_says_the_same_for_an_unknown_address(client, member):
    known = client.post("/accounts/password/reset/", {"email": member.email})
    sent = len(mail.outbox)
    unknown = client.post("/accounts/password/reset/", {"email": "nobody@example.org"})

    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert len(mail.outbox) == sent == 1


@pytest.mark.parametrize(
    ("password", "status"),
    [("short", 200), ("password1234", 200), ("x7" * 40 + "!", 302), ("1234567890123", 200)],
)
def test_a_password_is_long_and_uncommon(client, member, password, status):
    """A10."""
    client.force_login(member)

    response = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": password, "password2": password},
    )

    assert response.status_code == status


def test_staff_need_a_second_factor_once_the_site_is_deployed(client, staff, settings):
    client.force_login(staff)
    assert client.get("/admin/").status_code == 200
    settings.ADMIN_NEEDS_SECOND_FACTOR = True

    refused = client.get("/admin/", follow=True)
    Authenticator.objects.create(user=staff, type="totp", data={})

    assert refused.redirect_chain[-1][0] == "/accounts/2fa/"
    assert "second factor" in refused.content.decode()
    assert client.get("/admin/").status_code == 200


def test_staff_set_up_a_second_factor_and_enter_the_admin(client, staff, settings):
    settings.ADMIN_NEEDS_SECOND_FACTOR = True
    log_in(client, staff.email)
    activate = "/accounts/2fa/totp/activate/"
    client.post(f"/accounts/reauthenticate/?next={activate}", {"password": PASSWORD})

    form = client.get(activate).context["form"]
    client.post(activate, {"code": totp_code(form.secret)})

    assert client.get("/admin/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_session_from_before_the_second_factor_ends_with_it(client, staff, settings):
    """Otherwise a person who had only the password would be in the admin from then on."""
    settings.ADMIN_NEEDS_SECOND_FACTOR = True
    thief = Client()
    for visitor in (thief, client):
        log_in(visitor, staff.email)
    activate = "/accounts/2fa/totp/activate/"
    client.post(f"/accounts/reauthenticate/?next={activate}", {"password": PASSWORD})

    client.post(activate, {"code": totp_code(client.get(activate).context["form"].secret)})

    assert client.get("/admin/").status_code == 200
    assert thief.get("/admin/").status_code == 302
    assert thief.get("/me/").status_code == 302


def totp_code(secret) -> str:
    value = hotp_value(secret, next(iter(yield_hotp_counters_from_time())))
    return format_hotp_value(value)


def test_the_admins_door_is_closed_to_members(client, member):
    client.force_login(member)

    assert client.get("/admin/", follow=True).status_code == 403


def test_the_log_in_of_the_admin_leads_to_the_page_that_was_asked_for(client, staff):
    asked = "/admin/profiles/user/"

    visited = client.get(asked, follow=True)
    client.force_login(staff)

    assert visited.redirect_chain[-1][0] == f"/accounts/login/?next={asked}"
    again = client.get("/admin/login/")
    assert (again.status_code, again["Location"]) == (302, "/admin/")
