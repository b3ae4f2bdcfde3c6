"""The staff's month in a browser: 40 people from a spreadsheet, 60 photos from a folder.

Moments 19 and 20: each in fewer than ten clicks.
"""

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from portal.outbox.models import OutgoingMessage
from profiles.batches import views as batches
from profiles.invitations.models import Invitation
from profiles.models import Profile, User
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.profiles.invitations.sheets import xlsx
from tests.support import samples

from .test_browser import browser, live_server, log_in, page, pytestmark  # noqa: F401 - fixtures

# ruff: noqa: F811 - fixtures are named as what is imported

MOST_CLICKS = 10
PEOPLE, PHOTOS = 40, 60
FILES = "/admin/profiles/user/files/"


class Hand:
    """Clicks as a person does, and counts."""

    def __init__(self, page):
        self.page, self.clicks = page, 0

    def click(self, role, name):
        self.clicks += 1
        self.page.get_by_role(role, name=name).first.click()

    def choose(self, locator, files):
        """Choose files: one click opens the dialogue, one closes it."""
        self.clicks += 2
        locator.set_input_files(files)


def is_sound(page, width) -> bool:
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    return page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
def test_forty_members_are_invited_from_a_spreadsheet(page, staff, tmp_path, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    file = tmp_path / "members.xlsx"
    rows = [[f"Person {i}", f"person{i}@example.org"] for i in range(PEOPLE)]
    file.write_bytes(xlsx([["Name", "E-mail"], *rows]))
    log_in(page, staff.email)
    hand = Hand(page)

    hand.click("link", "Admin")
    hand.click("link", "Invite from a list")
    assert is_sound(page, width)
    hand.choose(page.locator("[name=file]"), file)
    hand.click("button", "Look at it")
    assert is_sound(page, width)
    hand.click("button", f"Invite {PEOPLE} people")

    expect(page.get_by_text(f"{PEOPLE} invited.")).to_be_visible()
    assert is_sound(page, width)
    assert User.objects.filter(is_staff=False).count() == PEOPLE
    long_ago = timezone.now() - timedelta(days=15)
    OutgoingMessage.objects.update(finished_at=long_ago)
    Invitation.objects.update(invited_at=long_ago)
    hand.click("link", "Pending invitations")
    expect(page.get_by_text("expired (40)")).to_be_visible()
    assert is_sound(page, width)
    hand.clicks += 3  # tick all, choose the action, go
    page.locator("#action-toggle").check()
    page.get_by_label("Action:").select_option("invite_again")
    page.get_by_role("button", name="Go").click()

    expect(page.get_by_text(f"On the way to {PEOPLE}.")).to_be_visible()
    assert OutgoingMessage.objects.count() == 2 * PEOPLE
    assert hand.clicks <= MOST_CLICKS


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1280, "dark")])
def test_sixty_photos_are_added_from_a_folder(page, staff, tmp_path, width, scheme):
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(PHOTOS):
        name = f"{chr(ord('A') + i // 8)}nna {chr(ord('P') + i % 8)}rown"
        make_member(f"person{i}@example.org", name=name)
        (folder / f"{'_'.join(reversed(name.split()))} (1).jpg").write_bytes(samples.jpeg((90, 90)))
    (folder / ".DS_Store").write_bytes(b"no photo")
    log_in(page, staff.email)
    hand = Hand(page)

    hand.click("link", "Admin")
    hand.click("link", "Photos and resumes")
    hand.choose(page.locator("#folder"), folder)
    expect(page.get_by_text(f"{PHOTOS} of {PHOTOS} checked.")).to_be_visible(timeout=120_000)
    assert is_sound(page, width)
    hand.click("button", "Save all that have a member")

    expect(page.get_by_text(f"Saved: {PHOTOS}.")).to_be_visible(timeout=60_000)
    assert Profile.objects.exclude(avatar="").count() == PHOTOS
    assert hand.clicks <= MOST_CLICKS
    page.complaints[:] = [each for each in page.complaints if "503" not in each]  # sent again


def test_a_busy_site_is_asked_again(page, staff, member, tmp_path, monkeypatch):
    file = tmp_path / "Ada Lovelace.jpg"
    file.write_bytes(samples.jpeg((90, 90)))
    receive, attempts = batches.receive, []

    def busy_once(*args):
        attempts.append(args)
        if len(attempts) == 1:
            raise Busy
        return receive(*args)

    monkeypatch.setattr(batches, "receive", busy_once)
    monkeypatch.setattr(batches, "RETRY_SECONDS", 1)
    log_in(page, staff.email)
    page.goto(FILES)

    page.locator("#files").set_input_files(file)

    expect(page.get_by_text("1 of 1 checked.")).to_be_visible(timeout=30_000)
    assert len(attempts) == 2
    page.complaints.clear()  # the 503 is what was wanted


def test_without_javascript_ten_files_travel_at_a_time(browser, live_server, staff, tmp_path):
    paths = []
    for i in range(10):
        make_member(f"person{i}@example.org", name=f"{chr(ord('A') + i)}nna Brown")
        paths.append(tmp_path / f"Brown {chr(ord('A') + i)}nna.jpg")
        paths[-1].write_bytes(samples.jpeg((90, 90)))
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 360, "height": 800}
    )
    page = context.new_page()
    log_in(page, staff.email)
    page.goto(FILES)

    page.locator("#files").set_input_files(paths)
    page.get_by_role("button", name="Send them").click()
    expect(page.get_by_text("Brown Jnna.jpg")).to_be_visible()
    page.get_by_role("button", name="Save all that have a member").click()

    expect(page.get_by_text("Saved: 10.")).to_be_visible()
    assert Profile.objects.exclude(avatar="").count() == 10
    context.close()
