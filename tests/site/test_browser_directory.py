"""The directory in a browser: on a phone, and without JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from profiles.models import Profile
from tests.conftest import make_member

from .test_browser import (  # noqa: F401 - fixtures
    browser,
    live_server,
    log_in,
    page,
    pytestmark,
    requests_ended,
)

# ruff: noqa: F811 - fixtures are named as what is imported

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
QUERIES = ["", f"?q={LONG_WORD}", f"?skill={LONG_WORD}&place=X", "?sort=new&page=2"]


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("query", QUERIES)
def test_no_word_moves_the_page_sideways(page, member, width, query, tmp_path):
    for number in range(60):
        make_member(f"m{number}@example.org", name=f"Member {number}")
    Profile.objects.filter(name="Member 0").update(name="Ute " + LONG_WORD, bio=LONG_WORD)
    long = Profile.objects.get(name__startswith="Ute")
    long.headline, long.place, long.links = (
        LONG_WORD,
        LONG_WORD,
        f"https://{LONG_WORD[:60]}.example",
    )
    long.skills = f"{LONG_WORD[:40]}, {LONG_WORD[40:]}"
    long.save()
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, member.email)

    for address in [f"/members/{query}", long.get_absolute_url(), "/", "/me/edit/"]:
        page.goto(address)
        page.screenshot(path=tmp_path / "page.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == width, address
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_a_visitor_filters_jumps_and_pages_by_links_and_a_form_alone(browser, live_server):
    for number in range(60):
        make_member(f"m{number}@example.org", name=f"Member {number:02}", visibility="public")
    zoe = make_member("zoe@example.org", name="Zoë", visibility="public").profile
    zoe.place, zoe.place_visibility = "Zanzibar, Tanzania", "everyone"
    zoe.save()
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()

    page.goto("/members/")
    page.get_by_role("link", name="Z", exact=True).click()
    expect(page.locator(".card")).to_have_count(1)
    page.get_by_role("link", name="All", exact=True).click()
    page.get_by_role("link", name="Page 3").click()
    expect(page.locator(".card")).to_have_count(13)
    page.get_by_label("Place").fill("Zanzibar")
    page.get_by_label("Order").select_option("new")
    page.get_by_role("searchbox").fill("zoe")
    page.get_by_role("button", name="Search").click()

    expect(page.locator(".card a")).to_have_text(["Zoë"])
    assert "sort=new" in page.url
    context.close()


def test_skills_are_suggested_while_one_types_and_the_text_keeps_the_others(page, member):
    profile = make_member("mary@example.org", name="Mary").profile
    profile.skills = "Peat coring, PostGIS"
    profile.save()
    log_in(page, member.email)

    page.goto("/me/edit/")
    skills = page.get_by_label("Skills", exact=True)
    skills.press_sequentially("R, po")
    expect(page.locator(".suggested")).to_have_attribute("aria-live", "polite")
    page.get_by_role("button", name="PostGIS").click()
    expect(skills).to_have_value("R, PostGIS, ")
    page.get_by_role("button", name="Save profile").click()
    page.get_by_role("link", name="PostGIS").click()
    expect(page.locator(".card")).to_have_count(2)

    page.get_by_label("And the skill").press_sequentially("pe")
    expect(page.locator("datalist option")).to_have_text(["Peat coring"])
    page.get_by_label("And the skill").fill("Peat coring")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".card a")).to_have_text(["Mary"])
    page.get_by_role("link", name="Remove the filter: Peat coring").click()
    expect(page.locator(".card")).to_have_count(2)
