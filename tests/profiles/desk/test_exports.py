"""Lists of the admin taken along as CSV."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.utils import timezone

from profiles.desk.spreadsheets import csv_lines, defused
from profiles.models import ResumeDownload
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

MEMBERS = "/admin/profiles/user/csv/"
OPENINGS = "/admin/profiles/resumedownload/csv/"


@pytest.fixture
def taken(client, staff):
    """A function that takes a list along as a superuser, and returns its rows as dictionaries."""
    client.force_login(staff)

    def rows_of(address):
        response = client.get(address)
        assert response.status_code == 200
        assert response["Content-Type"] == "text/csv; charset=utf-8"
        content = b"".join(response.streaming_content)
        assert content.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark"
        return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))

    return rows_of


def test_the_members_list_is_taken_along_as_it_is_filtered(taken, owner, member):
    """Moment 22; X1: neither the note of the staff nor a password is in it."""
    member.profile.staff_note = "Pays by cheque"
    member.profile.save()

    [row] = taken(f"{MEMBERS}?resume=no&is_staff__exact=0&p=7")

    assert row["name"] == "Ada Lovelace"
    assert row["e-mail address"] == "ada@example.org"
    assert (row["photo"], row["resume"], row["active"]) == ("no", "no", "yes")
    assert "Pays by cheque" not in row.values()
    assert len(taken(MEMBERS)) == 3


def test_a_search_is_a_filter_too(taken, owner, member):
    assert [row["name"] for row in taken(f"{MEMBERS}?q=lovelace")] == ["Ada Lovelace"]


def test_all_pages_are_in_it(taken):
    for number in range(51):  # a page has 50
        make_member(f"m{number}@example.org")

    assert len(taken(f"{MEMBERS}?p=9")) == 52


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+44 1632 960777",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "\u00a0=1",
        "\uff1d1",
    ],
)
def test_no_cell_is_a_formula(text):
    """N1, fact 62."""
    assert defused(text) == f"'{text}"


def test_no_part_of_a_cell_is_a_formula_where_semicolons_end_cells():
    """Excel in German: whoever opens the file by a double click has it so."""
    text = defused("Physicist;=cmd|' /C calc'!A0; +1;and;more")

    _mark, line = csv_lines([["Ada", text]])

    [cells] = csv.reader([line], delimiter=";")
    assert cells == ["Ada,Physicist", "'=cmd|' /C calc'!A0", "' +1", "and", "more"]


@pytest.mark.parametrize("text", ["", "Ada", "a=b", "a; b;", "Łucja - Wrońska", " Ada", "\uff11"])
def test_other_cells_are_as_they_are(text):
    assert defused(text) == text


def test_a_name_that_is_a_formula_is_a_text_in_the_spreadsheet(taken, member):
    member.profile.name = '=HYPERLINK("https://evil.example";"Click")'
    member.profile.save()

    assert any(row["name"].startswith("'=HYPERLINK") for row in taken(MEMBERS))


@pytest.fixture
def october(owner, member):
    """Two openings in October, and one on each side of it."""
    for moment in [(9, 30), (10, 1), (10, 31), (11, 1)]:
        opened_at = datetime(2026, *moment, 12, tzinfo=UTC)
        ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=opened_at)


def test_openings_of_a_period_are_taken_along(taken, october):
    """Moment 24: both days are included."""
    rows = taken(f"{OPENINGS}?from=2026-10-01&to=2026-10-31")

    assert [row["opened"] for row in rows] == ["2026-10-31 12:00", "2026-10-01 12:00"]
    assert rows[0]["resume of"] == "Mary Somerville"
    assert rows[0]["opened by"] == "Ada Lovelace"


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("from=2026-10-31", 2),
        ("to=2026-09-30", 1),
        ("", 4),
        ("from=2026-10-31&to=2026-10-31", 1),
    ],
)
def test_either_end_of_a_period_may_be_open(taken, october, query, count):
    assert len(taken(f"{OPENINGS}?{query}")) == count


def test_last_month_is_one_click(client, staff, october):
    """Moment 24, and the last day of the year before a January."""
    client.force_login(staff)

    page = client.get("/admin/profiles/resumedownload/").content.decode()

    today = timezone.localdate()
    year, month = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    assert f"from={year}-{month:02}-01&amp;to={year}-{month:02}-" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", "“yesterday” is no date"),
        ("to=2026-02-30", "“2026-02-30” is no date"),
        ("from=2026-10-31&to=2026-10-01", "ends before it begins"),
    ],
)
def test_a_period_that_is_none_is_explained(client, staff, october, query, words):
    client.force_login(staff)

    response = client.get(f"{OPENINGS}?{query}", follow=True)

    assert words in response.content.decode()
    assert response.context["cl"].result_count == 0
    assert not LogEntry.objects.exists()


def test_the_reader_who_has_left_is_no_error(taken, owner):
    ResumeDownload.objects.create(profile=owner.profile, member=None)

    [row] = taken(OPENINGS)

    assert row["address of the reader"] == "a former member"


def test_taking_along_is_recorded_without_the_words_of_a_search(taken, staff, owner, member):
    taken(f"{MEMBERS}?resume=no&q=lovelace")

    entry = LogEntry.objects.get()
    assert entry.user == staff
    assert "Took along 1 rows" in entry.change_message
    assert "resume=no" in entry.change_message
    assert "lovelace" not in entry.change_message


def test_asking_for_the_head_records_nothing(client, staff):
    client.force_login(staff)

    assert client.head(MEMBERS).status_code == 200
    assert not LogEntry.objects.exists()


def test_a_filter_that_cannot_be_read_leads_back_to_the_list(client, staff):
    client.force_login(staff)

    response = client.get(f"{MEMBERS}?is_active__exact=&leaves_at__isempty=perhaps")

    assert response.status_code == 302
    assert response["Location"] == "/admin/profiles/user/?e=1"


@pytest.mark.parametrize("address", [MEMBERS, OPENINGS])
def test_only_staff_who_may_see_a_list_take_it_along(client, address):
    clerk = make_member("clerk@example.org", is_staff=True)
    client.force_login(clerk)
    assert client.get(address).status_code == 403
    codenames = ["view_user", "view_resumedownload"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=codenames))

    assert client.get(address).status_code == 200


@pytest.mark.parametrize("address", [MEMBERS, OPENINGS])
def test_a_list_is_taken_along_by_a_plain_link_alone(client, staff, address):
    client.force_login(staff)

    assert client.post(address).status_code == 405
    assert client.get(address).status_code == 200
    assert not client.get(address)["Content-Disposition"].startswith("inline")
