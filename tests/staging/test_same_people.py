"""A refresh of next year makes the same people of the same rows, and so does another machine.

Whoever changes what is here changes every person of every staging site: screenshots, bookmarks and
notes about them are of nobody any more. Letters that Unicode lists are left out: they may become
more with a release of Python.
"""

from datetime import UTC, datetime

import pytest

from portal.staging import invented
from portal.staging.chance import MANY, Chance, Row
from profiles.models import Profile, User
from profiles.scrub_rules import DECISIONS


@pytest.fixture(autouse=True)
def secret(settings):
    settings.SECRET_KEY = "the secret of a staging site"


def profile(**values) -> Row:
    return Row(Profile, {"id": 7, "user_id": 3, **values})


def test_a_stream_of_decisions_is_the_same():
    chance = Chance("a", 7)

    assert chance.take(5).hex() == "d4b9923b6f"
    assert chance.take(40).hex() == (
        "d9a6bf5c3dcd232455fc594e6ff31e8f650c5aee77ab3fd1da937823ccd4af62eccf28790a0fd4bc"
    )
    assert chance.below(1000) == 743
    assert chance.several_below(10, 5) == [5, 6, 6, 6, 3]
    assert chance.rank_below(100) == 13
    assert chance.pick("abcdef") == "e"
    assert str(chance.uuid()) == "ca042401-e37e-4ed4-b1ba-5fc854c268cf"


def test_several_decisions_are_those_that_come_one_after_the_other():
    one, several = Chance("x"), Chance("x")

    assert several.several_below(7, 9) == [one.below(7) for _ in range(9)]
    assert several.take(3) == one.take(3)


@pytest.mark.parametrize(("number", "rank"), [(0, 0), (MANY // 2, 9), (MANY - 1, 99)])
def test_ranks_go_from_the_first_to_the_last(number, rank):
    class Fixed(Chance):
        def below(self, limit):
            assert limit == MANY
            return number

    assert Fixed().rank_below(100) == rank


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Maria Fernanda da Silveira", "Zuvivu Tavoma Taboka Nibes"),
        ("Ada", "Zuvivutavoma"),
        ("Ó", "Züvivutavoma"),
        ("Sólveig Þrastardóttir", "Züvivutavo Matabokani"),
        ("Оксана Яремчак", "Бубикус Пакуво"),
        ("김민준", "얘믜텨뜌"),
        ("李文橋", "竹武荣金"),
        ("A B C D E F G", "Zuvivu Tavoma"),
        (" ", ""),
    ],
)
def test_a_name_is_the_same(old, new):
    assert invented.name(profile(name=old), "name") == new


def test_names_of_others_are_others_and_some_families_are_common():
    rows = (Row(Profile, {"id": pk, "name": "Anna Kowalska"}) for pk in (1, 2, 3, 4))

    assert [invented.name(row, "name") for row in rows] == [
        "Kesura Soruka", "Dinila Litino", "Sizezu Sesetu", "Zubisi Vumiza"
    ]  # fmt: skip


@pytest.mark.parametrize("length", [1, 12, 13, 40, 149, 150])
def test_a_name_is_as_long_as_before_or_twelve(length):
    assert len(invented.name(profile(name="x" * length), "name")) == max(length, 12)
    assert len(invented.name(profile(name="李" * length), "name")) == max(length, 4)


BEGINNING = "Bal riz titaki rakavevev tenuradat semaba zateboro diz"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x", "Bal riz titaki r"),
        ("x" * 50, f"{BEGINNING}a."),
        (
            "one\n\ntwo " * 12,
            f"{BEGINNING}a\n\nSabek lolize lilukob dovivud baziratu liz duzo zetamedo",
        ),
        ("李" * 30, "奇树风和安恒安玉高秀志光鲁晓尚一德秋恒晓恒汉大希永松凌元乐英凌希"),
        ("Оксана " * 5, "Додого полесу кумила сизоболуг тозаг зал"),
        (" \n", ""),
    ],
)
def test_a_text_is_the_same(old, new):
    assert invented.text(profile(bio=old), "bio") == new


