"""E1 in Chromium: an invited member changes the address, with everything that goes wrong."""

import os
from pathlib import Path

import pytest
from django.core import mail
from django.test import Client
from playwright.sync_api import expect

from profiles.models import User
from tests.accounts.address_steps import link_to
from tests.conftest import PASSWORD, make_member
from tests.site.test_browser import (  # noqa: F401 - fixtures
    assert_accessible,
    browser,
    live_server,
    log_in,
    page,
    pytestmark,
    requests_ended,
)

MISTYPED = "tpyo@example.org"
STORED = "zoe@xn--mller-kva.example"
PICTURES = os.environ.get("PICTURES")  # a folder, to look at the pages


def picture(page, name):  # noqa: F811
    if PICTURES:
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=Path(PICTURES) / f"{name}-{width}.png", full_page=True)


@pytest.fixture
def pages(browser, live_server):  # noqa: F811
    """Make pages of browsers of their own, of different members."""
    contexts = []

    def new_page(**options):
        contexts.append(browser.new_context(base_url=live_server.url, **options))
        return contexts[-1].new_page()

    yield new_page
    for context in contexts:
        context.close()


def invited_member(staff) -> str:
    """Invite somebody, and return the link that was sent."""
    office = Client()
    office.force_login(staff)
    office.post("/admin/profiles/user/add/", {"email": "zoe@example.org", "name": "Zoé"})
    return link_to("zoe@example.org")


def ask_for(page, address):  # noqa: F811
    """Ask for another address, and give the password if asked."""
    page.get_by_label("New address").fill(address)
    page.get_by_role("button", name="Change address").click()
    if page.url.partition("?")[0].endswith("/accounts/reauthenticate/"):
        picture(page, "reauthenticate")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()


def enter(page, email, address="/accounts/email/"):  # noqa: F811
    page.goto(address)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_an_invited_member_mistypes_the_new_address_and_gets_it_right(staff, page):  # noqa: F811
    page.goto(invited_member(staff))
    for label in ("New Password", "New Password (again)"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    page.context.clear_cookies()

    enter(page, "zoe@example.org")
    picture(page, "change")
    ask_for(page, MISTYPED)
    expect(page.get_by_role("heading", name="Waiting for confirmation")).to_be_visible()
    picture(page, "waiting")
    page.context.clear_cookies()  # the session is lost

    enter(page, MISTYPED)  # after a slip, a member takes this for the address
    expect(page.get_by_text("are not correct")).to_be_visible()
    enter(page, "zoe@example.org")
    expect(page.get_by_role("strong").get_by_text(MISTYPED)).to_be_visible()
    page.get_by_role("button", name="Keep the old address").click()
    expect(page.get_by_text("You keep zoe@example.org.")).to_be_visible()
    picture(page, "kept")

    ask_for(page, "zoé@müller.example")
    expect(page.get_by_text("before the @ is not a name")).to_be_visible()
    picture(page, "refused")
    ask_for(page, "\u200bZoe@Müller.example\u200b ")
    expect(page.get_by_text("on its way to zoe@müller.example.")).to_be_visible()
    page.goto(link_to(MISTYPED))
    expect(page.get_by_role("heading", name="does not work any more")).to_be_visible()
    picture(page, "ended")
    page.goto(link_to(STORED))
    picture(page, "confirm")
    page.get_by_role("button", name="Use the new address").click()

    expect(page.get_by_text("From now on you log in with zoe@müller.example.")).to_be_visible()
    picture(page, "confirmed")
    page.get_by_role("button", name="Log out").click()
    enter(page, "zoe@müller.example")
    expect(page.get_by_role("strong").get_by_text("zoe@müller.example")).to_be_visible()
    page.complaints.clear()  # no page of these was missing


def test_two_members_ask_for_one_address_at_once(pages):
    ada, grace = pages(), pages()
    for visitor, email in ((ada, "ada@example.org"), (grace, "grace@example.org")):
        make_member(email)
        enter(visitor, email)
        ask_for(visitor, "shared@example.org")
    to_ada, to_grace = [m for m in mail.outbox if m.to == ["shared@example.org"]]
    links = [message.body.split("http://")[1].split()[0] for message in (to_ada, to_grace)]

    ada.goto(f"http://{links[1]}")
    expect(ada.get_by_role("heading", name="for another account")).to_be_visible()
    picture(ada, "not-yours")
    for visitor, link in zip((ada, grace), links, strict=True):
        visitor.goto(f"http://{link}")
        expect(visitor.get_by_role("button", name="Use the new address")).to_be_visible()
    for visitor in (ada, grace):
        visitor.get_by_role("button", name="Use the new address").click()

    expect(ada.get_by_text("From now on you log in with shared@example.org.")).to_be_visible()
    expect(grace.get_by_role("heading", name="belongs to another account")).to_be_visible()
    picture(grace, "taken")
    emails = User.objects.order_by("pk").values_list("email", flat=True)
    assert list(emails) == ["shared@example.org", "grace@example.org"]


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_every_page_of_a_change_is_accessible(pages, width, scheme):
    """No fault that axe can find, and nothing to scroll sideways for."""
    long_address = f"{'a-very-long-name' * 3}@{'label-of-a-domain.' * 4}example"
    make_member("ada@example.org")
    make_member("grace@example.org")
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    member, other, visitor = (pages(**options) for _ in range(3))
    log_in(other, "grace@example.org")
    enter(member, "ada@example.org")
    ask_for(member, long_address)
    link = link_to(long_address)

    for page in (member, other, visitor):  # noqa: F402
        assert_accessible(page, link)
    for page in (member, visitor):
        assert_accessible(page, "/accounts/confirm-email/ended/")
        assert_accessible(page, "/accounts/confirm-email/")
    assert_accessible(member, "/accounts/email/")
    picture(visitor, f"log-in-{scheme}")
    picture(member, f"long-{scheme}")
    make_member(long_address)
    assert_accessible(member, link)
