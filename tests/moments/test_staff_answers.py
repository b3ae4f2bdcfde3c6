"""What the staff are asked: who lacks a photo or a resume, and who opened whose resume."""

import csv
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from profiles.models import Profile, ResumeDownload
from tests.site.test_browser import pytestmark  # noqa: F401

YUSUF = "Yusuf Demirk\N{LATIN SMALL LETTER DOTLESS I}ran"


@pytest.fixture
def tadhg(society):
    """The keeper of the keys, who is staff."""
    return society.get(email="staff@example.org")


def rows_of(download) -> list[dict]:
    with open(download.path(), encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.moment(22, "staff", "finds who lacks a photo or a resume; a CSV")
def test_staff_find_who_has_no_photo_and_no_resume(tadhg, society, person, log_in):
    Profile.objects.filter(user__email="yusuf.demirkiran@example.com").update(resume="")
    Profile.objects.filter(user__email="hanae.tsukumo@example.org").update(
        avatar="", avatar_small="", resume=""
    )
    page = person.page
    log_in(person, tadhg, "/admin/")

    person.look()
    person.click("link", "without a photo")
    expect(page.get_by_role("link", name="Tsukumo Hanae")).to_be_visible()
    person.look()
    person.part()
    page.goto("/admin/")
    person.click("link", "without a resume")
    expect(page.get_by_role("link", name=YUSUF)).to_be_visible()
    person.look()
    with page.expect_download() as taken:
        person.click("link", "Take this list along (CSV)")

    names = {row["name"] for row in rows_of(taken.value)}
    assert {"Tsukumo Hanae", YUSUF} <= names
    assert "Tadhg Ó Briain" not in names


@pytest.mark.moment(24, "staff", "answers who opened whose resume last month")
def test_staff_answer_who_opened_whose_resume_last_month(tadhg, society, person, log_in):
    last_month = timezone.now().replace(day=1) - timedelta(days=5)
    ResumeDownload.objects.create(profile=tadhg.profile, member=society[0], opened_at=last_month)
    page = person.page
    log_in(person, tadhg, "/admin/")

    person.click("link", "Resume downloads", exact=True)
    person.click("link", "Last month")
    person.look()
    with page.expect_download() as taken:
        person.click("link", "Take this list along (CSV)")

    rows = rows_of(taken.value)
    assert "Tadhg Ó Briain" in {row["resume of"] for row in rows}
    assert len(rows) == page.locator("#result_list tbody tr").count()
