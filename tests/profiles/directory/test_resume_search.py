"""Members find one another by words of their resumes; visitors do not, nor anybody hidden ones."""

import io
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.utils import timezone

from profiles.models import Profile, ResumeText, User
from profiles.uploads.resumes import readable_text
from tests.conftest import make_member
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

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


def test_whoever_has_a_word_in_the_bio_and_in_the_resume_is_listed_once(reader, siofra):
    edit(siofra.profile, bio="Hydrology")

    assert found(reader) == ["Síofra Ní Dhubhghaill"]


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


def edit(profile, **fields):
    for name, value in fields.items():
        setattr(profile, name, value)
    profile.save()


def removed(owner):
    edit(owner.profile, resume="")


def replaced(owner):
    edit(owner.profile, resume=ContentFile(samples.pdf_with_text("Opera"), name="new.pdf"))


def hidden(owner):
    edit(owner.profile, visibility="hidden")


def switched_off(owner):
    edit(owner.profile, resume_is_searched=False)


def inactive(owner):
    owner.is_active = False
    owner.save()


def leaving(owner):
    User.objects.filter(pk=owner.pk).update(leaves_at=timezone.now() + timedelta(days=1))


def past_save(**fields):
    def write(owner):
        Profile.objects.filter(user=owner).update(**fields)

    return write


CEASED = {
    "removed": removed,
    "replaced": replaced,
    "hidden": hidden,
    "switched off": switched_off,
    "inactive": inactive,
    "that of a leaver": leaving,
    "removed by update()": past_save(resume=""),
    "replaced by update()": past_save(resume="resumes/other.pdf"),
    "hidden by update()": past_save(visibility="hidden"),
    "switched off by update()": past_save(resume_is_searched=False),
}


@pytest.mark.parametrize("what", CEASED)
@pytest.mark.parametrize("role", ["member", "owner", "staff"])
def test_nobody_is_found_by_a_resume_once_it_is(client, siofra, staff, member, what, role):
    client.force_login({"member": member, "owner": siofra, "staff": staff}[role])
    assert found(client) == ["Síofra Ní Dhubhghaill"]

    CEASED[what](siofra)

    if (role, what) == ("owner", "that of a leaver"):
        return  # leavers see no list
    assert found(client) == []
    assert found(client, "hydrology dhubhghail") == []
    if what == "replaced":
        assert found(client, "opera") == ["Síofra Ní Dhubhghaill"]


def test_no_near_word_is_offered_where_a_resume_outside_the_filter_has_the_word(reader, siofra):
    near = make_member("near@example.org", name="Near", visibility="public").profile
    edit(near, headline="Hydrologi", place="Graz", place_visibility="everyone")

    def shown(text):
        return [card.name for card in reader.get(f"/members/?place=graz&q={text}").context["page"]]

    assert shown("hydrologyy") == ["Near"]
    assert shown("hydrology") == []


@pytest.mark.parametrize("what", ["removed", "replaced"])
def test_the_text_of_a_resume_that_is_not_there_any_more_is_deleted(siofra, what):
    CEASED[what](siofra)

    assert not ResumeText.objects.filter(text__contains="hydrology").exists()


def test_a_resume_is_found_as_soon_as_its_form_is_saved_and_what_it_was_is_not(client, siofra):
    client.force_login(siofra)
    file = ContentFile(samples.pdf_with_text("Opera"), name="new.pdf")
    upload = client.post("/me/uploads/resume/", {"file": file}).json()
    assert (found(client), found(client, "opera")) == (["Síofra Ní Dhubhghaill"], [])

    client.post("/me/edit/", searched(siofra) | {"resume-stored": upload["pk"]})

    assert (found(client), found(client, "opera")) == ([], ["Síofra Ní Dhubhghaill"])


def test_a_chosen_resume_is_read_once_it_is_saved_and_not_with_other_fields(siofra):
    profile = siofra.profile
    profile.new_resume_text = "Opera"

    profile.save(update_fields=["headline"])
    assert ResumeText.objects.get().text.startswith("Peatland")
    profile.save(update_fields=["resume"])

    row = ResumeText.objects.get()
    assert (row.profile, row.source, row.text) == (profile, profile.resume.name, "Opera")
    assert "opera" in row.words.split()
    assert profile.new_resume_text is None


def test_owners_switch_it_off_and_on_and_see_which_on_their_own_page(client, siofra):
    client.force_login(siofra)
    assert "Members find you by words in it" in client.get("/me/").content.decode()

    client.post("/me/edit/", posted(siofra))

    assert "as you have chosen" in client.get("/me/").content.decode()
    assert found(client) == []
    client.post("/me/edit/", searched(siofra))
    assert found(client) == ["Síofra Ní Dhubhghaill"]


def searched(user):
    return posted(user) | {"resume_is_searched": "on"}


def posted(user):
    names = ["name", "headline", "bio", "visibility"]
    return {name: getattr(user.profile, name) for name in names}


def test_the_owner_of_a_scan_is_told_when_it_is_chosen_and_on_their_own_page(client, siofra):
    client.force_login(siofra)
    scan = ContentFile(samples.pdf(), name="scan.pdf")

    upload = client.post("/me/uploads/resume/", {"file": scan}).json()
    client.post(
        "/me/edit/", posted(siofra) | {"resume-stored": upload["pk"], "resume_is_searched": "on"}
    )

    assert "No text could be read" in upload["note"]
    assert "No text could be read" in client.get("/me/").content.decode()
    assert "Edit profile" in client.get("/me/").content.decode()


@pytest.mark.parametrize("is_newer", [True, False])
def test_the_newest_is_first_wherever_the_word_stands(reader, siofra, is_newer):
    other = make_member("other@example.org", name="Hydrology Other", visibility="public").profile
    moment = siofra.profile.created_at + timedelta(days=1 if is_newer else -1)
    Profile.objects.filter(pk=other.pk).update(created_at=moment)

    page = reader.get("/members/?q=hydrology&sort=new").context["page"]

    names = [card.name for card in page]
    assert names == (["Hydrology Other", siofra.profile.name][:: 1 if is_newer else -1])


def test_a_profile_found_by_other_words_too_comes_before_one_found_by_its_resume(reader, siofra):
    for name, field in [
        ("Zoe Bio", "bio"),
        ("Zoe Headline", "headline"),
        ("Hydrology Zoe", "name"),
    ]:
        other = make_member(f"{field}@example.org", name=name).profile
        if field != "name":
            edit(other, **{field: "hydrology"})

    assert found(reader) == ["Hydrology Zoe", "Zoe Headline", "Zoe Bio", "Síofra Ní Dhubhghaill"]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 5_000,
        "\ufdfa" * 3_000,
        "'; DROP TABLE \\ -- %_ \" : & | ! ( <-> :*",
        "\ud800\ufffe\x00\x01 end",
        "",
    ],
)
def test_any_text_of_a_resume_is_stored_and_any_query_is_answered(reader, siofra, text):
    siofra.profile.new_resume_text = readable_text(text)
    siofra.profile.save()
    typed = text.encode(errors="ignore").decode()

    assert reader.get("/members/", {"q": typed[:100]}).status_code == 200
    assert reader.get("/members/", {"q": f'"{typed[:90]}" x'}).status_code == 200


@pytest.mark.whole
def test_one_demo_member_is_found_by_a_word_that_one_resume_alone_has(client):
    """Hydrology: a member finds its owner, a visitor nobody."""
    call_command("seed_demo", stdout=io.StringIO())
    assert found(client) == []

    client.force_login(User.objects.get(email="member@example.org"))

    assert found(client) == ["Samuel Tesfamariam Woldu"]
