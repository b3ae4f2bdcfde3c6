"""The exact inventions for one secret, which stay the same after an update of the site.

Or a refresh that is repeated would make other people of those that are there.
"""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from portal.staging import invented
from portal.staging.chance import Chance, Row
from profiles.models import Profile, User


@pytest.fixture(autouse=True)
def _secret(settings):
    settings.SECRET_KEY = "of this test alone"


def invent(rule, column, pk, old):
    return rule(Row(Profile, {"id": pk, column: old}), column)


LONGEST = (
    "Berokirakunezarobitameloludenudikozuzadizirumerotuladonimitubeziniderukisavanobadatidaravutava"
    "vevasereverokutitesananirolebalivuruterazisilelidubenula"
)


@pytest.mark.parametrize(
    ("pk", "old", "new"),
    [
        (7, "Maria Fernanda da Silveira", "Davero Toladu Manube Vibal"),
        (8, "Zoë Ångström", "Níremo Meliv"),
        (9, "Ada", "Lurovokesubi"),
        (10, "A B C D E F G H", "Setab Lomo Kuno"),
        (11, "Оксана Яремчак", "Кесорон Кивепи"),
        (12, "Ελένη Παπαδοπούλου", "Πολαριναζ Δοβεπηζη"),
        (13, "김민준", "놰표쮀갸"),
        (14, "李文橋", "文尚清达"),
        (15, "x" * 150, LONGEST),
        (16, "זהבה כהן", "מיבוזו גולית"),
        (17, "42", "Kozeluviziso"),
        (18, " ", ""),
        (20, "Jo Li", "Mutika Durek"),
        (21, "Max Mustermann", "Tikibol Telabe"),
        (22, "Maria Curie", "Kiriba Zibib"),
        (23, "Anna Li Ng", "Kozivu Soniv"),
    ],
)
def test_a_name_is_the_same_again(pk, old, new):
    assert invent(invented.name, "name", pk, old) == new


PARAGRAPHS = (
    "Vumo nizidusoz zuda runinoke do nukedozez vese.\n\nDur su musad zitazak busotub sano"
    " duteserat nil\n\nVuzirete bibiteb vela sunekelud novu duteri de"
)
HEADLINE = (
    "Vu zamumo lulolu novu nes zo vu zoveloz. Lonir kon nabarakuv ma misikeno sevotekiz dun do."
    " Mobin rorites korireze korireze no zelulus zor va. Kakuk ta"
)


@pytest.mark.parametrize(
    ("column", "pk", "old", "new"),
    [
        ("headline", 7, "Engineer", "Bumasubu ten zed"),
        ("bio", 8, "One.\n\nTwo, which is longer than forty characters.\n\n\nThree" + " so on" * 14,
         PARAGRAPHS),
        ("headline", 9, "x" * 150,
         HEADLINE),
        ("bio", 10, "李文橋", "泽英涛志建林山景辉高永白方怀天明"),
        ("bio", 11, "\n ", ""),
        ("bio", 12, "Инженер", "Нуритеси гепагу."),
    ],
)  # fmt: skip
def test_a_text_is_the_same_again(column, pk, old, new):
    assert invent(invented.text, column, pk, old) == new


def test_an_address_a_password_and_a_time_are_the_same_again():
    rule = invented.address_of("profiles.User", "id")
    for person, address in (
        (7, "vazale.nukive.c5b6faa0-7@xn--bcher-kva.example"),
        (8, "retut.sezidi.eb8c80d3-8@members.example"),
        (300, "suzedonut.vodun.6077bfca-12c@members.example"),
        ("a-uuid", "rotesirud.vudot.0feb06f7-f9ad66ac0e87b7bf5a7fd70e1dd2ddfa@members.example"),
    ):
        assert rule(Row(User, {"id": person}), "email") == address
    user = Row(User, {"id": 7})
    assert invented.unusable_password(user, "password") == (
        "!e9a00804813da1c49205d3861707b95038d4799d"
    )
    old = datetime(2024, 5, 17, 13, 1, 2, 3, UTC)
    assert invent(invented.month, "created_at", 7, old) == datetime(2024, 5, 1, 17, 21, 21, 0, UTC)
    assert invent(invented.month, "created_at", 7, None) is None


def test_chance_is_the_same_again():
    chance = Chance("a", 1)

    assert chance.take(5).hex() == "a7de9ea8dc"
    assert chance.take(40).hex() == (
        "eb8f1491c7e7e13c2ff7c1bf5361f8e6cbde822da3efe8833ba4346035f44577764cb278be73190a"
    )
    assert chance.below(10) == 8
    assert chance.several_below(100, 4) == [41, 51, 75, 47]
    assert [chance.rank_below(100) for _ in range(6)] == [32, 26, 0, 0, 15, 12]
    assert chance.pick("abcdef") == "c"
    assert chance.uuid() == UUID("8d647984-277c-4a77-892f-6b9363e7787a")
    assert Chance("a", "1").key == Chance("a", 1).key != Chance("a1").key
    words = invented.vocabulary("LATIN", "of this test alone")
    assert (words[:3], len(words)) == (["rasomenum", "bumasubu", "to"], 300)
