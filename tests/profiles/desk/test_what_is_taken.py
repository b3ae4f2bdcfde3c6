"""What is in a list that was taken along, cell by cell, and what the admin records of it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from profiles.models import Profile, ResumeDownload, User
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

MEMBERS = "/admin/profiles/user/csv/"
OPENINGS = "/admin/profiles/resumedownload/csv/"
OPENING_LIST = "/admin/profiles/resumedownload/"
LATE = datetime(2026, 3, 4, 22, 30, tzinfo=UTC)  # the next morning in Tokyo


@pytest.fixture
def desk(client, staff, settings):
    """A superuser's browser, on a site in Tokyo."""
    settings.TIME_ZONE = "Asia/Tokyo"
    User.objects.filter(pk=staff.pk).update(date_joined=LATE, last_login=LATE)
    client.force_login(staff)
    User.objects.filter(pk=staff.pk).update(last_login=LATE)
    return client


def cells(client, address) -> list[list[str]]:
    answer = client.get(address)
    if not answer.streaming:
        return [[str(row)] for row in answer.context["cl"].result_list]
    content = b"".join(answer.streaming_content)
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def test_each_column_of_the_members(desk, owner):
    left = make_member("l@b\u00fccher.example", visibility="hidden", is_active=False)
    User.objects.filter(pk=left.pk).update(date_joined=LATE, leaves_at=LATE)
    User.objects.filter(pk=owner.pk).update(date_joined=LATE)
    Profile.objects.filter(user=owner).update(
        headline="Writer", place="Burntisland", skills="Optics, Algebra", visibility="public"
    )

    assert cells(desk, MEMBERS) == [
        [
            "name", "e-mail address", "headline", "place", "skills", "visibility", "photo",
            "resume", "active", "staff", "joined", "last log-in", "leaves",
        ],
        [
            "Mary Somerville", "mary@example.org", "Writer", "Burntisland", "Optics, Algebra",
            "public", "yes", "yes", "yes", "no", "2026-03-05 07:30", "", "",
        ],
        [
            "Staff", "staff@example.org", "", "", "", "members", "no",
            "no", "yes", "yes", "2026-03-05 07:30", "2026-03-05 07:30", "",
        ],
        [
            "", "l@b\u00fccher.example", "", "", "", "hidden", "no",
            "no", "no", "no", "2026-03-05 07:30", "", "2026-03-05 07:30",
        ],
    ]  # fmt: skip


def test_each_column_of_the_openings(desk, owner, member):
    for reader, minutes in [(member, 0), (None, 1)]:
        moment = LATE + timedelta(minutes=minutes)
        ResumeDownload.objects.create(profile=owner.profile, member=reader, opened_at=moment)

    assert cells(desk, OPENINGS) == [
        ["opened", "resume of", "address of the owner", "opened by", "address of the reader"],
        ["2026-03-05 07:31", "Mary Somerville", "mary@example.org", "", "a former member"],
        [
            "2026-03-05 07:30", "Mary Somerville", "mary@example.org",
            "Ada Lovelace", "ada@example.org",
        ],
    ]  # fmt: skip


def test_openings_are_found_by_whose_and_by_whom(desk, owner, member, other_member):
    ada = ResumeDownload.objects.create(profile=owner.profile, member=member)
    grace = ResumeDownload.objects.create(profile=member.profile, member=other_member)

    def found(query):
        return set(desk.get(f"{OPENING_LIST}?q={query}").context["cl"].result_list)

    assert found("omervill") == {ada}
    assert found("grace@exa") == {grace}
    assert found("opper") == {grace}
    assert found("ada@exa") == {ada}
    assert found("lovelace") == {ada, grace}
    assert found("mary@exa") == set()
    page = desk.get(f"{OPENING_LIST}?o=2&opened_at__year=2000")
    assert page.context["cl"].result_count == 0
    assert page.context["cl"].date_hierarchy == "opened_at"


@pytest.mark.parametrize("address", [MEMBERS, OPENINGS, OPENING_LIST])
def test_more_rows_cost_no_more_queries(desk, owner, member, django_assert_num_queries, address):
    cells(desk, address)
    with django_assert_num_queries(100, exact=False) as few:
        cells(desk, address)
    number = len(few)
    for i in range(3):
        reader = make_member(f"m{i}@example.org", name=f"M {i}")
        ResumeDownload.objects.create(profile=reader.profile, member=member)

    with django_assert_num_queries(number):
        assert len(cells(desk, address)) >= 3


@pytest.mark.parametrize(("address", "name"), [(MEMBERS, "members"), (OPENINGS, "opened-resumes")])
def test_the_file_has_a_name_and_the_day_of_the_site(desk, monkeypatch, address, name):
    monkeypatch.setattr(timezone, "now", lambda: LATE)

    disposition = desk.get(address)["Content-Disposition"]

    assert disposition == f'attachment; filename="{name}-2026-03-05.csv"'


