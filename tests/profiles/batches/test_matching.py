"""For whom a file is, by its name. Catalogue row N2."""

import pytest

from profiles.batches.matching import MAX_CANDIDATES, match, resolve
from profiles.models import Profile
from tests.conftest import make_member

pytestmark = pytest.mark.django_db

PEOPLE = {
    "ada@example.org": "Ada Lovelace",
    "lucja@example.org": "Łucja Wrońska",
    "jm@example.org": "Jürgen Müller",
    "obrien@example.org": "Tadhg O'Brien",
    "maria.jose@example.org": "María José Ortega",
    "linh@example.org": "Nguyễn Thị Linh",
    "ann1@example.org": "Ann Lee",
    "ann2@example.org": "Ann Lee",
    "anna@example.org": "Anna Berg",
    "anna.maria@example.org": "Anna Maria Berg",
    "von@example.org": "Carl von Linde",
}


@pytest.fixture(scope="module")
def society(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        members = [make_member(email, name=name) for email, name in PEOPLE.items()]
        yield Profile.objects.all()
        for member in members:
            member.delete()


@pytest.mark.parametrize(
    ("filename", "address"),
    [
        ("Ada Lovelace.jpg", "ada@example.org"),
        ("lovelace_ada.JPG", "ada@example.org"),
        ("Lovelace, Ada (1).jpg", "ada@example.org"),
        ("LovelaceAda.png", "ada@example.org"),
        ("ada-lovelace-2024.heic", "ada@example.org"),
        ("007 Ada Lovelace CV final.pdf", "ada@example.org"),
        ("Lebenslauf Ada Lovelace - Kopie (2).pdf", "ada@example.org"),
        ("ada@example.org.jpg", "ada@example.org"),
        ("ADA@Example.ORG (3).pdf", "ada@example.org"),
        ("ada@example.org-photo.jpg", "ada@example.org"),
        ("ada@example.org_.jpg", "ada@example.org"),
        ("ada@example.org-.-.jpg", "ada@example.org"),
        ("ada_at_example.org.jpg", "ada@example.org"),
        ("wronska lucja.jpg", "lucja@example.org"),
        ("W\u0072on\u0301ska_Łucja.jpg", "lucja@example.org"),
        ("Mueller Juergen.jpg", "jm@example.org"),
        ("muller jurgen.jpg", "jm@example.org"),
        ("OBrien Tadhg.jpg", "obrien@example.org"),
        ("linh nguyen thi.jpg", "linh@example.org"),
        ("Anna Berg.jpg", "anna@example.org"),
        ("Berg Anna Maria.jpg", "anna.maria@example.org"),
        ("von Linde, Carl.jpg", "von@example.org"),
        ("maria.jose@example.org.pdf", "maria.jose@example.org"),
    ],
)
def test_a_name_is_matched_in_either_order_and_any_spelling(society, filename, address):
    found = match(filename, "", society)

    assert (found.profile and found.profile.user.email, found.how) == (address, "certain")


@pytest.mark.parametrize(
    ("filename", "address"),
    [
        ("tadhg.jpg", "obrien@example.org"),
        ("Ada Lovelace Berlin.jpg", "ada@example.org"),
        ("ortega maria.jpg", "maria.jose@example.org"),
    ],
)
def test_a_part_of_a_name_is_matched_and_asks_to_be_looked_at(society, filename, address):
    found = match(filename, "", society)

    assert (found.profile.user.email, found.how) == (address, "likely")


def test_a_name_that_several_have_is_asked_about(society):
    found = match("Ann Lee.jpg", "", society)

    assert found.how == "ambiguous"
    assert {each.user.email for each in found.candidates} == {
        "ann1@example.org",
        "ann2@example.org",
    }


@pytest.mark.parametrize(
    "filename",
    ["IMG_2031.jpg", "photo.jpg", "Grace Hopper.jpg", "grace@example.org.jpg", ".jpg", "%.jpg"],
)
def test_a_name_that_nobody_has_is_matched_with_nobody(society, filename):
    assert match(filename, "", society).how == "nobody"


def test_the_folder_is_looked_at_where_the_file_has_no_name(society):
    assert match("photo.jpg", "Ada Lovelace", society).profile.name == "Ada Lovelace"
    assert match("Tadhg O'Brien.jpg", "Ada Lovelace", society).profile.name == "Tadhg O'Brien"


def test_no_more_of_a_name_is_looked_at_than_a_file_system_allows(society):
    assert match("photo.jpg", f"{'x ' * 110}ada@example.org", society).how == "certain"
    assert match("photo.jpg", f"{'x ' * 130}ada@example.org", society).how == "nobody"


@pytest.mark.parametrize(
    ("typed", "how"),
    [
        ("Ada Lovelace <ada@example.org>", "chosen"),
        ("ada@EXAMPLE.org", "chosen"),
        ("lovelace ada", "chosen"),
        ("Ann Lee", "ambiguous"),
        ("Ann Lee <ann2@example.org>", "chosen"),
        ("nobody@example.org", "nobody"),
        ("Nobody", "nobody"),
    ],
)
def test_what_is_typed_is_an_address_or_a_whole_name(society, typed, how):
    assert resolve(typed, society).how == how


@pytest.mark.parametrize(
    "name", ["a@" * 50, "@", "a@.", "a@b..c", "é" * 100, "A" * 100, "x " * 50, "zeno " * 5000]
)
def test_no_name_breaks_the_matching(society, name):
    assert match(f"{name[:200]}.jpg", name, society).how == "nobody"


def test_a_choice_is_among_a_few():
    for number in range(MAX_CANDIDATES + 2):
        make_member(f"sam{number}@example.org", name="Sam Poe")

    found = match("Sam Poe.jpg", "", Profile.objects.all())

    assert (found.how, len(found.candidates)) == ("ambiguous", MAX_CANDIDATES)
