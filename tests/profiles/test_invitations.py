"""Invitations: one link, by which a new member chooses a password and is logged in."""

import re
import time
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as site_settings
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from portal.accounts.invitations import invitation_url
from profiles.models import User
from tests.accounts.test_accounts import is_logged_in, link_in, log_in, totp_code
from tests.conftest import PASSWORD, settings_for

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "my own long passphrase"
DAY = 24 * 60 * 60  # seconds
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def link(client, staff):
    """The link that the staff have sent to new@example.org."""
    newcomer = User.objects.create_user("new@example.org")
    newcomer.profile.name = "Newcomer"
    newcomer.profile.save()
    client.force_login(staff)
    data = {"action": "invite_again", "_selected_action": [newcomer.pk]}
    client.post("/admin/profiles/user/", data)
    [message] = mail.outbox
    mail.outbox.clear()
    return link_in(message)


def invited():
    return User.objects.get(email="new@example.org")


def follow(client, link):
    """Open a link as a browser does; return the page that it ends at."""
    return client.get(link, follow=True)


def choose_password(client, link, password=NEW_PASSWORD):
    page = follow(client, link)
    if page.status_code != 200:
        return page
    address = page.redirect_chain[-1][0]
    return client.post(address, {"password1": password, "password2": password}, follow=True)


def days_later(days):
    return mock.patch("django.core.signing.time.time", return_value=time.time() + days * DAY)


@pytest.mark.django_db(transaction=True)
def test_an_invitation_is_sent_to_the_new_member(client, staff):
    client.force_login(staff)

    client.post("/admin/profiles/user/add/", {"email": "New@example.org", "name": "Newcomer"})

    [message] = mail.outbox
    assert message.to == ["new@example.org"]
    assert "within 14 days" in message.body
    assert invited().profile.name == "Newcomer"
    assert not invited().has_usable_password()


def test_following_an_invitation_logs_the_new_member_in(link):
    newcomer = Client()

    home = choose_password(newcomer, link)

    assert home.redirect_chain[-1] == ("/", 302)
    assert "Welcome, Newcomer" in home.content.decode()
    assert is_logged_in(newcomer)
    later = Client()
    log_in(later, "new@example.org", password=NEW_PASSWORD)
    assert is_logged_in(later)


def test_following_an_invitation_speaks_of_no_reset(link):
    """Neither the page nor an e-mail."""
    home = choose_password(Client(), link)

    assert "successfully changed" not in home.content.decode()
    assert "reset" not in home.content.decode()
    assert mail.outbox == []


def test_an_invitation_works_once(link):
    choose_password(Client(), link)
    again = Client()

    page = choose_password(again, link, "an intruder's passphrase")

    assert page.status_code == 410
    assert "does not work any more" in page.content.decode()
    assert "/accounts/password/reset/" in page.content.decode()
    assert not is_logged_in(again)
    assert invited().check_password(NEW_PASSWORD)


def test_a_form_that_was_opened_before_the_link_was_used_is_refused(link):
    """Two windows: the second to be sent sets no password."""
    late = Client()
    address = follow(late, link).redirect_chain[-1][0]
    choose_password(Client(), link)

    page = late.post(address, {"password1": "a late passphrase", "password2": "a late passphrase"})

    assert page.status_code == 410
    assert invited().check_password(NEW_PASSWORD)


def test_the_row_is_locked_while_the_password_is_set(link):
    """Two windows at the same moment: the later one finds the link used."""
    newcomer = Client()
    address = follow(newcomer, link).redirect_chain[-1][0]

    with CaptureQueriesContext(connection) as queries:
        newcomer.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    locking = [query for query in queries.captured_queries if "FOR UPDATE" in query["sql"]]
    assert bool(locking) is connection.features.has_select_for_update


