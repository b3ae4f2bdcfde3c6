"""A new password by e-mail does not do without the second factor."""

import re

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core import mail

from tests.conftest import make_member

pytestmark = pytest.mark.django_db


def follow_the_link(client):
    """Ask for a link, follow it, and choose a password; returns the page that this leads to."""
    client.post("/accounts/password/reset/", {"email": "ada@example.org"})
    address = re.search(r"https?://[^/\s]+(/accounts/password/reset/key/\S+)", mail.outbox[-1].body)
    page = client.get(address[1], follow=True)
    form = {"password1": "a-new-and-long-passphrase", "password2": "a-new-and-long-passphrase"}
    return client.post(page.request["PATH_INFO"], form, follow=True)


def test_whoever_has_one_is_asked_for_it(client):
    """The control: whoever has none is logged in."""
    member = make_member("ada@example.org")

    assert follow_the_link(client).wsgi_request.user == member

    client.logout()
    TOTP.activate(member, generate_totp_secret())
    page = follow_the_link(client)
    assert page.request["PATH_INFO"] == "/accounts/2fa/authenticate/"
    assert page.wsgi_request.user.is_anonymous
