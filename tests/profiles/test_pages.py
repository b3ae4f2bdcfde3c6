"""The pages that people see."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from profiles.models import Profile, ResumeDownload, User
from tests.conftest import PASSWORD, make_member
from tests.support import samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def society(owner):
    """Thirty members besides the owner, ten of them public, all with an avatar's name."""
    for number in range(30):
        user = make_member(
            f"m{number}@example.org",
            name=f"Member {number:02}",
            visibility="public" if number < 10 else "members",
        )
        Profile.objects.filter(user=user).update(avatar=f"avatars/{number}.webp")


def names(response):
    return [profile.name for profile in response.context["page"]]


def test_the_directory_shows_24_avatars_a_page_in_few_queries(
    client, society, owner, django_assert_num_queries
):
    """F6: a constant number of queries, and no question to the file storage."""
    client.force_login(owner)

    with django_assert_num_queries(4):  # session, user, count, page
        page = client.get(reverse("directory"))

    assert len(names(page)) == 24
    assert page.content.decode().count("<img") >= 24


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 6),  # session, user, profile, newest, updated, who opened the resume
        ("/members/{pk}/", 3),
        ("/members/{pk}/resume/", 4),  # the record as well
        ("/healthz", 0),
    ],
)
def test_a_page_takes_a_constant_number_of_queries(
    client, member, owner, django_assert_num_queries, address, queries
):
    """F6: however many members there are, and have opened a resume."""
    client.force_login(member)
    for number in range(8):
        other = make_member(f"n{number}@example.org", name=f"Number {number}")
        ResumeDownload.objects.create(profile=member.profile, member=other)
    Profile.objects.filter(name__startswith="Number").update(resume="resumes/a.pdf")

    with django_assert_num_queries(queries):
        assert client.get(address.format(pk=owner.profile.pk)).status_code in (200, 302)


def test_the_directory_has_further_pages(client, society, owner):
    client.force_login(owner)

    second = client.get(reverse("directory"), {"page": 2, "q": "member"})

    assert names(second) == [f"Member {number:02}" for number in range(24, 30)]
    assert "q=member" in second.content.decode(), "paging must keep the search"


def test_anonymous_visitors_find_public_members_alone(client, society):
    assert len(names(client.get(reverse("directory")))) == 10
    assert names(client.get(reverse("directory"), {"q": "Mary"})) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SOMERVILLE", ["Mary Somerville"]),
        ("mary some", ["Mary Somerville"]),
        ("astronom mary", ["Mary Somerville"]),
        ("mary@example.org", []),
        ("%", []),
        ("x" * 200, None),
    ],
)
def test_members_are_found_by_words_of_name_and_headline(client, society, owner, text, found):
    owner.profile.headline = "Astronomer"
    owner.profile.save()
    client.force_login(owner)

    response = client.get(reverse("directory"), {"q": text})

    assert response.status_code == 200
    if found is not None:
        assert names(response) == found


def test_a_visitor_sees_a_page_without_any_resume(client, society, owner):
    page = client.get("/").content.decode()

    assert reverse("account_login") in page
    assert "/resume/" not in page


def test_a_member_sees_what_is_new(client, society, owner, member, staff):
    """Three openings of the resume, the latest first."""
    for reader in (staff, None, member, owner, staff):
        ResumeDownload.objects.create(profile=owner.profile, member=reader)
    client.force_login(owner)

    for address in ("/", "/me/"):
        page = client.get(address)

        openers = [opening.opener and opening.opener.name for opening in page.context["opened"]]
        assert openers == ["Staff", "Ada Lovelace", None]
        assert "Ada Lovelace" in page.content.decode()
    assert "Member 29" in client.get("/").content.decode()


def test_owners_see_who_opened_their_resume_and_neither_themselves_nor_what_others_opened(
    client, owner, member, other_member
):
    ResumeDownload.objects.create(profile=member.profile, member=other_member)
    client.force_login(member)
    client.get(reverse("resume", args=[owner.profile.pk]))
    client.force_login(owner)
    client.get(reverse("resume", args=[owner.profile.pk]))

    response = client.get(reverse("resume-opened"))

    assert [opening.member for opening in response.context["page"]] == [member]
    assert "Ada Lovelace" in response.content.decode()
    of_long_ago = {"profile": owner.profile, "opened_at": timezone.now() - timedelta(days=90)}
    ResumeDownload.objects.bulk_create([ResumeDownload(**of_long_ago) for _ in range(50)])
    first, second = (client.get(f"{reverse('resume-opened')}?page={page}") for page in (1, 2))
    assert [opening.member for opening in first.context["page"]] == [member] + [None] * 49
    assert [opening.member for opening in second.context["page"]] == [None]


def test_an_opening_by_somebody_who_left_is_still_shown(client, owner, member):
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    member.delete()
    client.force_login(owner)

    assert "former member" in client.get(reverse("resume-opened")).content.decode().lower()


def test_a_member_without_a_name_is_shown_all_the_same(client, member):
    make_member("anna@example.org", visibility="public")
    client.force_login(member)

    for address in ["/", "/members/"]:
        page = client.get(address)
        assert page.status_code == 200
        assert "anna@example.org" not in page.content.decode()


def edit(client, **fields):
    return client.post(reverse("edit-me"), {"name": "Ada", "visibility": "members"} | fields)


def test_a_member_changes_her_profile(client, member):
    client.force_login(member)

    response = edit(client, headline="Analyst", bio="Engines.", visibility="public")

    assert response.status_code == 302
    profile = Profile.objects.get(user=member)
    assert (profile.headline, profile.bio, profile.visibility) == ("Analyst", "Engines.", "public")


