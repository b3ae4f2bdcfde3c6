"""For whom a file is, by its name. Catalogue row N2."""

import time
from contextlib import contextmanager

import pytest

from profiles.batches.matching import MAX_CANDIDATES, match, resolve
from profiles.directory.indexing import forget_unused_words
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
    with django_db_blocker.unblock(), written(PEOPLE):
        yield Profile.objects.all()


@contextmanager
def written(people):
    """Write members for the tests of a module, and leave nothing of them to others."""
    members = [make_member(email, name=name) for email, name in people.items()]
    yield members
    for member in members:
        member.delete()
    forget_unused_words()


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


OTHERS = {
    "five@example.org": "Ada Maria Anna Eva Lovelace",
    "six@example.org": "Ben Carl Dan Emil Fritz Gross",
    "twelve@example.org": "Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll",
    "three@example.org": "Ann Bo Cy",
    "two@example.org": "Dee Fox",
    "one@example.org": "Zeno",
    "photo@example.org": "Photo Final",
    "long@example.org.uk": "Long",
    "long@example.org": "Short",
    "a.b-c_d@x-y.example.org": "Dashes",
}


@pytest.mark.parametrize(
    ("text", "name", "how"),
    [
        # The words of a whole name in any order, up to five of them; of more, in their own.
        ("Lovelace Eva Anna Maria Ada", "Ada Maria Anna Eva Lovelace", "certain"),
        ("Ben Carl Dan Emil Fritz Gross", "Ben Carl Dan Emil Fritz Gross", "certain"),
        ("Gross Fritz Emil Dan Carl Ben", "Ben Carl Dan Emil Fritz Gross", "likely"),
        # No more than twelve words are looked at.
        ("Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll", OTHERS["twelve@example.org"], "certain"),
        ("Aa Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll Mm", OTHERS["twelve@example.org"], "certain"),
        ("Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll", OTHERS["twelve@example.org"], "likely"),
        ("Bb Cc Dd Ee Ff Gg Hh Ii Jj Kk Ll Mm", None, "nobody"),
        # A name among other words: two or three that stand together.
        ("q Cy Ann Bo z", "Ann Bo Cy", "likely"),
        ("q w Fox Dee", "Dee Fox", "likely"),
        ("Fox q Dee", None, "nobody"),
        ("Cy q Ann Bo", None, "nobody"),
        ("Bo Ann", "Ann Bo Cy", "likely"),
        ("Zeno", "Zeno", "certain"),
        ("Zeno Berlin", None, "nobody"),
        ("Berlin Zeno", None, "nobody"),
        ("Zen", None, "nobody"),
        # Numbers and what cameras write are no names, unless somebody has them.
        ("12 Zeno 2024", "Zeno", "certain"),
        ("IMG Zeno copy", "Zeno", "certain"),
        ("final photo", "Photo Final", "certain"),
        ("12", None, "nobody"),
        ("photo", "Photo Final", "likely"),
        # Of two addresses that begin alike, the longer; what follows is none of it.
        ("long@example.org.uk", "Long", "certain"),
        ("long@example.org", "Short", "certain"),
        ("long@example.org.uk-2", "Long", "certain"),
        ("long@example.org_uk", "Short", "certain"),
        ("Photo of long@example.org, Zeno", "Short", "certain"),
        ("a.b-c_d@x-y.example.org.-_", "Dashes", "certain"),
        ("long at example.org", "Short", "certain"),
        ("long(at)example.org", "Short", "certain"),
        ("long-AT-example.org", "Short", "certain"),
        ("longatexample.org", None, "nobody"),
        ("long@example", None, "nobody"),
    ],
)
def test_what_a_text_means(others, text, name, how):
    found = match(f"{text}.jpg", "", others)

    assert (found.profile and found.profile.name, found.how) == (name, how)
    assert found.candidates == ()
    in_folder = match("1.jpg", text, others)
    assert (in_folder.profile, in_folder.how) == (found.profile, how)


@pytest.fixture(scope="module")
def others(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), written(OTHERS) as members:
        yield Profile.objects.filter(user__in=members)


def test_the_folder_is_looked_at_only_where_the_file_means_nobody(others):
    for email in ("b@example.org", "a@example.org"):
        make_member(email, name="Sam Poe")
    everybody = Profile.objects.all()

    assert match("Sam Poe.jpg", "Zeno", everybody).how == "ambiguous"
    assert match("Bo Ann.jpg", "Zeno", everybody).profile.name == "Ann Bo Cy"
    names = [each.user.email for each in match("Sam Poe.jpg", "", everybody).candidates]
    assert names == ["b@example.org", "a@example.org"], "as they were added"


@pytest.mark.parametrize(
    ("typed", "name", "how"),
    [
        ("zeno", "Zeno", "chosen"),
        ("Fox  Dee", "Dee Fox", "chosen"),
        ("Bo Ann", None, "nobody"),
        ("long@example.org", "Short", "chosen"),
        ("Zeno <nobody@example.org>", None, "nobody"),
        ("", None, "nobody"),
    ],
)
def test_what_is_typed_is_a_whole_name_or_an_address(others, typed, name, how):
    found = resolve(typed, others)

    assert (found.profile and found.profile.name, found.how) == (name, how)


def test_no_more_of_what_is_typed_is_looked_at_than_names_a_member(society):
    """A megabyte without an address in it would take a process twenty minutes."""
    label = f"{'x' * 150} <{'x ' * 100}ada@example.org>"
    began = time.process_time()

    assert resolve(f"@ {'a' * 50_000}", society).how == "nobody"
    assert time.process_time() - began < 1
    assert resolve(label, society).how == "chosen"