@pytest.mark.parametrize(
    ("length", "words"), [(13, 2), (14, 3), (18, 3), (19, 4), (24, 4), (60, 4)]
)
def test_a_name_of_many_words_has_as_many_as_there_is_room_for(length, words):
    """Each of four letters or more, and no more than four words."""
    old = ("a " * 40)[:length].rstrip().ljust(length, "b")

    made = invented.name(profile(name=old), "name").split()

    assert len(made) == words
    assert min(map(len, made)) >= 4


@pytest.mark.parametrize(
    ("old", "words"), [("김 민준", 1), ("김민 준영", 2), ("김 민 준 영 수", 3)]
)
def test_a_name_of_syllables_has_words_of_two(old, words):
    assert len(invented.name(profile(name=old), "name").split()) == words


@pytest.mark.parametrize(
    ("length", "paragraphs"), [(32, 1), (72, 1), (80, 2), (112, 2), (120, 3), (312, 7), (800, 8)]
)
def test_a_text_of_many_lines_has_as_many_paragraphs_as_there_is_room_for(length, paragraphs):
    made = invented.text(profile(bio="a\n" * (length // 2)), "bio")

    blocks = made.split("\n\n")
    assert len(made) == length
    assert len(blocks) == paragraphs
    assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_addresses_passwords_and_times_are_the_same():
    address = DECISIONS["profiles.User"].replaced["email"]

    assert address(Row(User, {"id": 7}), "email") == (
        "lobak.rodez.defcdb91-7@xn--bcher-kva.example"
    )
    of_another_kind = invented.address_of("x", "id")(Row(User, {"id": "abc"}), "email")
    assert of_another_kind == (
        "bikobabor.ledovarem.fb55734e-084fe4b81059bc9f27194cd0b528f259@members.example"
    )
    assert invented.unusable_password(Row(User, {"id": 7}), "password") == (
        "!b8436e3b53c21773cc7e8d49d17fadd32bf38c12"
    )
    row = profile(created_at=datetime(2024, 5, 17, 12, 30, tzinfo=UTC), updated_at=None)
    assert invented.month(row, "created_at") == datetime(2024, 5, 1, 1, 3, 49, tzinfo=UTC)
    assert invented.month(row, "updated_at") is None


def test_details_and_files_are_the_same():
    rules = DECISIONS["profiles.Profile"].replaced
    row = profile(
        name="Zuzanna Wisniewska", place="x", skills="a, b", links="a b", phone="1",
        contact_email="a", avatar="a", resume="r",
    )  # fmt: skip

    assert {name: rules[name](row, name) for name in row.values if name in rules} == {
        "name": invented.name(row, "name"),
        "place": "Benivuk, Tamoni",
        "skills": "ninelu, kubamu",
        "links": "https://members.example/acdf2f40850d\nhttps://members.example/56c1abd086e0",
        "phone": "+44 1632 960185",
        "contact_email": "molumiz.kolutom.d7d0cec1-3@members.example",
        "avatar": "avatars/0c514dbc-9d99-4999-910e-df21a1b7beda.webp",
        "resume": "resumes/e27d28b1-9aa5-4591-8393-e87a370a884c.pdf",
    }


@pytest.mark.parametrize(
    ("least", "value", "most", "result"),
    [(3, 2, 9, 3), (3, 5, 9, 5), (3, 12, 9, 9), (3, 2, 1, 1), (3, 2, 0, 1)],
)
def test_a_number_is_kept_between_two_others(least, value, most, result):
    assert invented.between(least, value, most) == result


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("", "LATIN"), ("12 ☕", "LATIN"), ("aд", "LATIN"), ("дa", "CYRILLIC"), ("aдд", "CYRILLIC"),
        ("李 Li", "LATIN"), ("李文 Q", "CJK"), ("ᚠᚢᚦ a", "RUNIC"), ("ﬁ", "LATIN"),
    ],
)  # fmt: skip
def test_the_script_of_most_letters_counts(text, script):
    assert invented.script_of(text) == script


@pytest.mark.parametrize("length", range(1, 12))
def test_sentences_are_exactly_as_long_and_end_in_no_blank(length):
    for who in range(20):
        made = invented.sentences(Chance(who), "LATIN", length)

        assert len(made) == length
        assert made == made.strip()


def test_a_column_without_a_limit_has_one_of_its_own():
    assert invented.limit(profile(), "headline") == 150
    assert invented.limit(profile(), "bio") == 4000
    assert invented.limit(profile(), "created_at") == 100_000