@pytest.mark.parametrize(
    ("field", "name", "content", "words"),
    [
        ("avatar", "photo.jpg", b"nonsense", "photo"),
        ("resume", "cv.pdf", b"nonsense", "PDF"),
        ("resume", "cv.pdf", b"", "empty"),
    ],
)
def test_a_refused_file_is_explained_and_nothing_is_lost(
    client, owner, settings, field, name, content, words
):
    client.force_login(owner)
    before = {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()}

    response = edit(client, **{field: SimpleUploadedFile(name, content), "headline": "Typed"})

    assert response.status_code == 200
    assert words in str(response.context["form"].errors[field])
    assert "Typed" in response.content.decode()
    assert {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()} == before
    assert Profile.objects.get(pk=owner.profile.pk).headline == ""


def test_files_can_be_taken_away(client, owner, settings, django_capture_on_commit_callbacks):
    client.force_login(owner)

    with django_capture_on_commit_callbacks(execute=True):
        edit(client, **{"avatar-clear": "on", "resume-clear": "on"})

    profile = Profile.objects.get(pk=owner.profile.pk)
    assert not profile.avatar
    assert not profile.resume
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["Ada\nBcc: all", "Ada\u202efdp.exe", "Ada\x00"])
def test_a_name_has_nothing_unseen_in_it(client, member, name):
    """P6."""
    client.force_login(member)

    response = edit(client, name=name)

    assert response.status_code == 200
    assert response.context["form"].errors["name"]


@pytest.mark.parametrize(
    ("name", "filename"),
    [
        ("Ada Lovelace", "Ada Lovelace - resume.pdf"),
        ("../../etc/passwd", "-..-etc-passwd - resume.pdf"),
        ('A "quoted" name', "A -quoted- name - resume.pdf"),
        ("Ada\r\nX: y", "AdaX- y - resume.pdf"),
        ("", "Member - resume.pdf"),
        ("نسیم\u200cپور", "نسیم\u200cپور - resume.pdf"),
    ],
)
def test_a_resume_is_saved_under_its_owners_name(name, filename):
    assert Profile(name=name).resume_filename == filename


def test_every_page_has_a_title_and_one_heading(client, society, owner):
    client.force_login(owner)

    for address in ["/", "/members/", "/me/", "/me/edit/", "/me/resume/opened/", "/nothing"]:
        page = client.get(address).content.decode()
        assert page.count("<h1") == 1, address
        assert "<title>" in page


def test_the_photo_of_a_hidden_member_who_opened_a_resume_is_not_shown(client, owner, member):
    member.profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    member.profile.save()
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    client.force_login(owner)
    assert member.profile.avatar.url in client.get("/me/").content.decode()

    Profile.objects.filter(pk=member.profile.pk).update(visibility="hidden")

    page = client.get("/me/").content.decode()
    assert "Ada Lovelace" in page
    assert member.profile.avatar.url not in page


def test_to_ask_whether_there_is_a_resume_is_not_to_open_it(client, owner, member):
    """S13: and it is answered with no link, which would open the file without a record."""
    client.force_login(member)

    asked = client.head(f"/members/{owner.profile.pk}/resume/")
    assert (asked.status_code, asked["Location"]) == (302, owner.profile.get_absolute_url())
    assert not ResumeDownload.objects.exists()

    client.get(f"/members/{owner.profile.pk}/resume/")
    assert ResumeDownload.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_resume_of_an_owner_who_is_deleted_at_this_moment_is_not_found(
    client, member, owner, monkeypatch
):
    """Between reading the profile and recording who opened the resume."""
    client.force_login(member)
    address = f"/members/{owner.profile.pk}/resume/"
    assert client.get(address).status_code == 302
    storage = type(owner.profile.resume.storage)
    link = storage.url

    def deleted_meanwhile(self, name, **options):
        made = link(self, name, **options)
        User.objects.get(pk=owner.pk).delete()
        return made

    monkeypatch.setattr(storage, "url", deleted_meanwhile)

    assert client.get(address).status_code == 404


def test_a_link_to_what_is_for_members_leads_through_the_log_in_and_back(client, member, owner):
    """Nobody learns from it whether there is such a profile: an address of nobody has the same."""
    Profile.objects.filter(user=owner).update(visibility="members")
    address = f"{owner.profile.get_absolute_url()}?from=a+letter"

    page = client.get(address)
    nobodys = client.get("/members/99999/?from=a+letter")
    log_in = re.search(r'href="(/accounts/login/[^"]*)" *>', page.text.split("<main")[1])[1]
    entered = client.post(unescape(log_in), {"login": member.email, "password": PASSWORD})

    assert (page.status_code, nobodys.status_code) == (404, 404)
    assert log_in.split("%3F")[1] == "from%3Da%2Bletter"
    assert nobodys.text.replace("99999", str(owner.profile.pk)) == page.text
    assert entered["Location"] == address
    assert owner.profile.name in client.get(address).text
    assert "log in" not in client.get("/members/99999/").text


@pytest.mark.parametrize(
    ("address", "comes_back"),
    [
        ("/members/?q=ada&page=1", "?next=%2Fmembers%2F%3Fq%3Dada%26page%3D1"),
        ("/members/99999/", "?next=%2Fmembers%2F99999%2F"),
        ("/members/99999/resume/", "?next=%2Fmembers%2F99999%2Fresume%2F"),
        ("/", ""),
        ("/nowhere/", ""),
        ("/accounts/password/reset/", ""),
    ],
)
def test_the_log_in_of_the_menu_leads_back_to_profiles_and_the_list(client, address, comes_back):
    menu = client.get(address).text.split("</nav>")[0]

    assert f'<a href="/accounts/login/{comes_back}"' in menu