def test_opening_an_invitation_changes_nothing(link):
    """Mail scanners and previews open links, too: theirs must not use it up."""
    before = User.objects.filter(pk=invited().pk).values().get()
    for _ in range(3):
        scanner = Client()
        scanner.head(link)
        follow(scanner, link)

    assert User.objects.filter(pk=invited().pk).values().get() == before
    newcomer = Client()
    choose_password(newcomer, link)
    assert is_logged_in(newcomer)


def test_the_key_leaves_the_address_bar(link):
    key = link.rstrip("/").rpartition("/")[2]

    page = follow(Client(), link)

    assert page.status_code == 200
    assert key not in page.redirect_chain[-1][0]
    assert key not in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert "no-store" in Client().get(link)["Cache-Control"]


@pytest.mark.parametrize(("days", "works"), [(13.9, True), (14.1, False)])
def test_an_invitation_is_valid_for_fourteen_days(link, days, works):
    newcomer = Client()
    with days_later(days):
        page = choose_password(newcomer, link)

    assert is_logged_in(newcomer) is works
    assert ("has expired" in page.content.decode()) is not works


def test_an_invitation_that_expires_while_the_form_is_open_says_so(link):
    newcomer = Client()
    address = follow(newcomer, link).redirect_chain[-1][0]

    with days_later(15):
        page = newcomer.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    assert "has expired" in page.content.decode()
    assert not invited().has_usable_password()


def test_the_days_of_an_invitation_are_the_operators_to_set(link, settings):
    settings.INVITATION_DAYS = 2

    with days_later(3):
        page = follow(Client(), link)

    assert "Invitations work for 2 days" in page.content.decode()


@pytest.mark.parametrize("days", ["0", "-1", "366", "many"])
def test_days_that_make_no_sense_are_refused(days):
    assert settings_for({"INVITATION_DAYS": "1"})["INVITATION_DAYS"] == 1

    with pytest.raises(ImproperlyConfigured, match="INVITATION_DAYS"):
        settings_for({"INVITATION_DAYS": days})


def test_a_reset_keeps_its_three_days(client, member):
    client.post("/accounts/password/reset/", {"email": member.email})
    link = link_in(mail.outbox[0])

    assert site_settings.PASSWORD_RESET_TIMEOUT == 3 * DAY
    moved = "django.contrib.auth.tokens.PasswordResetTokenGenerator._num_seconds"
    for days, works in ((2.9, True), (3.1, False)):
        later = int(time.time() - 978_307_200 + days * DAY)  # counted from 2001
        with mock.patch(moved, return_value=later):
            page = follow(Client(), link)
        assert (page.context.get("token_fail") is None) is works


def test_who_let_an_invitation_expire_joins_by_a_forgotten_password(link):
    """A member without a password asks for a link on the page that the refusal leads to."""
    newcomer = Client()

    newcomer.post("/accounts/password/reset/", {"email": "new@example.org"})
    form = newcomer.get(link_in(mail.outbox[0]))
    newcomer.post(form["Location"], {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    log_in(newcomer, "new@example.org", password=NEW_PASSWORD)
    assert is_logged_in(newcomer)


@pytest.mark.parametrize(
    "change",
    [None, {"is_active": False}, {"email": "other@example.org"}, {"last_login": YESTERDAY}],
)
def test_an_invitation_is_withdrawn_with_its_account(link, change):
    """A staging copy has another last log-in than the live site: links of live open nothing."""
    if change:
        User.objects.filter(pk=invited().pk).update(**change)
    else:
        invited().delete()
    newcomer = Client()

    page = choose_password(newcomer, link)

    assert page.status_code == 410
    assert not is_logged_in(newcomer)
    assert not User.objects.filter(password__startswith="md5").exclude(is_staff=True).exists()


def test_an_invitation_asks_for_the_second_factor_where_there_is_one(link, member):
    """A staff member whose password was taken away keeps the factor."""
    Authenticator.objects.create(user=invited(), type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})
    newcomer = Client()
    log_in(newcomer, member.email)  # somebody else used this browser

    page = choose_password(newcomer, link)

    assert page.redirect_chain[-1][0] == "/accounts/2fa/authenticate/"
    assert not is_logged_in(newcomer)
    assert follow(Client(), link).status_code == 410, "the password is set, so the link is used"
    newcomer.post("/accounts/2fa/authenticate/", {"code": totp_code("JBSWY3DPEHPK3PXP")})
    assert is_logged_in(newcomer)


def test_an_invitation_replaces_whoever_is_logged_in_here(link, member):
    shared = Client()
    log_in(shared, member.email)

    assert member.email in follow(shared, link).content.decode()
    assert is_logged_in(shared)  # until the password is saved
    choose_password(shared, link)

    assert shared.get("/me/").context["user"].email == "new@example.org"


def test_a_form_sets_the_password_of_whom_it_was_opened_for(link):
    """Two invitations in two windows of one browser."""
    other = User.objects.create_user("other@example.org")
    browser = Client()
    address = follow(browser, link).redirect_chain[-1][0]
    follow(browser, re.sub("https?://[^/]+", "", invitation_url(other, "http://testserver")))

    page = browser.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})

    assert page.status_code == 410
    assert not invited().has_usable_password()
    assert not User.objects.get(pk=other.pk).has_usable_password()


