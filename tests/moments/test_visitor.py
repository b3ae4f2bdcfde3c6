"""What visitors meet: what this is, somebody to find, and a resume."""

import pytest
from playwright.sync_api import expect

from tests.conftest import PASSWORD
from tests.site.test_browser import pytestmark  # noqa: F401


@pytest.mark.moment(1, "visitor", "learns what this is, and whom to ask", clicks=2)
def test_a_visitor_learns_what_this_is_and_whom_to_ask_for_an_invitation(society, person):
    person.page.goto("/")

    expect(person.page.get_by_text("surveyors, engineers")).to_be_visible()
    asked = person.page.get_by_role("main").get_by_role("link", name="Tadhg Ó Briain, keeper")
    expect(asked.first).to_have_attribute("href", "mailto:staff@example.org")
    person.look()
    person.click("link", "Meet the members")
    expect(person.page.get_by_role("heading", name="Members")).to_be_visible()
    person.look()


@pytest.mark.moment(2, "visitor", "finds somebody public by part of a name")
def test_a_visitor_finds_somebody_by_part_of_a_name_without_accents(society, person):
    person.page.goto("/")

    person.click("link", "Members")
    person.page.get_by_role("searchbox").fill("wronsk")
    person.click("button", "Search")

    expect(person.page.get_by_role("link", name="Łucja Wrońska")).to_be_visible()
    person.look()
    person.click("link", "Łucja Wrońska")
    expect(person.page.get_by_role("heading", name="Łucja Wrońska")).to_be_visible()
    person.look()


@pytest.mark.moment(3, "visitor", "wants a resume, logs in, and is at it")
def test_a_visitor_is_told_that_members_have_resumes_and_gets_one_after_the_log_in(society, person):
    owner = society.get(email="staff@example.org").profile
    person.page.goto(owner.get_absolute_url())

    expect(person.page.get_by_text("and their resumes")).to_be_visible()
    person.look()
    person.click("link", "Log in", within=person.page.get_by_role("main"))
    person.type("Email", "member@example.org")
    person.type("Password", PASSWORD)
    person.look()
    person.click("button", "Log in", within=person.page.get_by_role("main"))
    person.look()
    with person.page.expect_download() as opened:
        person.click("link", "Open resume")

    assert opened.value.suggested_filename == "Tadhg Ó Briain - resume.pdf"
