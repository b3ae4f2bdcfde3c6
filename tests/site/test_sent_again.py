"""Forms that are refused for an ended session or an old token: what was typed can be sent again."""

import re
from html import unescape

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.http import HttpResponse
from django.test import Client

from portal import sent_again
from profiles.models import Profile
from profiles.society.models import Society
from tests.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db

FORM = {"name": "The Society", "welcome": "An evening of\r\nwork & <more>"}
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
LOST, LOST_IN_HTML = "work & <more>", "work &amp; &lt;more&gt;"


@pytest.fixture
def address():
    return f"/admin/society/society/{Society.objects.create(name='S').pk}/change/"


@pytest.fixture
def desk():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member("root@example.org", is_staff=True, is_superuser=True))
    return client


def waiting(page) -> dict:
    """The fields of the form that can be sent again."""
    form = page.text.split("<main")[1].split("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: unescape(value) for name, value in found}


def test_a_form_with_an_old_token_is_sent_again_with_a_new_one(desk, address):
    desk.get(address)

    page = desk.post(address, FORM | {"csrfmiddlewaretoken": "a" * 64}, headers=FROM_HERE)
    again = desk.post(address, waiting(page), headers=FROM_HERE)

    assert (page.status_code, again.status_code) == (403, 302)
    assert Society.objects.get().welcome == FORM["welcome"]


def log_in(client, member):
    """Log in by the page that comes next."""
    page = client.get("/accounts/login/?next=/send-again/")
    form = {"login": member.email, "password": PASSWORD, "next": "/send-again/"}
    return client.post(
        "/accounts/login/", form | {"csrfmiddlewaretoken": str(page.context["csrf_token"])},
        headers=FROM_HERE, follow=True,
    )  # fmt: skip


@pytest.fixture
def ada():
    return make_member("ada@example.org", name="Ada")


def sent_without_a_session(ada, **more) -> tuple[Client, HttpResponse]:
    """Have a member's form arrive when the session has ended."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    token = str(client.get("/me/edit/").context["csrf_token"])
    Session.objects.all().delete()
    form = {"csrfmiddlewaretoken": token, "name": "Ada", "bio": LOST, "visibility": "hidden"}
    return client, client.post("/me/edit/", form | more, headers=FROM_HERE, follow=True)


def test_a_form_of_an_ended_session_is_sent_again_after_the_log_in(ada):
    """The log-in makes a new token, which the page after it has."""
    client, refused = sent_without_a_session(ada)
    assert "What you have typed is kept for an hour" in refused.text
    assert refused.redirect_chain == [("/accounts/login/?next=/send-again/", 302)]

    page = log_in(client, ada)
    assert "You were logged out before this was saved" in page.text
    assert "You are logged in as <bdi>Ada</bdi>." in page.text  # or somebody else was, before
    assert "no-store" in page["Cache-Control"]
    assert waiting(client.get("/send-again/"))["bio"] == LOST  # it may be loaded anew
    saved = client.post("/me/edit/", waiting(page), headers=FROM_HERE)

    assert saved.status_code == 302
    assert Profile.objects.get(user=ada).bio == LOST
    assert client.get("/send-again/")["Location"] == "/"  # nothing waits any more


def test_a_form_of_the_admin_is_sent_again_after_the_log_in(desk, address, settings):
    settings.SITE_ENVIRONMENT = "development"  # where no second factor is asked for
    token = str(desk.get(address).context["csrf_token"])
    Session.objects.all().delete()
    staff = make_member("new@example.org", is_staff=True, is_superuser=True)

    desk.post(address, FORM | {"csrfmiddlewaretoken": token}, headers=FROM_HERE)
    page = log_in(desk, staff)
    desk.post(address, waiting(page), headers=FROM_HERE)

    assert Society.objects.get().welcome == FORM["welcome"]


@pytest.mark.parametrize("why", ["an hour ago", "too large", "too often"])
def test_a_form_is_kept_for_an_hour_and_within_limits(ada, monkeypatch, settings, why):
    """The control is test_a_form_of_an_ended_session_is_sent_again_after_the_log_in."""
    if why == "too large":
        monkeypatch.setattr(sent_again, "MAX_CHARACTERS", 10)
    if why == "too often":
        settings.ACCOUNT_RATE_LIMITS = {sent_again.KEY: "1/h/ip"}
        sent_without_a_session(ada)
    client, _ = sent_without_a_session(ada)
    if why == "an hour ago":
        monkeypatch.setattr(sent_again, "KEPT_SECONDS", -1)

    page = log_in(client, ada)

    assert LOST_IN_HTML not in page.text
    assert page.redirect_chain[-1][0] == "/"
    assert sent_again.KEY not in client.session


def test_a_form_that_nobody_sends_again_is_forgotten(ada, monkeypatch):
    """With the next form: the session lasts for weeks, and each page reads it."""
    client, _ = sent_without_a_session(ada)
    log_in(client, ada)
    client.post("/language/de/", headers=FROM_HERE)
    assert sent_again.KEY in client.session

    monkeypatch.setattr(sent_again, "KEPT_SECONDS", -1)
    assert client.get("/send-again/").status_code == 302
    client.post("/language/de/", headers=FROM_HERE)

    assert sent_again.KEY not in client.session


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_a_form_of_another_site_is_never_offered_to_be_sent(desk, address, headers):
    """The control is above."""
    refused = desk.post(address, FORM, headers=headers)
    desk.logout()
    token = desk.get("/accounts/login/").context["csrf_token"]
    led = desk.post(address, FORM | {"csrfmiddlewaretoken": token}, headers=headers)

    assert refused.status_code == 403
    assert LOST_IN_HTML not in refused.text
    assert led["Location"] == f"/admin/login/?next={address}"
    assert sent_again.KEY not in desk.session


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_a_form_is_not_offered_where_the_origin_is_refused(desk, address, origin):
    """Whatever a browser says of a page that is loaded again; and it would be refused again."""
    refused = desk.post(address, FORM, headers=FROM_HERE | {"Origin": origin})

    assert refused.status_code == 403
    assert LOST_IN_HTML not in refused.text


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ("/accounts/login/", {"login": LOST}),
        ("/accounts/invitation/x/", {"note": LOST}),
        ("/accounts/2fa/authenticate/", {"code": LOST}),
        ("/admin/profiles/user/1/password/", {"usable_password": "true", "note": LOST}),
        ("/admin/profiles/user/add/", {"note": LOST * 20_000}),
    ],
)
def test_what_may_be_a_secret_or_is_very_long_does_not_come_back(desk, where, fields):
    page = desk.post(where, fields, headers=FROM_HERE)

    assert page.status_code == 403
    assert "more" not in page.text.split("<main")[1].replace("once more", "")


def test_a_form_with_a_file_tells_that_the_file_has_to_be_chosen_again(desk, address):
    plain = desk.post(address, FORM, headers=FROM_HERE)
    page = desk.post(address, FORM | {"logo": ContentFile(b"x", name="l.png")}, headers=FROM_HERE)

    told = "Files have to be chosen once more"
    assert (told in plain.text, told in page.text) == (False, True)


def test_the_limit_is_of_the_form_as_it_is_encoded(desk, address, monkeypatch):
    fields = {"name": "four", "b": "c"}  # name=four&b=c
    for most, is_offered in [(13, True), (12, False)]:
        monkeypatch.setattr(sent_again, "MAX_CHARACTERS", most)
        page = desk.post(address, fields, headers=FROM_HERE)
        assert ("Send it again" in page.text) is is_offered
