"""Members find one another by words of their resumes; visitors do not, nor anybody by hidden ones."""

import pytest
from django.core.files.base import ContentFile

from tests.conftest import make_member
from tests.support import samples

pytestmark = pytest.mark.django_db

RESUME = "Peatland hydrology and C++\nField station of Lough Boora, 2015 to 2019"


@pytest.fixture
def siofra(db):
    """A member in whose resume alone the word "hydrology" stands."""
    siofra = make_member("siofra@example.org", name="Síofra Ní Dhubhghaill", visibility="public")
    siofra.profile.resume = ContentFile(samples.pdf_with_text(RESUME), name="cv.pdf")
    siofra.profile.save()
    make_member("orla@example.org", name="Orla Quinn", visibility="public")
    return siofra


def found(client, text="hydrology"):
    page = client.get("/members/", {"q": text}).context
    return [] if page["found"].is_near else [profile.name for profile in page["page"]]


@pytest.fixture
def reader(client, other_member):
    client.force_login(other_member)
    return client


@pytest.mark.parametrize(
    "text",
    [
        "hydrology",
        "HYDROLOGY",
        "hydro",
        "siofra hydrology",
        "hydrology boora",
        '"peatland hydrology"',
        "c++",
        "of",
    ],
)
def test_a_member_finds_the_owner_of_a_resume_by_its_words(reader, siofra, text):
    assert found(reader, text) == ["Síofra Ní Dhubhghaill"]


@pytest.mark.parametrize(
    "text", ["drology", "hydrology quinn", '"hydrology peatland"', '"Dhubhghaill Peatland"', "st"]
)
def test_words_that_a_resume_has_otherwise_are_not_taken_for_its(reader, siofra, text):
    assert found(reader, text) == []


def test_a_visitor_finds_nobody_by_a_resume(client, siofra):
    assert found(client, "dhubhghaill") == ["Síofra Ní Dhubhghaill"]

    for text in ["hydrology", "hydrolgy", "siofra hydrology", "hydrology siofrra"]:
        page = client.get("/members/", {"q": text})
        assert list(page.context["page"]) == [], text
        assert "eatland" not in page.content.decode()
