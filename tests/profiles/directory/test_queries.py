"""What people type, over 5,000 people with names of many alphabets: the score, and the order.

answers.txt has the first five of each answer, and is the same for both databases.
"""

from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser

from profiles.directory.search import search
from profiles.models import Profile
from tests.conftest import make_member

from .people import MEMBERS, QUERIES, USUAL, settle

ANSWERS = Path(__file__).with_name("answers.txt")
# Of the pairs. Among more members there are more namesakes.
FIRST, AMONG_FIVE = (0.95, 0.98) if MEMBERS <= USUAL else (0.92, 0.95)


@pytest.fixture
def viewers(db):
    settle(MEMBERS, with_resumes=MEMBERS > USUAL)
    return {"member": make_member("reader@example.org"), "visitor": AnonymousUser()}


@pytest.mark.whole
def test_most_queries_find_the_right_person_and_both_databases_agree(viewers, tmp_path):
    lines, first, among_five, missed = [], 0, 0, []
    for role, viewer in viewers.items():
        visible = Profile.objects.visible_to(viewer)
        for text, expected in QUERIES[role]:
            found = search(viewer, text)
            by_pk = visible.in_bulk(found.pks[:5])
            names = [by_pk[pk].name for pk in found.pks[:5]]
            lines.append(f"{role}: {text} > {'; '.join(names)}")
            first += names[:1] == [expected] if expected else not names
            among_five += expected in names if expected else not names
            if (names or [""])[0] != expected:
                missed.append(lines[-1])
    pairs = len(lines)

    print(f"{pairs} queries: right first {first / pairs:.3f}, among five {among_five / pairs:.3f}")
    print("Not first:", *missed, sep="\n  ")
    assert pairs >= 150
    assert first >= FIRST * pairs
    assert among_five >= AMONG_FIVE * pairs
    actual = tmp_path / "answers.txt"
    actual.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert MEMBERS != USUAL or lines == ANSWERS.read_text(encoding="utf-8").splitlines(), (
        f"not as in {ANSWERS}; if the new answers are as good, they are in {actual}"
    )
