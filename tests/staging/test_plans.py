"""The directory of a staging site is asked as that of live is, and PostgreSQL answers alike."""

import io
import re
from collections import Counter

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from profiles.directory.models import DirectoryEntry, ProfileTag, ResumeText
from profiles.models import User
from tests.profiles.directory.people import settle

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.whole,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL"),
]

LIVE, MANY, FEW = 5_000, 3_500, 500
COUNTED = {"everybody", "with a resume"}


@pytest.fixture
def live(db, settings):
    """Members of whom every second has a resume: a count of them exceeds its limit."""
    settings.SITE_ENVIRONMENT = "staging"
    with connection.cursor() as cursor:
        # Plans depend on the pages of a table, and tests before leave theirs: begin without.
        cursor.execute("TRUNCATE profiles_user CASCADE")
    settle(LIVE, with_resumes=True)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM profiles_resumetext WHERE profile_id % 2 = 0")
        cursor.execute("UPDATE profiles_profile SET resume = '' WHERE id % 2 = 0")
        cursor.execute("ANALYZE")
        # As for rows in memory; else 5,000 are too few for an index to be worth its while.
        cursor.execute("SET LOCAL random_page_cost = 1.1")


def test_plans_are_those_of_live(live, client):
    """With fewer members than the list counts, counting them all is what differs."""
    on_live = plans(client)
    assert "trgm" in str(on_live["rare family name"])  # the control
    assert "words_vector" in str(on_live["rare word of a resume"])

    common = share_of_the_most_common_family_name()

    scrub(MANY)
    assert common / 2 < share_of_the_most_common_family_name() < common * 2
    with_many = plans(client)
    scrub(FEW)
    with_few = plans(client)

    assert with_many == on_live
    assert {name for name in on_live if with_few[name] != on_live[name]} <= COUNTED


def scrub(keep: int) -> None:
    """Scrub without drawing files: plans do not depend on them."""
    output = io.StringIO()
    call_command("scrub_members", keep=keep, is_part=True, stdout=output, stderr=output)


def plans(client) -> dict[str, list]:
    """Return the plans of what a member asks."""
    client.force_login(User.objects.filter(is_staff=False, is_active=True).order_by("pk").first())
    found = {}
    for name, address in questions().items():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        asked = [query["sql"] for query in queries.captured_queries]
        found[name] = [plan(sql) for sql in asked if " LIMIT " in sql and "session" not in sql]
    return found


def plan(sql: str) -> list[str]:
    """Return the steps of a query, with tables and indexes.

    Not in their order: which of two rows is looked up first by its primary key makes no difference.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        lines = [line for (line,) in cursor.fetchall() if "(cost=" in line]
    return sorted(re.sub(r" *\(cost=.*", "", line).strip(" ->") for line in lines)


def questions() -> dict[str, str]:
    """Return addresses of the directory, with words as common on each site as they are on live."""
    families = family_names().most_common()
    rare = families[-1][0]
    known = {word for text in DirectoryEntry.objects.values_list("members", flat=True)
             for word in text.split()}  # fmt: skip
    resumes = Counter(word for text in ResumeText.objects.values_list("words", flat=True)
                      for word in set(text.split()) - known if len(word) > 4)  # fmt: skip
    skills = Counter(ProfileTag.objects.filter(kind="skill").values_list("label", flat=True))
    return {
        "everybody": "/members/",
        "common family name": f"/members/?q={families[0][0]}",
        "rare family name": f"/members/?q={rare}",
        "part of a name": f"/members/?q={rare[1:]}",
        "rare word of a resume": f"/members/?q={resumes.most_common()[-1][0]}",
        "rare skill": f"/members/?skill={skills.most_common()[-1][0]}",
        "with a resume": "/members/?resume=on",
    }


def family_names() -> Counter:
    names = DirectoryEntry.objects.values_list("name", flat=True)
    last_words = [name.split()[-1] for name in names if len(name.split()) > 1]
    return Counter(word for word in last_words if len(word) > 4)


def share_of_the_most_common_family_name() -> float:
    names = family_names()
    return max(names.values()) / names.total()