@pytest.mark.parametrize(
    ("password", "again"), [("short", "short"), ("password1234", "password1234"), (PASSWORD, "no")]
)
def test_a_refused_password_is_explained_and_may_be_chosen_again(link, password, again):
    newcomer = Client()
    address = follow(newcomer, link).redirect_chain[-1][0]

    refused = newcomer.post(address, {"password1": password, "password2": again})
    assert refused.context["form"].errors
    assert not invited().has_usable_password()

    newcomer.post(address, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})
    assert is_logged_in(newcomer)


@pytest.mark.parametrize(
    "address",
    ["1/forged/", "zzzzzzzzzzzzzzzzzzzz/x/", "-1/x:y/", "3w5e11264sgsf/a:b/", "%00/%00/", "é/é/"],
)
def test_a_forged_link_is_refused(link, address):
    page = follow(Client(), f"/accounts/invitation/{address}")

    assert page.status_code == 410


def test_a_key_of_a_reset_is_no_invitation_and_the_other_way_round(link):
    newcomer = Client()
    newcomer.post("/accounts/password/reset/", {"email": "new@example.org"})
    uid, _, reset_key = link_in(mail.outbox[0]).split("/")[-2].partition("-")
    key = link.split("/")[-2]

    assert follow(Client(), f"/accounts/invitation/{uid}/{reset_key}/").status_code == 410
    page = follow(Client(), f"/accounts/password/reset/key/{uid}-{key}/")
    assert page.context["token_fail"]


def test_an_invitation_outlives_a_new_secret_key(link, settings):
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key, of at least thirty-two characters"
    newcomer = Client()

    choose_password(newcomer, link)

    assert is_logged_in(newcomer)


def test_the_first_page_follows_for_who_goes_back_to_the_form(link):
    newcomer = Client()
    address = follow(newcomer, link).redirect_chain[-1][0]
    choose_password(newcomer, link)

    assert newcomer.get(address)["Location"] == "/"


def test_a_link_opens_in_a_browser_that_has_the_cookie_of_a_former_session(link):
    visitor = Client()
    visitor.cookies["sessionid"] = "a" * 32

    assert follow(visitor, link).status_code == 200
    assert visitor.cookies["sessionid"].value != "a" * 32


@pytest.mark.parametrize("uid", ["-", "a.b", "éé", "0" * 40])
def test_a_link_to_no_number_of_a_user_is_refused_as_any_other(link, uid):
    visitor = Client()

    assert visitor.get(reverse("open-invitation", args=[uid, "key"])).status_code == 410
    assert visitor.get(reverse("accept-invitation", args=[uid])).status_code == 410


def test_the_form_for_a_password_is_kept_by_no_browser(link):
    """Whoever goes back on a shared computer would get to it."""
    assert "no-store" in follow(Client(), link)["Cache-Control"]
