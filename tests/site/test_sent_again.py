"""Forms that are refused for an ended session or an old token: what was typed can be sent again."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.shortcuts import redirect
from django.test import Client
from django.urls import resolve

from portal import sent_again
from profiles.society.models import Society
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

FORM = {"name": "The Society", "welcome": "An evening of\r\nwork & <more>"}
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"}
LOST = "&lt;more&gt;"


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


def test_a_form_of_an_ended_session_is_sent_again_after_the_log_in(desk, address):
    """The log-in, in another tab, makes a new token: the form is refused and sent once more."""
    token = desk.get(address).context["csrf_token"]
    Session.objects.all().delete()

    page = desk.post(address, FORM | {"csrfmiddlewaretoken": token}, headers=FROM_HERE)
    assert page.status_code == 403
    assert "You were logged out" in page.text
    assert 'href="/accounts/login/" target="_blank"' in page.text
    assert "no-store" in page["Cache-Control"]
    desk.force_login(make_member("new@example.org", is_staff=True, is_superuser=True))
    refused = desk.post(
        address, waiting(page) | {"csrfmiddlewaretoken": "b" * 64}, headers=FROM_HERE
    )

    assert desk.post(address, waiting(refused), headers=FROM_HERE).status_code == 302
    assert Society.objects.get().welcome == FORM["welcome"]


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
    assert LOST not in refused.text
    assert led.status_code == 302
    assert "/login/" in led["Location"]


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


def test_the_limit_is_of_names_and_values(desk, address, monkeypatch):
    fields = {"name": "four", "b": "c"}
    for most, is_offered in [(10, True), (9, False)]:
        monkeypatch.setattr(sent_again, "MAX_CHARACTERS", most)
        page = desk.post(address, fields, headers=FROM_HERE)
        assert ("Send it again" in page.text) is is_offered


@pytest.mark.parametrize(("bio", "status"), [("typed", 302), ("long " * 30_000, 403)])
def test_a_form_that_is_kept_by_other_means_leads_to_the_log_in(client, bio, status):
    """What is too long to be kept by profiles/unsaved.py can be sent again."""
    answer = client.post("/me/edit/", {"profile": "1", "bio": bio}, headers=FROM_HERE)

    assert answer.status_code == status


@pytest.mark.parametrize(("where", "status"), [("home", 302), ("account_login", 403)])
def test_an_answer_that_leads_elsewhere_than_to_the_log_in_is_left_as_it_is(rf, where, status):
    request = rf.post("/me/edit/", {"bio": "typed"}, headers=FROM_HERE)
    request.user, request.resolver_match = AnonymousUser(), resolve("/me/edit/")

    answer = sent_again.keep_forms_of_ended_sessions(lambda _: redirect(where))(request)

    assert answer.status_code == status
