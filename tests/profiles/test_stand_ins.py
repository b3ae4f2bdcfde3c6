"""Stand-ins for the details and files of members who are replaced on a staging site."""

import re
from io import BytesIO

import pytest
from pikepdf import Pdf
from PIL import Image

from portal.staging import drawings
from portal.staging.chance import Row
from profiles import stand_ins
from profiles.models import Profile, ResumeText, User
from profiles.scrub_rules import DECISIONS
from tests.conftest import make_member

FULL = {
    "id": 7, "user_id": 3, "name": "Zuzanna Wisniewska", "resume": "resumes/r.pdf",
    "resume_pages": 2, "place": "Cape Horn", "skills": "Wicks, Knots, Lamps",
    "links": "https://a.example\nhttps://b.example", "phone": "1", "contact_email": "a@b.example",
}  # fmt: skip


def row(**values) -> Row:
    return Row(Profile, FULL | values)


@pytest.mark.parametrize("column", ["place", "skills", "links", "phone", "contact_email"])
def test_a_detail_that_is_empty_stays_so_and_any_other_is_another(column):
    rule = DECISIONS["profiles.Profile"].replaced[column]

    made = [rule(row(id=pk, user_id=pk), column) for pk in range(1, 9)]

    assert rule(row(**{column: ""}), column) == ""
    assert rule(row(), column) == rule(row(), column)
    assert FULL[column] not in made
    assert len(set(made)) > 4


@pytest.mark.parametrize(
    ("rule", "pattern"),
    [
        (stand_ins.place, r"[A-Z][a-z]{6}, [A-Z][a-z]{5}"),
        (stand_ins.phone, r"\+44 1632 960\d{3}"),
        (stand_ins.links, r"https://members\.example/[0-9a-f]{12}\nhttps://members\.example/[0-9a-f]{12}"),
        (stand_ins.contact_email, r"[a-z]+\.[a-z]+\.[0-9a-f]{8}-[0-9a-f]+@[a-z0-9-]+\.example"),
        (stand_ins.skills, r"[a-z]{5,}, [a-z]{5,}, [a-z]{5,}"),
    ],
)  # fmt: skip
def test_a_detail_has_the_form_of_one_and_leads_to_nobody(rule, pattern):
    """The numbers are reserved for drama; the addresses end in what is nobody's (RFC 2606)."""
    column = rule.__name__
    for pk in range(1, 30):
        made = rule(row(id=pk, user_id=pk), column)

        assert re.fullmatch(pattern, made), made
        assert Profile._meta.get_field(column).clean(made, None) == made


def test_towns_are_few_and_each_is_in_one_country():
    towns = {}
    for pk in range(600):
        town, country = stand_ins.place(row(id=pk), "place").split(", ")
        towns.setdefault(town, set()).add(country)

    assert len(towns) == 24
    assert {len(countries) for countries in towns.values()} == {1}
    assert len(set.union(*towns.values())) == 5


def test_skills_are_as_many_as_before_and_no_two_are_equal():
    for count in (1, 5, 60, 200):
        before = ", ".join(f"skill {number}" for number in range(count))

        made = stand_ins.skills(row(skills=before), "skills").split(", ")

        assert len(made) == len(set(made)) == min(count, 60)
    found = {
        skill for pk in range(300) for skill in stand_ins.skills(row(id=pk), "skills").split(", ")
    }
    assert 40 < len(found) <= 60


def test_a_word_that_is_invented_twice_is_one_skill(monkeypatch):
    """Words of four letters and less are none."""
    words = ["aaaaa", "aaaaa", "bbbbb", "aaaaa", "cccc"]
    monkeypatch.setattr(stand_ins, "vocabulary", lambda script, secret: words)

    for pk in range(5):
        made = stand_ins.skills(row(id=pk), "skills")
        assert sorted(made.split(", ")) == ["aaaaa", "bbbbb"]


def test_the_address_that_is_shown_is_another_than_that_of_the_account():
    account = DECISIONS["profiles.User"].replaced["email"](Row(User, {"id": 3}), "email")

    assert stand_ins.contact_email(row(), "contact_email") != account


@pytest.mark.parametrize(
    ("before", "after"), [(None, 1), (0, 1), (1, 1), (3, 3), (2_000, 2_000), (2_001, 2_000)]
)
def test_a_resume_has_as_many_pages_as_before_up_to_a_limit(before, after):
    assert stand_ins.resume_pages(row(resume_pages=before), "resume_pages") == after


def test_whoever_had_no_resume_has_none():
    none = row(resume="", resume_pages=3)

    assert stand_ins.resume_pages(none, "resume_pages") is None
    assert stand_ins.resume_bytes(none, "resume_bytes") is None
    assert stand_ins.RESUME(none, "resume") == ""


def test_the_columns_about_a_resume_tell_of_the_one_that_is_made():
    made = stand_ins.resume(row())

    assert stand_ins.resume_bytes(row(), "resume_bytes") == len(made)
    with Pdf.open(BytesIO(made)) as pdf:
        assert len(pdf.pages) == 2
        name = str(pdf.docinfo.Title)
    assert name == DECISIONS["profiles.Profile"].replaced["name"](row(), "name")
    assert re.fullmatch(r"resumes/[0-9a-f-]{36}\.pdf", stand_ins.RESUME(row(), "resume"))


def test_the_picture_and_the_text_are_those_of_the_resume():
    pages = stand_ins.resume_text(row(), 2)

    assert stand_ins.first_page(row()) == drawings.first_page(pages[0])
    content = stand_ins.resume(row())
    assert all(line.encode() in content for page in pages for line in page if "(" not in line)


def test_both_photos_are_of_one_face(settings):
    settings.AVATAR_PIXELS, settings.AVATAR_SMALL_PIXELS = 96, 48
    large = Image.open(BytesIO(stand_ins.photo(row()))).convert("L")
    small = Image.open(BytesIO(stand_ins.small_photo(row()))).convert("L")
    other = Image.open(BytesIO(stand_ins.small_photo(row(id=8)))).convert("L")

    assert (large.size, small.size) == ((96, 96), (48, 48))
    seen = [list(image.resize((6, 6)).get_flattened_data()) for image in (large, small, other)]
    likeness, unlikeness = (
        max(abs(one - two) for one, two in zip(seen[0], pixels, strict=True)) for pixels in seen[1:]
    )
    assert likeness < 12 < unlikeness


@pytest.mark.django_db
def test_the_row_beside_a_profile_names_and_quotes_its_new_resume():
    """A scan, in which nothing could be read, has no text afterwards either."""
    profile = make_member("ada@example.org", name="Ada Lovelace").profile
    Profile.objects.filter(pk=profile.pk).update(resume="resumes/r.pdf", resume_pages=2)
    text = ResumeText(profile=profile)
    stored = Row(Profile, Profile.objects.values().get())

    def beside(**values):
        return Row(ResumeText, {"profile_id": text.profile_id, **values})

    assert stand_ins.resume_name(beside(source="resumes/r.pdf"), "source") == stand_ins.RESUME(
        stored, "resume"
    )
    pages = stand_ins.resume_text(stored, 2)
    expected = "\n".join(line for page in pages for line in page)
    assert stand_ins.resume_words(beside(text="Read"), "text") == expected
    assert stand_ins.resume_words(beside(text=""), "text") == ""
    assert stand_ins.resume_name(beside(source=""), "source") == ""
