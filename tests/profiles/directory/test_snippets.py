"""Members see why somebody was found: the place in the resume where a word stands."""

import pytest
from django.core.files.base import ContentFile

from profiles.directory import snippets
from profiles.directory.fold import fold
from profiles.directory.snippets import CONTEXT, snippet_of
from tests.conftest import make_member
from tests.support import samples

from .test_resume_search import CEASED

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

LONG = f"{'alpha ' * 30}Peatland <b>Hydrology</b>, by bicycle{' omega' * 30}"


@pytest.fixture
def siofra(db):
    siofra = make_member("siofra@example.org", name="Síofra", visibility="public")
    siofra.profile.headline = "Wet ground"
    siofra.profile.resume = ContentFile(samples.pdf_with_text(LONG), name="cv.pdf")
    siofra.profile.save()
    return siofra


def test_a_member_sees_the_word_in_what_is_around_it_and_escaped(client, siofra):
    client.force_login(siofra)

    page = client.get("/members/?q=hydrol").content.decode()

    assert "alpha Peatland &lt;b&gt;<mark>Hydrology</mark>&lt;/b&gt;, by bicycle omega" in page
    assert page.count("alpha") < 15


@pytest.mark.parametrize("text", ["siofra", "wet", "hydrolgy", "siofra wet"])
def test_nothing_is_shown_of_a_resume_where_the_card_has_the_words(client, siofra, text):
    """The control is the test above."""
    client.force_login(siofra)

    assert "In the resume" not in client.get("/members/", {"q": text}).content.decode()


def test_a_visitor_sees_nothing_of_a_resume(client, siofra):
    siofra.profile.bio = siofra.profile.place = "Hydrology"
    siofra.profile.place_visibility = "everyone"
    siofra.profile.save()

    for text in ["hydrology", "siofra", "siofra hydrology", "wett"]:
        page = client.get("/members/", {"q": text}).content.decode()
        assert "In the resume" not in page
        assert "eatland" not in page


@pytest.mark.parametrize("what", CEASED)
def test_nothing_is_shown_of_a_resume_that_is_not_searched(client, siofra, staff, what):
    siofra.profile.bio = "Hydrology"
    siofra.profile.save()
    client.force_login(staff)
    assert "In the resume" in client.get("/members/?q=hydrology").content.decode()

    CEASED[what](siofra)

    page = client.get("/members/?q=hydrology")

    assert [card.pk for card in page.context["page"]] == [siofra.profile.pk]
    assert "In the resume" not in page.content.decode()


@pytest.mark.parametrize(
    ("text", "word", "shown"),
    [
        ("Hydrology", "hydrology", "Hydrology"),
        ("hydrologist", "hydro", "hydrologist"),
        ("Ungeübte Łódź!", "lodz", "Łódź!"),
        ("о Гидрология", "gidro", "Гидрология"),
        ("knows C++ well", "c++", "C++"),
        ("O’Brien", "obrien", "O’Brien"),
        ("prehydrology", "hydrology", None),
        ("", "hydrology", None),
    ],
)
def test_the_word_is_shown_as_it_stands_in_the_resume(text, word, shown):
    snippet = snippet_of(text, [word])

    assert (snippet and snippet.word) == shown


def test_a_resume_is_folded_once_for_words_that_stand_elsewhere(monkeypatch):
    """In the profile's skills, say. Word by word, a long resume took 7 ms for each of them."""
    folded = []
    monkeypatch.setattr(snippets, "fold", lambda text: folded.append(text) or fold(text))

    assert snippet_of("Peat and bogs", ["fortran", "cobol", "algol"]) is None
    assert snippet_of("Peat and bogs", ["peat"]).word == "Peat"

    assert folded == ["Peat and bogs"]


def test_a_snippet_begins_and_ends_with_whole_words():
    snippet = snippet_of("beginning " * 20 + "word" + " ending" * 20, ["word"])

    assert set(snippet.before.split()) == {"…", "beginning"}
    assert set(snippet.after.split()) == {"…", "ending"}
    assert len(snippet.before) <= CONTEXT + 2
