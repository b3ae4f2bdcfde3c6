"""The staff's pages in a browser, and the first pages of a new member."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from portal.accounts.invitations import invitation_url
from portal.outbox.models import OutgoingMessage
from profiles.models import User
from tests.conftest import make_member
from tests.support.moments import GO

from .test_browser import (  # noqa: F401 - fixtures
    browser,
    live_server,
    log_in,
    page,
    pytestmark,
    requests_ended,
)

# ruff: noqa: F811 - fixtures are named as what is imported

LONG_ADDRESS = "a.rather.long.address.of.a.member@department.of.an.institute.example.org"
# Of each cell, header and box of a list: whether its text reaches out of the window, or of itself.
CUT_OFF = """() => [...document.querySelectorAll(".results, #result_list :is(td, th)")]
    .filter(cell => cell.offsetWidth)
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1
        || cell.getBoundingClientRect().right > window.innerWidth)
    .map(cell => cell.className + ": " + cell.innerText.slice(0, 40))"""


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(
    "listed", ["profiles/user", "profiles/resumedownload", "outbox/outgoingmessage"]
)
def test_nothing_of_a_list_is_cut_off(page, staff, owner, width, listed):
    OutgoingMessage.objects.create(to=LONG_ADDRESS, subject="Your invitation")
    reader = make_member(LONG_ADDRESS, name="Maria Fernanda de Albuquerque e Vasconcelos")
    owner.profile.downloads.create(member=reader)
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, staff.email)

    page.goto(f"/admin/{listed}/")

    address = page.get_by_text(LONG_ADDRESS)
    expect(address).to_be_visible()
    assert address.bounding_box()["height"] < 70  # a few lines, and not one for each letter
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 360])
def test_staff_choose_a_member_from_the_list_on_a_screen_of_any_width(page, staff, owner, width):
    make_member("ada@example.org", name="Ada Lovelace")
    page.set_viewport_size({"width": width, "height": 800})
    log_in(page, staff.email)

    page.goto("/admin/profiles/user/")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Mary Somerville"))
    row.get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("delete_selected")
    page.get_by_role("button", name=GO).click()
    page.get_by_role("button", name="Yes").click()

    expect(page.get_by_text("Successfully deleted 1 member")).to_be_visible()
    assert not User.objects.filter(pk=owner.pk).exists()


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_an_invited_member_comes_in(browser, live_server, width, scheme):
    newcomer = User.objects.create_user("new@example.org")
    newcomer.profile.name = "Newcomer"
    newcomer.profile.save()
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 800}
    )
    page = context.new_page()
    link = invitation_url(newcomer, live_server.url)

    page.goto(link)
    assert (
        page.url == f"{live_server.url}{'/'.join(['/accounts/invitation', link.split('/')[-3]])}/"
    )
    assert Axe().run(page).violations_count == 0
    page.get_by_label("New Password", exact=True).fill("my own long passphrase")
    page.get_by_label("New Password (again)").fill("my own long passphrase")
    page.get_by_role("button", name="Save the password").click()

    expect(page.get_by_text("Welcome, Newcomer.")).to_be_visible()
    assert page.url == f"{live_server.url}/"
    page.goto(link)
    expect(page.get_by_text("does not work any more")).to_be_visible()
    assert Axe().run(page).violations_count == 0
    context.close()
