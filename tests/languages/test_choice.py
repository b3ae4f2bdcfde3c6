"""In which language the site answers: the member's choice, the visitor's, then the browser's."""

import pytest
from allauth.core.context import request_context
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from portal.accounts.adapter import InvitationOnlyAdapter
from portal.accounts.languages import LanguageField
from profiles.models import User

pytestmark = pytest.mark.django_db

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


def language_of(response) -> str:
    page = response.content.decode()
    language = page.split('<html lang="', 1)[1].split('"', 1)[0]
    assert response["Content-Language"] == language
    return language


def choose(user, language):
    User.objects.filter(pk=user.pk).update(language=language)


@pytest.mark.parametrize(
    ("asked", "language"),
    [("de", "de"), ("de-CH", "de"), ("en-US,de;q=0.5", "en-gb"), ("fr", "en-gb"), ("*", "en-gb")],
)
def test_a_visitor_is_answered_as_the_browser_asks(client, asked, language):
    response = client.get("/", headers={"accept-language": asked})

    assert language_of(response) == language
    varies = {name.strip() for name in response["Vary"].split(",")}
    assert {"Accept-Language", "Cookie"} <= varies


def test_a_visitor_chooses_a_language_and_comes_back_to_the_page(client):
    page = client.get("/members/").content.decode()
    link = '<a href="/language/de/?next=/members/" lang="de" hreflang="de" rel="nofollow">Deutsch'

    response = client.get("/language/de/?next=/members/")

    assert link in page
    assert response["Location"] == "/members/"
    assert language_of(client.get("/members/")) == "de"
    assert ">English</a>" in client.get("/members/").content.decode()


def test_a_choice_is_remembered_as_the_settings_say(client, settings):
    """A year, and for this site alone."""
    settings.LANGUAGE_COOKIE_NAME = "spoken"
    settings.LANGUAGE_COOKIE_PATH = "/portal/"
    settings.LANGUAGE_COOKIE_AGE = 1_000

    cookies = client.get("/language/de/").cookies

    assert list(cookies) == ["spoken"]
    names = ("max-age", "path", "secure", "httponly", "samesite")
    assert {name: cookies["spoken"][name] for name in names} == {
        "max-age": 1_000,
        "path": "/portal/",
        "secure": settings.LANGUAGE_COOKIE_SECURE or "",
        "httponly": settings.LANGUAGE_COOKIE_HTTPONLY or "",
        "samesite": settings.LANGUAGE_COOKIE_SAMESITE or "",
    }
    settings.LANGUAGE_COOKIE_SECURE = settings.LANGUAGE_COOKIE_HTTPONLY = True
    settings.LANGUAGE_COOKIE_SAMESITE = "Strict"
    cookie = client.get("/language/de/").cookies["spoken"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert client.post("/language/de/").status_code == 405


@pytest.mark.parametrize("where", ["https://elsewhere.example/", "//elsewhere.example", "/\\x", ""])
def test_the_choice_of_a_language_leads_nowhere_else(client, where):
    assert client.get("/language/de/", {"next": where})["Location"] == "/"


@pytest.mark.parametrize("code", ["fr", "en", "../x", "de%00"])
def test_a_language_that_the_site_has_not_cannot_be_chosen(client, code):
    response = client.get(f"/language/{code}/")

    assert response.status_code == 404
    assert "django_language" not in response.cookies


def test_a_language_without_translations_cannot_be_chosen(client, settings):
    settings.LANGUAGES = [*settings.LANGUAGES, ("xx", "None")]

    assert client.get("/language/xx/").status_code == 404
    assert client.get("/language/de/").status_code == 302


def test_a_members_choice_wins_over_the_browsers_and_over_a_visitors(client, member):
    choose(member, "en-gb")
    client.get("/language/de/")
    client.force_login(member)

    for address in ("/", "/me/edit/", "/nothing/here", "/members/99999/"):
        assert language_of(client.get(address, headers=GERMAN)) == "en-gb", address

    choose(member, "de")
    for address in ("/", "/me/edit/", "/nothing/here", "/members/99999/"):
        assert language_of(client.get(address)) == "de", address
    refused = Client(enforce_csrf_checks=True)
    refused.force_login(member)
    assert language_of(refused.post("/me/edit/")) == "de"


def test_a_member_without_a_choice_is_answered_as_the_browser_asks(client, member):
    client.force_login(member)

    assert language_of(client.get("/", headers=GERMAN)) == "de"
    assert language_of(client.get("/")) == "en-gb"


def test_a_choice_that_the_site_has_no_more_counts_as_none(client, member):
    choose(member, "xx")
    client.force_login(member)

    assert language_of(client.get("/", headers=GERMAN)) == "de"


def test_members_choose_their_language_with_their_profile(client, member):
    client.force_login(member)
    page = client.get("/me/edit/").content.decode()
    for name in (
        '<option value="de" lang="de">Deutsch',
        '<option value="en-gb" lang="en-gb">English',
    ):
        assert name in page
    form = {"name": "Ada", "visibility": "members"}

    client.post("/me/edit/", form | {"language": "de"})
    chosen = language_of(client.get("/me/edit/"))
    client.post("/me/edit/", form)  # by a page from before the site had languages
    kept = language_of(client.get("/me/edit/"))
    refused = client.post("/me/edit/", form | {"language": "xx"})
    client.post("/me/edit/", form | {"language": ""})

    assert (chosen, kept) == ("de", "de")
    assert refused.status_code == 200
    assert language_of(client.get("/me/edit/")) == "en-gb"


def test_a_choice_costs_no_query(client, member):
    client.force_login(member)
    counts = []
    for language in ("", "de", "en-gb"):
        choose(member, language)
        with CaptureQueriesContext(connection) as queries:
            client.get("/members/")
        counts.append(len(queries))

    assert len(set(counts)) == 1


def test_an_address_for_machines_asks_nobody(client, member, django_assert_num_queries):
    client.force_login(member)

    with django_assert_num_queries(0):
        assert client.get("/healthz").status_code == 200


def test_a_society_chooses_the_language_of_those_who_choose_none(client, settings):
    settings.LANGUAGE_CODE = "de"

    german = client.get("/accounts/login/")
    english = client.get("/accounts/login/", headers={"accept-language": "en"})

    assert language_of(german) == "de"
    assert "Anmelden" in german.content.decode()
    assert language_of(english) == "en-gb"
    assert "Anmelden" not in english.content.decode()
    assert "Log in" in english.content.decode()


def test_a_message_is_in_the_language_of_the_page_for_whom_the_page_is(rf, member, staff):
    """Not in that of somebody else who has caused it."""
    request, languages = rf.get("/"), {}
    with request_context(request):
        adapter = InvitationOnlyAdapter()

    for user in (member, staff):
        request.user = user
        with translation.override("de"):
            languages[user.email] = adapter.language_of_mail(member.email, {})

    assert languages == {member.email: "de", staff.email: "en-gb"}


def test_a_migration_holds_nothing_of_the_languages():
    """Another language, or other words about the field, need no migration."""
    field = LanguageField(null=True)

    assert field.deconstruct()[1:] == (
        "portal.accounts.languages.LanguageField", [], {"null": True}
    )  # fmt: skip
