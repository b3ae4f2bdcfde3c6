"""What the staff do with many at once: forty people from a spreadsheet, sixty photos."""

from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from portal.outbox.models import OutgoingMessage
from profiles.invitations.models import Invitation
from profiles.management.commands.seed_demo import DEMO
from profiles.models import Profile, User
from tests.conftest import make_member
from tests.profiles.invitations.sheets import xlsx
from tests.site.test_browser import pytestmark  # noqa: F401
from tests.support.moments import GO

PEOPLE, PHOTOS = 40, 60
AT_ONCE = 10  # files, without JavaScript
GIVEN = ("Ana", "Bo", "Chidi", "Dag", "Esi", "Finn", "Gul", "Hina", "Ivo", "Jun")
FAMILY = ("Arden", "Brook", "Cliffe", "Dale", "Eyot", "Fell")
NAMES = [f"{given} {family}" for given, family in product(GIVEN, FAMILY)]


@pytest.fixture
def tadhg(society):
    """The keeper of the keys, who is staff."""
    return society.get(email="staff@example.org")


@pytest.mark.moment(19, "staff", "invites 40 from a spreadsheet; again who never came", clicks=10)
def test_staff_invite_forty_from_a_spreadsheet(tadhg, person, log_in, tmp_path):
    before = User.objects.count()
    file = tmp_path / "members.xlsx"
    rows = [[name, f"{name.replace(' ', '.').lower()}@example.org"] for name in NAMES[:PEOPLE]]
    file.write_bytes(xlsx([["Name", "E-mail"], *rows]))
    log_in(person, tadhg)
    page = person.page

    person.click("link", "Admin")
    person.click("link", "Invite from a list")
    page.locator("[name=file]").set_input_files(file)
    person.click("button", "Look at it")
    person.look()
    person.click("button", f"Invite {PEOPLE} people")
    expect(page.get_by_text(f"{PEOPLE} invited.")).to_be_visible()
    person.look()
    long_ago = timezone.now() - timedelta(days=15)
    OutgoingMessage.objects.update(finished_at=long_ago)
    Invitation.objects.update(invited_at=long_ago)
    person.click("link", "Pending invitations")
    expect(page.get_by_text("expired (40)")).to_be_visible()
    person.look()
    person.click("link", "expired (40)")
    if person.device.has_scripts:
        person.tick(page.locator("#action-toggle"))
        person.select("Action:", "invite_again")
        person.click("button", GO)
    else:
        person.click("button", "Send a new link to all 40")

    expect(page.get_by_text(f"On the way to {PEOPLE}.")).to_be_visible()
    assert User.objects.count() == before + PEOPLE
    assert OutgoingMessage.objects.count() == 2 * PEOPLE


@pytest.mark.whole
@pytest.mark.moment(20, "staff", "adds 60 photos from a folder", clicks=10)
def test_staff_add_sixty_photos_from_a_folder(tadhg, person, log_in, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    portraits = sorted((DEMO / "avatars").glob("*.webp"))
    for i, name in enumerate(NAMES):
        make_member(f"person{i}@example.org", name=name)
        copy = folder / f"{'_'.join(reversed(name.split()))} (1).webp"
        copy.write_bytes(portraits[i % len(portraits)].read_bytes())
    (folder / ".DS_Store").write_bytes(b"no photo")
    before = Profile.objects.exclude(avatar="").count()
    log_in(person, tadhg)
    page = person.page

    person.click("link", "Admin")
    person.click("link", "Photos and resumes")
    if person.device.has_scripts:
        page.locator("#folder").set_input_files(folder)
        expect(page.get_by_text(f"{PHOTOS} of {PHOTOS} checked.")).to_be_visible(timeout=120_000)
        page.complaints[:] = [each for each in page.complaints if "503" not in each]  # sent again
    else:
        paths = sorted(folder.glob("*.webp"))
        for start in range(0, PHOTOS, AT_ONCE):
            files = paths[start : start + AT_ONCE]
            page.locator("#files").set_input_files(files)
            person.click("button", "Send them")
            expect(page.get_by_text(files[-1].name)).to_be_visible()
    person.look()
    person.click("button", "Save all that have a member")

    expect(page.get_by_text(f"Saved: {PHOTOS}.")).to_be_visible(timeout=60_000)
    person.look()
    assert Profile.objects.exclude(avatar="").count() == before + PHOTOS
