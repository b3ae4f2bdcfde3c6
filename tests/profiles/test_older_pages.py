"""Forms that are sent from a page which was opened a while ago: nothing that was typed is lost."""

from html.parser import HTMLParser

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from profiles import unsaved
from profiles.models import Profile
from tests.conftest import PASSWORD, make_member

pytestmark = pytest.mark.django_db

LONG = "A text that took an evening.\r\n\r\nAnd a second one, ünlike the first & <last>."


class Form(HTMLParser):
    """Reads what a browser sends if nobody touches the form of a page."""

    def __init__(self, page):
        super().__init__()
        self.data, self.text, self.select = {}, None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        name, kind = attrs.get("name"), attrs.get("type")
        if tag == "textarea":
            self.text, self.data[name] = name, ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and ("selected" in attrs or self.select not in self.data):
            self.data[self.select] = attrs["value"]
        elif tag == "input" and name and kind not in {"file", "submit"} and "disabled" not in attrs:
            is_box = kind in {"checkbox", "radio"}
            if not is_box or "checked" in attrs:
                self.data[name] = attrs.get("value", "on" if is_box else "")

    def handle_endtag(self, tag):
        self.text = None if tag == "textarea" else self.text

    def handle_data(self, data):
        if self.text:
            self.data[self.text] += data if self.data[self.text] else data.removeprefix("\n")


def opened(client, address) -> dict:
    """Open a page, and return what its form would send."""
    return Form(client.get(address).text).data


@pytest.fixture
def ada(client):
    member = make_member("ada@example.org", name="Ada")
    Profile.objects.filter(user=member).update(headline="Was", bio="Two\r\nlines")
    client.force_login(member)
    return member


def test_the_older_of_two_pages_undoes_nothing_that_it_leaves_alone(client, ada):
    older, newer = opened(client, "/me/edit/"), opened(client, "/me/edit/")
    client.post("/me/edit/", newer | {"headline": "Is", "resume_is_searched": ""})

    answer = client.post("/me/edit/", older | {"bio": LONG, "place": "Thule"})

    assert answer.status_code == 302
    profile = Profile.objects.get(user=ada)
    assert (profile.headline, profile.bio, profile.place) == ("Is", LONG, "Thule")
    assert not profile.resume_is_searched


def test_of_two_pages_that_change_the_same_field_the_later_wins(client, ada):
    older, newer = opened(client, "/me/edit/"), opened(client, "/me/edit/")
    client.post("/me/edit/", newer | {"headline": "Is"})

    client.post("/me/edit/", older | {"headline": ""})

    assert Profile.objects.get(user=ada).headline == ""


def test_a_page_that_comes_back_with_an_error_still_undoes_nothing(client, ada):
    older, newer = opened(client, "/me/edit/"), opened(client, "/me/edit/")
    client.post("/me/edit/", newer | {"headline": "Is"})

    again = Form(client.post("/me/edit/", older | {"phone": "x"}).text).data
    client.post("/me/edit/", again | {"phone": "+44 1632 960961"})

    assert Profile.objects.get(user=ada).headline == "Is"
    assert Profile.objects.get(user=ada).phone == "+44 1632 960961"


def test_a_page_of_the_staff_undoes_nothing_that_the_member_has_written(client, ada, staff):
    desk = Client()
    desk.force_login(staff)
    address = reverse("admin:profiles_user_change", args=[ada.pk])
    page = opened(desk, address)
    client.post("/me/edit/", opened(client, "/me/edit/") | {"bio": LONG})

    answer = desk.post(address, page | {"profile-0-name": "Ada Lovelace"})

    assert answer.status_code == 302
    profile = Profile.objects.get(user=ada)
    assert (profile.name, profile.bio) == ("Ada Lovelace", LONG)


def log_in(client, member, address):
    return client.post(
        f"/accounts/login/?next={address}", {"login": member.email, "password": PASSWORD}
    )


def test_what_was_typed_when_the_session_ended_is_in_the_form_after_the_log_in(client, ada):
    form = opened(client, "/me/edit/")
    Session.objects.all().delete()

    answer = client.post("/me/edit/", form | {"bio": LONG, "headline": "x" * 151}, follow=True)
    assert "What you have typed is kept" in answer.text
    assert Profile.objects.get(user=ada).bio == "Two\r\nlines"
    address = answer.redirect_chain[-1][0]
    entry = client.post(address, {"login": ada.email, "password": PASSWORD})
    assert entry["Location"] == "/me/edit/"
    page = client.get("/me/edit/")

    assert "This is what you had typed" in page.text
    assert "at most 150 characters" in page.text  # as if it had been sent now
    again = Form(page.text).data
    assert again["bio"].replace("\r\n", "\n") == LONG.replace("\r\n", "\n")
    client.post("/me/edit/", again | {"headline": "Short"})
    assert Profile.objects.get(user=ada).bio.replace("\r\n", "\n") == LONG.replace("\r\n", "\n")
    assert opened(client, "/me/edit/")["headline"] == "Short"


def test_a_form_that_is_kept_is_not_saved_by_looking_at_it(client, ada):
    form = opened(client, "/me/edit/")
    client.logout()
    client.post("/me/edit/", form | {"bio": LONG})
    log_in(client, ada, "/me/edit/")

    assert opened(client, "/me/edit/")["bio"]
    assert Profile.objects.get(user=ada).bio == "Two\r\nlines"
    assert opened(client, "/me/edit/")["bio"].split() == ["Two", "lines"]  # shown once


@pytest.mark.parametrize("why", ["of somebody else", "an hour ago", "too large", "too often"])
def test_what_is_kept_is_for_its_owner_and_for_an_hour(client, ada, monkeypatch, settings, why):
    """The control is test_a_form_that_is_kept_is_not_saved_by_looking_at_it."""
    form = opened(client, "/me/edit/") | {"bio": LONG}
    client.logout()
    if why == "too large":
        monkeypatch.setattr(unsaved, "MAX_CHARACTERS", 10)
    if why == "too often":
        settings.ACCOUNT_RATE_LIMITS = {unsaved.KEY: "1/m/ip"}
        Client().post("/me/edit/", form)
    client.post("/me/edit/", form)
    if why == "an hour ago":
        monkeypatch.setattr(unsaved, "KEPT_SECONDS", -1)
    comes = make_member("eve@example.org", name="Eve") if why == "of somebody else" else ada

    log_in(client, comes, "/me/edit/")

    page = client.get("/me/edit/")
    assert page.status_code == 200
    assert "evening" not in page.text


def guarded(user) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    return client


SAME = {"Sec-Fetch-Site": "same-origin"}


def test_a_form_that_was_opened_before_another_log_in_comes_back(ada):
    """A log-in in another window makes a new token."""
    client = guarded(ada)
    form = opened(client, "/me/edit/") | {"bio": LONG, "csrfmiddlewaretoken": "a" * 64}

    answer = client.post("/me/edit/", form, headers=SAME, follow=True)

    assert "This is what you had typed" in answer.text
    assert Profile.objects.get(user=ada).bio == "Two\r\nlines"
    assert client.post("/me/edit/", Form(answer.text).data, headers=SAME).status_code == 302
    assert "evening" in Profile.objects.get(user=ada).bio


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", None])
def test_a_form_of_another_site_is_refused_and_not_kept(ada, site):
    client = guarded(ada)
    form = opened(client, "/me/edit/") | {"bio": LONG, "csrfmiddlewaretoken": "a" * 64}

    answer = client.post("/me/edit/", form, headers={"Sec-Fetch-Site": site} if site else {})

    assert answer.status_code == 403
    assert "evening" not in client.get("/me/edit/").text
