"""Forms that are sent from a page which was opened a while ago: nothing that was typed is lost."""

from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from profiles.models import Profile
from tests.conftest import make_member

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


def test_a_page_of_another_member_saves_nothing(client, ada):
    """Whoever has logged in since, in the same browser, finds it there."""
    form = opened(client, "/me/edit/") | {"bio": LONG}
    client.force_login(make_member("eve@example.org", name="Eve"))

    answer = client.post("/me/edit/", form, follow=True)

    assert "That was the form of another member. Nothing was saved." in answer.text
    assert not Profile.objects.filter(bio=LONG).exists()
