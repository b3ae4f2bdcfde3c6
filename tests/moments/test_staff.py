"""What the staff do: name the society, invite, add what others send, and help."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from profiles.management.commands.seed_demo import DEMO
from profiles.models import Profile, User
from tests.conftest import PASSWORD
from tests.site.test_browser import pytestmark  # noqa: F401

NEWCOMERS = "Ida Hartmann, ida@example.org\nPetra Ødegård, petra@example.org\n"


def draw_logo():
    """Three waves in a ring."""
    logo = Image.new("RGB", (400, 400), "white")
    pen = ImageDraw.Draw(logo)
    pen.ellipse((10, 10, 390, 390), outline="#0b5c63", width=24)
    for top in (130, 200, 270):
        for left in (90, 200):
            pen.arc((left, top - 40, left + 110, top + 40), 200, 340, fill="#c0402b", width=20)
    return logo


@pytest.fixture
def tadhg(society):
    """The keeper of the keys, who is staff."""
    return society.get(email="staff@example.org")


@pytest.mark.moment(17, "staff", "names the society, adds a logo, invites", clicks=6)
def test_a_first_start_leads_to_a_society_with_its_first_members(
    transactional_db, person, log_in, tmp_path
):
    first = User.objects.create_superuser("founder@example.org", PASSWORD)
    logo = tmp_path / "logo.png"
    draw_logo().save(logo)
    log_in(person, first)
    page = person.page

    person.look()
    person.click("link", "Name your society")
    person.type("Name", "The Tide Tables", exact=True)
    page.locator("input[type=file][name=logo]").set_input_files(logo)
    person.look()
    person.click("button", "Save", exact=True)
    expect(page.get_by_text("This is the portal of The Tide Tables now.")).to_be_visible()
    person.look()
    person.click("link", "Invite your first members")
    page.get_by_role("textbox").last.fill(NEWCOMERS)
    person.look()
    person.click("button", "Look at it")
    person.look()
    person.click("button", "Invite 2 people")

    expect(page.get_by_text("2 invited.")).to_be_visible()
    person.look()


@pytest.mark.moment(18, "staff", "invites one person")
def test_staff_invite_one_person(tadhg, person, log_in):
    log_in(person, tadhg)

    person.click("link", "Admin")
    person.look()
    person.click("link", "Add", within=person.page.get_by_role("row", name="Members"))
    person.type("E-mail address", "ida@example.org")
    person.type("Name", "Ida Hartmann", exact=True)
    person.look()
    person.click("button", "Save", exact=True)

    expect(person.page.get_by_text("was added successfully").first).to_be_visible()
    person.look()


@pytest.mark.moment(21, "staff", "adds a photo and a resume for one member")
def test_staff_add_a_photo_and_a_resume_for_a_member(tadhg, society, person, log_in):
    hanae = society.get(email="hanae.tsukumo@example.org").profile
    Profile.objects.filter(pk=hanae.pk).update(avatar="", avatar_small="", resume="")
    log_in(person, tadhg, hanae.get_absolute_url())
    page = person.page

    person.click("link", "Edit in the admin")
    for field, file in {
        "avatar": DEMO / "avatars" / "hanae-tsukumo.webp",
        "resume": DEMO / "resumes" / "purnawati.pdf",
    }.items():
        page.locator(f"input[name=profile-0-{field}]").set_input_files(file)
    if person.device.has_scripts:
        expect(page.get_by_text("is ready.")).to_have_count(2, timeout=30_000)
    person.look()
    person.click("button", "Save", exact=True)

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    person.look()
    hanae.refresh_from_db()
    assert hanae.avatar
    assert hanae.resume


@pytest.mark.moment(23, "staff", "removes a lost second factor; deactivates somebody")
def test_staff_remove_a_second_factor_and_deactivate_somebody(tadhg, society, person, log_in):
    eilidh = society.get(email="member@example.org")
    TOTP.activate(eilidh, generate_totp_secret())
    page = person.page
    log_in(person, tadhg, eilidh.profile.get_absolute_url())

    person.click("link", "Edit in the admin")
    person.look()
    person.click("link", "Remove second factors")
    person.look()
    person.click("button", "Remove all of them")
    expect(page.get_by_text("A password is enough again.")).to_be_visible()
    person.look()
    person.part()
    page.get_by_label("Active").uncheck()
    person.clicks[-1] += 1
    person.click("button", "Save", exact=True)

    expect(page.get_by_text("was changed successfully")).to_be_visible()
    eilidh.refresh_from_db()
    assert not eilidh.authenticator_set.exists()
    assert not eilidh.is_active
