"""Files by the hundred in a browser, when the site is busy and without JavaScript."""

from playwright.sync_api import expect

from profiles.batches import views as batches
from profiles.models import Profile
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.support import samples

from .test_browser import (  # noqa: F401 - fixtures
    browser,
    live_server,
    log_in,
    page,
    pytestmark,
    requests_ended,
)

# ruff: noqa: F811 - fixtures are named as what is imported

FILES = "/admin/profiles/user/files/"


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


def test_what_was_chosen_before_the_script_came_is_sent_too(page, staff, member, tmp_path):
    file, late = tmp_path / "Ada Lovelace.jpg", []
    file.write_bytes(samples.jpeg((90, 90)))
    page.route("**/batches*.js", lambda route: late.append(route))
    log_in(page, staff.email)
    page.goto(FILES, wait_until="commit")

    page.locator("#files").set_input_files(file)
    late[0].continue_()

    expect(page.get_by_text("1 of 1 checked.")).to_be_visible(timeout=30_000)


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
