"""Pages in German, whose words are long, and in letters that run to the left, in Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from profiles.models import ResumeDownload, User
from tests.conftest import PASSWORD
from tests.site.test_browser import (  # noqa: F401 - fixtures
    browser,
    live_server,
    pytestmark,
    requests_ended,
)

# ruff: noqa: F811 - fixtures are named as what is imported

VISITORS = ["/", "/members/", "/accounts/login/", "/accounts/password/reset/", "/nothing/"]
MEMBERS = ["/", "/me/", "/me/edit/", "/me/resume/opened/", "/me/data/", "/accounts/2fa/"]
STAFF = ["/admin/", "/admin/profiles/user/", "/admin/profiles/user/files/"]


@pytest.fixture
def society(owner, member, staff):
    """A member whose resume was opened, and whom everybody sees."""
    owner.profile.headline = "Mathematics, and whatever the sky does"
    owner.profile.visibility = "public"
    owner.profile.place, owner.profile.place_visibility = "Galway, Ireland", "everyone"
    owner.profile.skills, owner.profile.phone = "Algebra, Optics", "+44 1632 960961"
    owner.profile.save()
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    return owner


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize(("language", "direction"), [("de", "ltr"), ("he-xa", "rtl")])
def test_no_language_breaks_a_page(
    browser, live_server, society, staff, mirrored, language, direction, width, tmp_path
):
    """No page can be moved sideways, and axe finds nothing."""
    User.objects.update(language=language)
    headers = {"Accept-Language": language}
    context = browser.new_context(
        base_url=live_server.url,
        extra_http_headers=headers,
        viewport={"width": width, "height": 800},
    )
    page = context.new_page()
    wide, faults = [], []

    def look(who, address):
        assert page.goto(address).status in {200, 404}, address
        assert page.locator("html").get_attribute("dir") == direction, address
        name = address.strip("/").replace("/", "-") or "home"
        page.screenshot(path=tmp_path / f"{who}-{name}.png", full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(address)
        if not address.startswith("/admin/"):  # Django's own pages, which we do not paint
            found = Axe().run(page)
            faults.extend([found.generate_report()] if found.violations_count else [])

    for address in [*VISITORS, society.profile.get_absolute_url()]:
        look("visitor", address)
    for who, user, addresses in [("member", society, MEMBERS), ("staff", staff, STAFF)]:
        context.clear_cookies()
        page.goto("/accounts/login/")
        page.locator("[name=login]").fill(user.email)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main button[type=submit]").click()
        page.wait_for_url("**/")
        for address in addresses:
            look(who, address)
    context.close()

    assert wide == []
    assert faults == []
