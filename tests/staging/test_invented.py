"""The rules for replaced people: likeness, repetition, and nobody's values."""

import unicodedata
from collections import Counter
from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from portal.accounts.email_address import canonical
from portal.staging import invented
from portal.staging.chance import Chance, Row
from profiles import stand_ins
from profiles.models import Profile, User
from profiles.scrub_rules import DECISIONS

no_deadline = hypothesis_settings(deadline=None, max_examples=50)
NAMES = {
    "LATIN": "Maria Fernanda da Silveira",
    "CYRILLIC": "Оксана Яремчак",
    "GREEK": "Ελένη Παπαδοπούλου",
    "ARABIC": "زهراء محسني راد",
    "HEBREW": "אביטל גולדווסר",
    "DEVANAGARI": "मीनाक्षी राघवन",
    "HANGUL": "김민준",
    "CJK": "李文橋",
    "HIRAGANA": "つくも はなえ",
    "THAI": "สมชาย ใจดี",
    "ETHIOPIC": "ሳሙኤል ተስፋማርያም",
    "GEORGIAN": "ნინო ბერიძე",
}


def profile(pk=7, **values) -> Row:
    return Row(Profile, {"id": pk, **values})


@pytest.mark.parametrize(("script", "old"), NAMES.items())
def test_a_name_keeps_its_script_words_and_about_its_length(script, old):
    new = invented.name(profile(name=old), "name")

    assert invented.script_of(new) == script
    assert invented.script_of(invented.text(profile(bio=old), "bio")) == script
    assert len(new.split()) == min(len(old.split()), 4)
    assert abs(len(new) - len(old)) <= 6
    assert not set(new.split()) & set(old.split())


def test_accents_are_among_invented_names_as_among_real_ones():
    """The search has to find both."""
    assert not invented.name(profile(name="Sólveig Þrastardóttir"), "name").isascii()
    assert invented.name(profile(name="Rosalind Pike"), "name").isascii()


def test_some_family_names_are_common_and_others_rare():
    """As on live, or a search by a name would never find more than one person."""
    names = [invented.name(profile(pk, name="Anna Kowalska"), "name") for pk in range(2000)]

    families = Counter(name.split()[-1] for name in names).most_common()
    assert 60 < families[0][1] < 300
    assert sum(count == 1 for _, count in families) > 500
    assert len(set(names)) > 1990


def test_some_skills_and_places_are_common_and_others_rare():
    rows = [profile(pk, skills="GIS, Python", place="Oslo, Norway") for pk in range(1000)]

    for rule, column in ((stand_ins.skills, "skills"), (stand_ins.place, "place")):
        found = Counter(each for row in rows for each in rule(row, column).split(", "))
        [*_, (_, least)] = found.most_common()
        assert found.most_common()[0][1] > 150, column
        assert least < 30, column
        assert {len(rule(row, column).split(", ")) for row in rows} == {2}


anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
texts = st.one_of(anything, st.sampled_from(list(NAMES.values())))


@no_deadline
@given(texts)
def test_a_name_is_one_that_a_person_may_type(old):
    old = old[:150]
    new = invented.name(profile(name=old), "name")

    if old.strip():
        field = Profile._meta.get_field("name")
        assert field.clean(new, None) == new
        assert unicodedata.normalize("NFC", new) == new
    else:
        assert new == ""


@pytest.mark.parametrize(("column", "rule"), [("name", invented.name), ("bio", invented.text)])
@no_deadline
@given(texts)
def test_a_rule_leaves_its_own_result_alone(column, rule, old):
    """Or a refresh that was killed after its scrub would make other people in the next run."""
    once = rule(profile(**{column: old}), column)

    assert rule(profile(**{column: once}), column) == once


def test_a_long_text_stays_as_long_and_in_paragraphs():
    old = "\r\n\r\n".join(["word " * 100] * 3)

    new = invented.text(profile(bio=old), "bio")

    assert abs(len(new) - len(old)) < 8
    assert new.count("\n\n") == 2


def test_a_text_does_not_tell_the_exact_length_of_the_old_one():
    texts = [invented.text(profile(bio="x" * length), "bio") for length in range(89, 98)]

    assert list(map(len, texts)) == [96] * 8 + [104]


def test_a_text_is_no_longer_than_its_column():
    assert len(invented.text(profile(headline="x" * 150), "headline")) == 150
    assert len(invented.text(profile(bio="x" * 4000), "bio")) == 4000


def test_two_people_never_have_one_address():
    """Chance alone would make one of two among enough of them, so their keys are in it."""
    rule = DECISIONS["profiles.User"].replaced["email"]

    made = {pk: rule(Row(User, {"id": pk, "email": "a@b.example"}), "email") for pk in range(2000)}

    assert all(f"-{pk:x}@" in address for pk, address in made.items())
    assert all(canonical(address) == address for address in made.values())
    assert {address.rpartition(".")[2] for address in made.values()} == {"example"}


def test_both_tables_have_one_address_of_a_person():
    user = DECISIONS["profiles.User"].replaced["email"]
    row = DECISIONS["account.EmailAddress"].replaced["email"]

    assert user(Row(User, {"id": 7}), "email") == row(
        Row(EmailAddress, {"id": 3, "user_id": 7}), "email"
    )


def test_a_stream_of_decisions_does_not_repeat():
    stream = Chance("a purpose")

    assert len({stream.take(32) for _ in range(3)}) == 3


def test_another_secret_makes_other_people(settings):
    def made():
        address = DECISIONS["profiles.User"].replaced["email"](Row(User, {"id": 7}), "email")
        row = profile(name="Mary Somerville", avatar="avatars/a.webp")
        file = DECISIONS["profiles.Profile"].replaced["avatar"](row, "avatar")
        return {address, file, invented.name(row, "name")}

    before = made()
    settings.SECRET_KEY = "another secret of a staging site"

    assert not before & made()


@no_deadline
@given(st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)), st.integers(0, 10_000))
def test_a_time_keeps_its_month_and_its_place(joined, seconds):
    times = {"created_at": joined.replace(tzinfo=UTC), "updated_at": None}
    times["updated_at"] = datetime.fromtimestamp(times["created_at"].timestamp() + seconds, UTC)

    made = {column: invented.month(profile(**times), column) for column in times}

    assert made["created_at"] <= made["updated_at"]
    assert made["created_at"].date() == joined.date().replace(day=1)
    assert invented.month(profile(**made), "created_at") == made["created_at"]