@pytest.mark.parametrize(
    ("address", "query", "words"),
    [
        (MEMBERS, "", "Took along 2 rows as CSV (all)."),
        (MEMBERS, "?p=3", "Took along 2 rows as CSV (all)."),
        (MEMBERS, "?q=", "Took along 2 rows as CSV (all)."),
        (MEMBERS, "?q=Lovelace", "Took along 1 rows as CSV (a search)."),
        (MEMBERS, "?resume=no&q=Lovelace", "Took along 1 rows as CSV (resume=no, a search)."),
        (
            MEMBERS,
            "?resume=no&avatar=no",
            "Took along 2 rows as CSV (resume=no, avatar=no).",
        ),
        (OPENINGS, "?from=2026-03-01", "Took along 0 rows as CSV (from=2026-03-01)."),
        (
            OPENINGS,
            f"?from={' ' * 250}",
            f"Took along 0 rows as CSV (from={' ' * 195}).",
        ),
    ],
)
def test_the_admins_log_has_who_took_what_along(
    desk, staff, member, monkeypatch, address, query, words
):
    monkeypatch.setattr(timezone, "now", lambda: LATE)

    desk.get(f"{address}{query}")

    entry = LogEntry.objects.get()
    model, name = (User, "members") if address == MEMBERS else (ResumeDownload, "opened-resumes")
    assert entry.change_message == words
    assert (entry.user, entry.action_flag) == (staff, CHANGE)
    assert entry.content_type == ContentType.objects.get_for_model(model)
    assert entry.object_repr == f"{name}-2026-03-05.csv"


def test_a_period_that_is_none_leads_back_to_the_list(desk):
    response = desk.get(f"{OPENINGS}?p=2&from=31.10.2026&q=ada")

    assert response.status_code == 302
    assert response["Location"] == f"{OPENING_LIST}?from=31.10.2026&q=ada"


def chosen(page) -> list:
    """The periods that the filter shows as chosen, in the order of the page."""
    choices = page.context["cl"].filter_specs[0].choices(page.context["cl"])
    return [str(choice["display"]) for choice in choices if choice["selected"]]


def test_the_usual_periods(desk, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 1, 31, 20, tzinfo=UTC))

    page = desk.get(f"{OPENING_LIST}?q=ada&p=1&from=2026-02-01")

    filter_ = page.context["cl"].filter_specs[0]
    choices = list(filter_.choices(page.context["cl"]))
    assert {
        str(choice["display"]): dict(parse_qsl(choice["query_string"].removeprefix("?")))
        for choice in choices
    } == {
        "Any date": {"q": "ada"},
        "This week": {"q": "ada", "from": "2026-01-26"},
        "This month": {"q": "ada", "from": "2026-02-01"},
        "Last month": {"q": "ada", "from": "2026-01-01", "to": "2026-01-31"},
    }
    assert chosen(page) == ["This month"]
    assert choices[0]["others"] == [("q", "ada")]
    assert '<input type="date" name="from" value="2026-02-01">' in page.text
    assert '<input type="date" name="to" value="">' in page.text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Any date"]),
        ("?from=&to=", ["Any date"]),
        ("?from=2026-02-01&to=2026-02-28", ["Last month"]),
        ("?from=2026-02-01", []),
        ("?from=yesterday", []),
        ("?from=x&from=%202026-03-01%20", ["This month"]),
    ],
)
def test_a_period_is_shown_as_chosen_if_it_is_just_that(desk, monkeypatch, query, names):
    monkeypatch.setattr(timezone, "now", lambda: LATE)

    page = desk.get(f"{OPENING_LIST}{query}")

    assert chosen(page) == names


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?from=yesterday", "“yesterday” is no date: please write it as 2026-10-31."),
        (
            f"?to={'9' * 40}",
            f"“{'9' * 30}” is no date: please write it as 2026-10-31.",
        ),
        ("?from=2026-10-31&to=2026-10-30", "The period ends before it begins."),
    ],
)
def test_a_period_that_is_none_is_explained_once(desk, owner, member, query, words):
    ResumeDownload.objects.create(profile=owner.profile, member=member)

    page = desk.get(f"{OPENING_LIST}{query}")
    assert [str(message) for message in page.context["messages"]] == [words]
    assert page.context["cl"].result_count == 0


def test_a_period_may_be_a_single_day(desk, owner, member):
    """The day of the site: the opening was on the fifth in Tokyo."""
    ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=LATE)

    for query, count in {
        "from=2026-03-05&to=2026-03-05": 1,
        "from=2026-03-04&to=2026-03-04": 0,
        "from=2026-03-06": 0,
        "to=2026-03-04": 0,
        "from=2026-03-05": 1,
        "to=2026-03-05": 1,
    }.items():
        page = desk.get(f"{OPENING_LIST}?{query}")
        assert page.context["cl"].result_count == count, query
        assert not page.context["messages"]


def test_the_list_of_openings_says_on_phones_what_is_what(desk, owner, member):
    for reader in (member, None):
        ResumeDownload.objects.create(profile=owner.profile, member=reader)

    page = desk.get(OPENING_LIST)

    assert page.context["title"] == "Opened resumes"
    for cell in [
        '<span class="cell-label">Resume of</span> Mary Somerville',
        '<span class="cell-label">Opened by</span> ada@example.org',
        '<span class="cell-label">Opened by</span> -',
    ]:
        assert cell in page.text
