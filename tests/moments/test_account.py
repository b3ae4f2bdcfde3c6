"""What members do about their accounts: passwords, addresses, keys, their data, and leaving."""

import json
import zipfile

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client
from playwright.sync_api import expect

from tests.accounts.address_steps import link_to
from tests.conftest import PASSWORD
from tests.site.test_browser import pytestmark  # noqa: F401

NEW_PASSWORD = "another long enough passphrase"
MISTYPED, NEW = "eildih@example.net", "eilidh@example.net"


@pytest.fixture
def eilidh(society):
    return society.get(email="member@example.org")


def give_password(person, user, password=PASSWORD):
    person.type("Email", user.email)
    person.type("Password", password)
    person.click("button", "Log in", within=person.page.get_by_role("main"))


@pytest.mark.moment(11, "member", "has forgotten the password", clicks=4)
def test_a_member_who_forgot_the_password_chooses_another_and_is_in(eilidh, person):
    page = person.page
    page.goto("/accounts/login/")

    person.click("link", "Forgot your password?")
    person.type("Email", eilidh.email)
    person.look()
    person.click("button", "Send the link")
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    person.look()
    page.goto(link_to(eilidh.email))
    person.type("New Password", NEW_PASSWORD, exact=True)
    person.type("New Password (again)", NEW_PASSWORD, exact=True)
    person.look()
    person.click("button", "Save the password")

    expect(page.get_by_role("heading", name="What is new")).to_be_visible()
    person.look()


@pytest.mark.moment(12, "member", "has lost the phone: a recovery code, or the staff")
def test_a_member_who_lost_the_phone_uses_a_recovery_code_or_asks_the_staff(eilidh, person):
    TOTP.activate(eilidh, generate_totp_secret())
    code = RecoveryCodes.activate(eilidh).get_unused_codes()[0]
    person.page.goto("/accounts/login/")

    give_password(person, eilidh)
    expect(person.page.get_by_role("heading", name="Second factor")).to_be_visible()
    person.look()
    person.type("Code", code)
    person.click("button", "Log in", within=person.page.get_by_role("main"))
    expect(person.page.get_by_role("heading", name="What is new")).to_be_visible()
    person.part()
    person.page.context.clear_cookies()
    person.page.goto("/accounts/login/")
    give_password(person, eilidh)

    asked = person.page.get_by_role("main").get_by_role("link", name="Tadhg Ó Briain, keeper")
    expect(asked).to_have_attribute("href", "mailto:staff@example.org")


@pytest.mark.moment(13, "member", "changes the address, mistypes it, cancels, changes it")
def test_a_member_changes_the_address_in_the_end(eilidh, person, log_in):
    page = person.page
    log_in(person, eilidh, with_password=True)

    person.click("link", "Account and security")
    person.click("link", "E-mail address")
    person.type("New address", MISTYPED)
    person.click("button", "Change address")
    expect(page.get_by_role("heading", name="Waiting for confirmation")).to_be_visible()
    person.look()
    person.part()
    person.click("button", "Keep the old address")
    expect(page.get_by_text("You keep member@example.org.")).to_be_visible()
    person.look()
    person.part()
    person.type("New address", NEW)
    person.click("button", "Change address")
    expect(page.get_by_text(f"on its way to {NEW}.")).to_be_visible()
    page.goto(link_to(NEW))
    person.look()
    person.click("button", "Use the new address")

    expect(page.get_by_text(f"From now on you log in with {NEW}.")).to_be_visible()
    person.look()


@pytest.mark.moment(14, "member", "ends another session; adds a passkey", needs_scripts=True)
def test_a_member_ends_another_session_and_adds_a_passkey(eilidh, person, log_in):
    page = person.page
    phone = Client(headers={"user-agent": "Mozilla/5.0 (Linux; Android 14) Firefox/140.0"})
    phone.post("/accounts/login/", {"login": eilidh.email, "password": PASSWORD})
    log_in(person, eilidh, "/accounts/password/change/", with_password=True)
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    options |= {"hasUserVerification": True, "isUserVerified": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    person.click("link", "Where you are logged in")
    person.look()
    person.click("button", "Log out everywhere else")
    expect(page.get_by_text("You are logged in nowhere else.")).to_be_visible()
    assert phone.get("/me/").status_code == 302
    person.look()
    person.part()
    person.click("link", "Second factor")
    person.look()
    person.click("link", "Add a key")
    person.type("Name", "My laptop")
    person.look()
    person.click("button", "Add it")
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert Authenticator.objects.filter(user=eilidh, type="webauthn").exists()
    person.look()


@pytest.mark.moment(15, "member", "takes the data along", clicks=2)
def test_a_member_takes_the_data_along(eilidh, person, log_in):
    log_in(person, eilidh, with_password=True)

    person.click("link", "Your data")
    person.look()
    with person.page.expect_download() as taken:
        person.click("button", "Download my data")

    with zipfile.ZipFile(taken.value.path()) as archive:
        names = archive.namelist()
        told = json.loads(archive.read(next(name for name in names if name.endswith(".json"))))
    assert told
    assert any(name.endswith(".pdf") for name in names)


@pytest.mark.moment(16, "member", "leaves; comes back within the grace")
def test_a_member_leaves_and_comes_back(eilidh, person, log_in):
    log_in(person, eilidh, with_password=True)
    page = person.page

    person.click("link", "Your data")
    person.click("button", "Leave", exact=True)
    expect(page.get_by_text("You can come back until").first).to_be_visible()
    person.look()
    page.context.clear_cookies()
    person.part()
    page.goto("/accounts/login/")
    give_password(person, eilidh)
    expect(page.get_by_role("heading", name="You are leaving")).to_be_visible()
    person.click("button", "Come back")

    eilidh.refresh_from_db()
    assert eilidh.leaves_at is None
    expect(page.get_by_role("heading", name="You are leaving")).not_to_be_visible()
    person.look()
