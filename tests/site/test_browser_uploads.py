"""Choosing a photo and a resume as people do it: with and without JavaScript, in Chromium."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from profiles.models import Profile
from tests.conftest import PASSWORD
from tests.support import samples

from .test_browser import browser, live_server, page, pytestmark, requests_ended  # noqa: F401

READY = "is ready. It takes effect when you save."
KEPT = "is kept. It takes effect when you save."


@pytest.fixture
def chosen(tmp_path):
    """Files on the person's disk."""
    contents = {
        "photo.jpg": samples.jpeg((4000, 3000)),
        "cv.pdf": samples.pdf(pages=2),
        "wrong.pdf": samples.HTML,
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def log_in(page):  # noqa: F811
    page.goto("/accounts/login/?next=/me/edit/")
    page.fill("[name=login]", "ada@example.org")
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    expect(page.get_by_role("heading", name="Edit profile")).to_be_visible()


def violations(page):  # noqa: F811
    return [found["id"] for found in Axe().run(page).response["violations"]]


def test_what_was_chosen_is_seen_before_it_is_saved(page, member, chosen):  # noqa: F811
    """A wrong resume does not cost the photo; numbers cut it, by keyboard too."""
    log_in(page)
    photo, resume = page.locator("[data-upload]").all()

    photo.locator("[type=file]").set_input_files(chosen / "photo.jpg")
    expect(photo.locator("output")).to_contain_text(READY, timeout=30_000)
    resume.locator("[type=file]").set_input_files(chosen / "wrong.pdf")
    expect(resume.locator("output")).to_contain_text("This is not a PDF.", timeout=30_000)
    resume.locator("[type=file]").set_input_files(chosen / "cv.pdf")
    expect(resume.locator("output")).to_contain_text(f"cv.pdf (2 pages) {READY}", timeout=30_000)

    before = photo.locator("[data-picture]").get_attribute("src")
    photo.locator("[name=avatar-zoom]").focus()
    page.keyboard.press("End")
    expect(photo.locator("[data-picture]")).not_to_have_attribute("src", before, timeout=30_000)
    for box in (photo, resume):
        expect(box.locator("[data-picture]")).to_be_visible()
        picture = box.locator("[data-picture]")
        picture.evaluate("image => image.decode()")  # waits until it has come
        assert picture.evaluate("image => image.naturalWidth") > 100
    expect(photo.locator("canvas")).to_be_visible()
    assert violations(page) == []

    page.click("main form button[type=submit]")
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert violations(page) == []
    profile = Profile.objects.get(user=member)
    assert profile.avatar
    assert profile.resume_pages == 2


def test_what_was_chosen_before_the_script_came_is_sent_too(page, member, chosen):  # noqa: F811
    late = []
    page.route("**/uploads*.js", lambda route: late.append(route))
    log_in(page)

    page.locator("[name=resume]").set_input_files(chosen / "cv.pdf")
    late[0].continue_()

    expect(page.locator("[data-upload] output").last).to_contain_text(READY, timeout=30_000)


def test_a_file_that_is_too_large_is_not_sent_and_costs_nothing_else(
    page,  # noqa: F811
    member,
    chosen,
    settings,
):
    settings.AVATAR_MAX_BYTES = 1_000_000
    (chosen / "photo.jpg").write_bytes(b"x" * 1_000_001)
    log_in(page)
    page.route("**/me/uploads/**", lambda route: pytest.fail("it was sent"))
    photo = page.locator("[data-upload]").first

    photo.locator("[type=file]").set_input_files(chosen / "photo.jpg")
    words = "photo.jpg: This file is larger than 1 MB. Please choose a smaller one."
    expect(photo.locator("output")).to_have_text(words)
    page.fill("[name=headline]", "Typed before")
    page.click("main form button[type=submit]")

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert Profile.objects.get(user=member).headline == "Typed before"


def test_the_button_says_what_the_form_waits_for(page, member, chosen):  # noqa: F811
    log_in(page)
    button = page.locator("main form button[type=submit]")
    page.route("**/me/uploads/**", lambda route: None)  # never answered

    page.locator("[name=resume]").set_input_files(chosen / "cv.pdf")

    expect(button).to_have_text("Sending files …")
    expect(button).to_be_disabled()


def test_a_connection_that_breaks_leaves_the_file_in_the_form(
    page,  # noqa: F811
    member,
    chosen,
):
    log_in(page)
    page.evaluate(
        "window.XMLHttpRequest.prototype.send = function () {"
        " setTimeout(() => this.dispatchEvent(new Event('error'))) }"
    )

    page.locator("[name=resume]").set_input_files(chosen / "cv.pdf")
    expect(page.locator("[data-upload] output").last).to_contain_text("is sent when you save")
    page.click("main form button[type=submit]")

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    assert Profile.objects.get(user=member).resume_pages == 2


@pytest.mark.whole
def test_a_form_asks_before_it_is_left_unsaved_and_only_then(page, member, chosen):  # noqa: F811
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    log_in(page)

    page.get_by_role("link", name="Members").first.click()  # nothing is typed
    page.goto("/me/edit/")
    page.locator("[name=avatar]").set_input_files(chosen / "photo.jpg")
    expect(page.locator("output").first).to_contain_text(READY, timeout=30_000)
    assert asked == []
    page.get_by_role("link", name="Members").first.click(no_wait_after=True)
    expect(page.get_by_role("heading", name="Edit profile")).to_be_visible()
    assert asked == ["beforeunload"]

    page.fill("[name=name]", "")
    page.click("main form button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved yet")
    page.get_by_role("link", name="Members").first.click(no_wait_after=True)
    expect(page.get_by_role("alert")).to_be_visible()
    assert asked == ["beforeunload"] * 2

    page.fill("[name=name]", "Ada")
    page.click("main form button[type=submit]")
    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    page.goto("/me/edit/")
    page.fill("[name=name]", "Adah")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", name="Ada", exact=True)).to_be_visible()
    assert asked == ["beforeunload"] * 2


def test_without_javascript_an_error_keeps_what_was_chosen(
    browser,  # noqa: F811
    live_server,  # noqa: F811
    member,
    chosen,
):
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, viewport={"width": 360, "height": 800}
    )
    page = context.new_page()  # noqa: F811
    log_in(page)

    page.locator("[name=avatar]").set_input_files(chosen / "photo.jpg")
    page.locator("[name=resume]").set_input_files(chosen / "cv.pdf")
    page.fill("[name=name]", "")
    page.click("main form button[type=submit]")
    for box in page.locator("[data-upload] output").all():
        expect(box).to_contain_text(KEPT)
    page.fill("[name=name]", "Ada")
    page.click("main form button[type=submit]")

    expect(page.get_by_text("Your profile is saved.")).to_be_visible()
    profile = Profile.objects.get(user=member)
    assert profile.avatar_small
    assert profile.resume_picture
    context.close()


def test_the_admin_sends_at_once_too(page, staff, member, chosen):  # noqa: F811
    page.goto(f"/accounts/login/?next=/admin/profiles/user/{member.pk}/change/")
    page.fill("[name=login]", staff.email)
    page.fill("[name=password]", PASSWORD)
    page.click("main button[type=submit]")

    page.locator("[name=profile-0-resume]").set_input_files(chosen / "cv.pdf")

    box = page.locator("[data-upload]").filter(has=page.locator("[name=profile-0-resume]"))
    expect(box.locator("output")).to_contain_text(READY, timeout=30_000)
    page.click("[name=_save]")
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    assert Profile.objects.get(user=member).resume_pages == 2
