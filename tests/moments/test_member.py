"""What members do: come in, show themselves, find others, and see who opened their resume."""

from functools import cache
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import expect

from portal.accounts.invitations import invitation_url
from profiles.management.commands.seed_demo import DEMO
from profiles.models import Profile, User
from tests.conftest import PASSWORD
from tests.site.test_browser import pytestmark  # noqa: F401
from tests.support import samples

READY = "is ready. It takes effect when you save."


@cache
def photo(turned=0) -> bytes:
    """A photo of 12 megapixels, wider than high."""
    portrait = Image.open(DEMO / "avatars" / "aroha-te-whiri.webp").convert("RGB")
    wide = Image.new("RGB", (4000, 3000), portrait.getpixel((4, 4)))
    wide.paste(portrait.resize((2600, 2600)), (1000, 400))
    out = BytesIO()
    wide.rotate(turned, expand=True).save(out, "JPEG", quality=80)
    return out.getvalue()


@pytest.fixture
def newcomer(society):
    """A member with no more than a name."""
    user = User.objects.create_user("aroha@example.org", PASSWORD)
    user.profile.name = "Aroha Te Whiri"
    user.profile.save()
    return user


@pytest.fixture
def eilidh(society):
    return society.get(email="member@example.org")


@pytest.fixture
def files(tmp_path):
    """What lies on the newcomer's disk."""
    (tmp_path / "beach.jpg").write_bytes(photo())
    (tmp_path / "sideways.jpg").write_bytes(photo(turned=90))
    cv = (DEMO / "resumes" / "purnawati.pdf").read_bytes()
    (tmp_path / "cv.pdf").write_bytes(cv)
    (tmp_path / "cv (saved from a page).pdf").write_bytes(samples.HTML)
    return tmp_path


@pytest.mark.moment(4, "member", "follows the invitation, is told what to do", clicks=2)
def test_a_newcomer_sets_a_password_and_is_told_what_to_do_first(newcomer, person, live_server):
    newcomer.set_unusable_password()
    newcomer.save()
    person.page.goto(invitation_url(newcomer, live_server.url))

    person.type("New Password", PASSWORD, exact=True)
    person.type("New Password (again)", PASSWORD, exact=True)
    person.look()
    person.click("button", "Save the password and go in")

    expect(person.page.get_by_role("heading", name="Show your face")).to_be_visible()
    person.look()
    person.click("link", "Add a photo")
    expect(person.page.get_by_role("heading", name="Edit profile")).to_be_visible()


@pytest.mark.moment(5, "member", "adds a photo and a resume, sees both first", clicks=4)
def test_a_wrong_resume_does_not_cost_the_photo(newcomer, person, log_in, files):
    log_in(person, newcomer)

    person.click("link", "Add a photo")
    photo, resume = (person.page.locator(f"input[type=file][name={name}]") for name in FILES)
    photo.set_input_files(files / "beach.jpg")
    resume.set_input_files(files / "cv (saved from a page).pdf")
    if person.device.has_scripts:
        said = person.page.locator("[data-upload] output")
        expect(said.first).to_contain_text(READY, timeout=30_000)
        expect(said.last).to_contain_text("This is not a PDF.", timeout=30_000)
        resume.set_input_files(files / "cv.pdf")
        expect(said.last).to_contain_text(READY, timeout=30_000)
    else:
        person.click("button", "Save profile")
        wrong = person.page.get_by_role("main").locator(".errorlist li")
        expect(wrong).to_contain_text("This is not a PDF.")
        resume.set_input_files(files / "cv.pdf")
    person.look()
    person.click("button", "Save profile")

    expect(person.page.get_by_text("Your profile is saved.")).to_be_visible()
    person.look()
    saved = Profile.objects.get(user=newcomer)
    assert saved.avatar
    assert saved.resume_pages


FILES = ("avatar", "resume")


@pytest.mark.moment(6, "member", "turns and crops the photo", needs_scripts=True)
def test_a_member_turns_and_crops_the_photo(newcomer, person, log_in, files):
    log_in(person, newcomer, "/me/edit/")
    box = person.page.locator("[data-upload]").first
    box.locator("[type=file]").set_input_files(files / "sideways.jpg")
    expect(box.locator("output")).to_contain_text(READY, timeout=30_000)
    shown = box.locator("[data-picture]")
    before = shown.get_attribute("src")

    expect(box.locator("canvas")).to_be_visible()
    person.select("Turn", "90")
    expect(shown).not_to_have_attribute("src", before, timeout=30_000)
    before = shown.get_attribute("src")
    person.page.get_by_label("Closer").focus()
    person.press("PageUp")
    expect(shown).not_to_have_attribute("src", before, timeout=30_000)
    person.look()
    person.click("button", "Save profile")

    expect(person.page.get_by_text("Your profile is saved.")).to_be_visible()
    person.look()


@pytest.mark.moment(7, "member", "sees the profile as a visitor and a member do", clicks=2)
def test_a_member_sees_the_profile_as_others_do(eilidh, person, log_in):
    log_in(person, eilidh, "/me/")

    person.click("link", "View as a visitor")
    expect(person.page.get_by_text("This is what a visitor gets")).to_be_visible()
    expect(person.page.get_by_text("read a rain gauge")).not_to_be_visible()
    person.look()
    person.click("link", "View as a member")
    expect(person.page.get_by_text("This is what a member gets")).to_be_visible()
    expect(person.page.get_by_text("read a rain gauge")).to_be_visible()
    person.look()


@pytest.mark.moment(8, "member", "finds people by typo, resume, place and skill")
def test_a_member_finds_people_by_what_is_half_remembered(eilidh, person, log_in):
    log_in(person, eilidh)
    page = person.page

    page.get_by_role("searchbox").fill("Lucja Wronksa")
    person.click("button", "Search")
    expect(page.get_by_role("link", name="Łucja Wrońska")).to_be_visible()
    person.look()
    person.part()
    page.get_by_role("searchbox").fill("midland peat coring")
    person.click("button", "Search")
    expect(page.get_by_role("link", name="Tadhg Ó Briain")).to_be_visible()
    person.look()
    person.part()
    person.click("link", "Show all")
    page.get_by_label("Place").fill("Galway")
    page.get_by_label("Skill").fill("GNSS")
    person.click("button", "Search")
    expect(page.locator(".card a")).to_have_text(["Tadhg Ó Briain"])
    person.look()


@pytest.mark.moment(9, "member", "opens a resume", clicks=1)
def test_a_member_opens_a_resume(eilidh, society, person, log_in):
    owner = society.get(email="staff@example.org").profile
    log_in(person, eilidh, owner.get_absolute_url())

    person.look()
    with person.page.expect_download() as opened:
        person.click("link", "Open resume")

    assert opened.value.suggested_filename == "Tadhg Ó Briain - resume.pdf"
    assert owner.downloads.filter(member=eilidh).count() == 2


@pytest.mark.moment(10, "member", "sees who opened the resume, and when", clicks=1)
def test_a_member_sees_who_opened_the_resume(eilidh, person, log_in):
    log_in(person, eilidh)

    person.look()
    person.click("link", "Everyone who opened it")

    expect(person.page.get_by_role("cell", name="Tadhg Ó Briain")).to_be_visible()
    person.look()
