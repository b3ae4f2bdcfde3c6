"""The first page of the admin, and the chart of opened resumes."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles.models import ResumeDownload
from profiles.weeks import WEEKS, bar, chart_of
from tests.conftest import make_clerk, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, staff):
    """A function that returns the page, as a superuser gets it."""
    client.force_login(staff)
    return lambda: client.get("/admin/").content.decode()


def figures(page: str) -> dict:
    """Each label with its number and its address."""
    found = re.findall(r'<li><a href="([^"]+)"><strong>(\d+)</strong> ([^<]+)</a>', page)
    return {label: (int(count), address.replace("&amp;", "&")) for address, count, label in found}


def test_it_counts_what_its_lists_show(desk, client, owner, member):
    """Moment 22."""
    make_member("away@example.org", name="Away", is_active=False)
    make_member("leaver@example.org", name="Leaver", leaves_at=timezone.now())
    invited = make_member("new@example.org", name="New")
    invited.set_unusable_password()
    invited.save()
    invited_by_admin = {"email": "newer@example.org", "name": "Newer"}
    client.post("/admin/profiles/user/add/", invited_by_admin)
    OutgoingMessage.objects.create(to="x@example.org", state=OutgoingMessage.State.FAILED)
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    long_ago = timezone.now() - timedelta(days=8)
    ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=long_ago)

    found = figures(desk())

    assert {label: count for label, (count, _) in found.items()} == {
        "members": 5,
        "pending invitations": 1,
        "undeliverable messages": 1,
        "without a photo": 4,
        "without a resume": 4,
        "resumes opened this week": 1,
    }
    for label, (count, address) in found.items():
        listed = client.get(address).context["cl"]
        assert listed.result_count == count, label


def test_it_costs_the_same_for_many_members(desk, django_assert_num_queries, owner, member):
    desk()
    with django_assert_num_queries(11) as few:
        desk()
    for number in range(3):
        other = make_member(f"m{number}@example.org", name=f"M {number}")
        ResumeDownload.objects.create(profile=owner.profile, member=other)

    with django_assert_num_queries(len(few)):
        desk()


OF_MEMBERS = {
    "members": (3, "/admin/profiles/user/?is_active__exact=1&leaves_at__isempty=1"),
    "without a photo": (
        2, "/admin/profiles/user/?is_active__exact=1&leaves_at__isempty=1&avatar=no"
    ),
    "without a resume": (
        2, "/admin/profiles/user/?is_active__exact=1&leaves_at__isempty=1&resume=no"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("right", "shown"),
    [
        ("view_user", OF_MEMBERS),
        ("change_user", OF_MEMBERS),
        ("add_user", {"pending invitations": (0, "/admin/invitations/invitation/")}),
        (
            "view_outgoingmessage",
            {"undeliverable messages": (0, "/admin/outbox/outgoingmessage/?state=troubled")},
        ),
        (
            "view_resumedownload",
            {"resumes opened this week": (1, "/admin/profiles/resumedownload/?from=2026-11-23")},
        ),
        ("delete_user", {}),
    ],
)
def test_staff_see_the_figures_of_the_lists_that_they_may_open(
    client, owner, member, monkeypatch, right, shown
):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 11, 26, 12, tzinfo=UTC))
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    client.force_login(make_clerk(right))

    page = client.get("/admin/").content.decode()

    assert figures(page) == shown
    assert ('class="weeks"' in page) is (right == "view_resumedownload")


def test_the_figures_are_its_first_heading_and_members_its_first_list(desk):
    headings = re.findall(r"<(?:h2|caption)[^>]*>(.*?)</(?:h2|caption)>", desk(), re.S)
    words = [" ".join(re.sub(r"<[^>]+>", "", heading).split()) for heading in headings]

    assert words.index("The society at a glance") < words.index("Profiles") < words.index("MFA")


def test_it_draws_each_week_to_scale(owner, member):
    monday = datetime(2026, 11, 23, tzinfo=UTC)
    moments = [monday, monday - timedelta(seconds=1), monday - timedelta(weeks=11)]
    too_old = monday - timedelta(weeks=11, seconds=1)
    for moment in [*moments, moments[1], too_old]:
        ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=moment)

    with CaptureQueriesContext(connection) as queries:
        chart = chart_of(ResumeDownload.objects.all(), today=date(2026, 11, 26))

    assert ["2026-09-07" in query["sql"] for query in queries] == [True], "older ones are not read"
    assert [week.count for week in chart.weeks] == [1, *[0] * 9, 2, 1]
    assert (chart.total, chart.most, len(chart.weeks)) == (4, 2, WEEKS)
    assert chart.weeks[-2].height == chart.height
    assert chart.weeks[-1].height == chart.height / 2
    assert chart.current is chart.weeks[-1]
    assert (chart.width, chart.height, chart.bar) == (12 * 20 - 4, 48, 16)
    drawn = [(week.x, week.y, week.height) for week in chart.weeks]
    assert drawn == [
        (0, 24, 24),
        *((20 * n, 47, 1) for n in range(1, 10)),
        (200, 0, 48),
        (220, 24, 24),
    ]
    days = [(week.first.isoformat(), week.last.isoformat()) for week in chart.weeks]
    assert (days[0], days[-1]) == (("2026-09-07", "2026-09-13"), ("2026-11-23", "2026-11-29"))


def test_one_opening_among_many_is_seen_and_none_is_a_line():
    assert [bar(date(2026, 11, 23), count, 1_000, 0).height for count in (0, 1, 63, 1_000)] == [
        *[1, 2, 3, 48]
    ]


@pytest.mark.parametrize(("day", "monday"), [(22, 16), (23, 23), (29, 23)])
def test_a_week_begins_on_monday(owner, day, monday):
    """The control is of the week: nothing was opened in any."""
    chart = chart_of(ResumeDownload.objects.all(), today=date(2026, 11, day))

    assert chart.current.first == date(2026, 11, monday)
    assert (chart.most, chart.total) == (0, 0)


def test_the_chart_is_a_table_too_and_has_no_style_of_its_own(client, owner, member):
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    client.force_login(owner)

    page = client.get("/me/resume/opened/").content.decode()

    chart = page[page.index('<figure class="weeks">') : page.index("</figure>")]
    assert "<title id=" in chart
    assert "<desc id=" in chart
    assert chart.count('<th scope="row">') == WEEKS
    assert "style=" not in chart
