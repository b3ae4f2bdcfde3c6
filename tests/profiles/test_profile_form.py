"""The form of one's own profile: what it shows, and which rows saving it writes."""

import re

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError

from profiles.fields import LineField
from profiles.forms import ProfileForm
from profiles.models import Profile, StoredUpload, User
from profiles.uploads.forms import StoredUploadsForm
from profiles.uploads.stored import StoredUploadQuerySet
from profiles.widgets import UploadInput
from tests.conftest import make_member
from tests.support import samples

pytestmark = pytest.mark.django_db

TYPED = {"name": "Ada", "visibility": "members"}


def form_of(user, **typed):
    return ProfileForm(TYPED | typed, {}, instance=user.profile, uploader=user)


def test_the_page_shows_what_is_stored_and_leads_to_no_field(client, member):
    User.objects.filter(pk=member.pk).update(language="de")
    Profile.objects.filter(user=member).update(place="Thule", place_visibility="nobody")
    client.force_login(member)

    page = client.get("/me/edit/", headers={"Accept-Language": "en"}).content.decode()

    assert re.search(r'<option value="de" selected', page)
    assert re.search(r'name="place" value="Thule"', page)
    assert "autofocus" not in page


def test_the_page_shows_the_photo_and_leads_to_the_resume(client, owner):
    """By the address that asks who is there, and no signed one."""
    client.force_login(owner)

    page = client.get("/me/edit/").text

    assert f'src="{owner.profile.avatar.url}"' in page
    assert f'href="/members/{owner.profile.pk}/resume/"' in page
    assert "/protected/" not in page
    assert page.count('-clear"') == 2


INPUTS = {  # in their order
    "name": 'type="text" dir="auto"',
    "headline": 'type="text" dir="auto"',
    "bio": 'rows="5" dir="auto"',
    "place": 'data-suggestions="/members/suggestions/place/" dir="auto" autocomplete="off"',
    "place_visibility": "",
    "skills": 'rows="2" data-suggestions="/members/suggestions/skill/" autocomplete="off"',
    "skills_visibility": "",
    "links": 'rows="3" dir="ltr" inputmode="url"',
    "links_visibility": "",
    "phone": 'type="tel" autocomplete="tel"',
    "phone_visibility": "",
    "contact_email": 'type="email"',
    "contact_email_visibility": "",
    "avatar": 'type="file" accept="image/jpeg,image/png,image/gif,image/webp,image/avif"',
    "resume": 'type="file" accept="application/pdf"',
    "resume_is_searched": 'type="checkbox" checked',
    "tells_openings": 'type="checkbox"',
    "visibility": 'type="radio"',
    "language": "",
    "use_for_tests": 'type="checkbox"',
}


def test_each_input_is_of_its_kind(client, member):
    client.force_login(member)

    page = client.get("/me/edit/").content.decode()

    inputs = {}
    for tag in re.findall(r"<(?:input|textarea|select)\b[^>]*>", page):
        inputs.setdefault(re.search(r'name="([^"]+)"', tag)[1], tag)
    asked = [name for name in inputs if name in INPUTS]
    assert asked == list(INPUTS)
    for name, attributes in INPUTS.items():
        missing = [each for each in attributes.split() if each not in inputs[name]]
        assert missing == [], inputs[name]
    scripts = re.findall(r'<script src="[^"]*?(\w+)\.js"([^>]*)>', page)
    assert {name for name, rest in scripts if "defer" in rest} >= {"uploads", "suggestions"}


def test_the_first_of_two_wrong_fields_has_the_focus(client, member):
    client.force_login(member)

    page = client.post("/me/edit/", TYPED | {"phone": "x", "links": "javascript:x"}).text

    assert re.findall(r'name="([^"]+)"[^>]*\bautofocus\b', page) == ["links"]


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [("Ada", "", None), ("Ada", "Eve", "Eve"), ("", "", ""), ("", "Eve", "Eve")],
)
def test_a_name_is_kept_once_there_is_one(client, name, typed, stored):
    client.force_login(make_member("ada@example.org", name=name))

    page = client.post("/me/edit/", TYPED | {"name": typed})

    assert page.status_code == (200 if stored is None else 302)
    assert ("Please keep a name" in page.text) is (stored is None)
    assert Profile.objects.get().name == (name if stored is None else stored)


def test_a_language_is_saved_and_nothing_else_of_the_account(member):
    """The account was changed since the page was asked for."""
    form = form_of(member, language="de")
    User.objects.filter(pk=member.pk).update(is_active=False)

    assert form.is_valid()
    form.save()

    member.refresh_from_db()
    assert (member.language, member.is_active) == ("de", False)


@pytest.mark.parametrize(
    ("before", "typed", "after"),
    [("de", {}, "de"), ("de", {"language": ""}, ""), ("de", {"language": "en-gb"}, "en-gb")],
)
def test_a_form_without_a_language_leaves_the_one_that_is_there(
    client, member, before, typed, after
):
    User.objects.filter(pk=member.pk).update(language=before)
    client.force_login(member)

    assert client.post("/me/edit/", TYPED | typed).status_code == 302

    assert User.objects.get(pk=member.pk).language == after


def test_a_form_that_is_not_to_be_committed_writes_no_row(member):
    form = form_of(member, language="de", headline="New")
    assert form.is_valid()

    profile = form.save(commit=False)

    assert profile is member.profile
    assert profile.headline == "New"
    assert not Profile.objects.filter(headline="New").exists()
    assert not User.objects.filter(language="de").exists()


class FormOfAnotherPage(StoredUploadsForm):
    """With nothing around it that opens a transaction."""

    class Meta:
        model = Profile
        fields = ["name", "headline", "visibility", "avatar", "resume"]
        widgets = {"avatar": UploadInput, "resume": UploadInput}


@pytest.mark.parametrize("form_class", [ProfileForm, FormOfAnotherPage])
def test_a_profile_is_saved_with_its_files_or_not_at_all(member, monkeypatch, form_class):
    upload = StoredUpload.receive(member, "resume", ContentFile(samples.pdf(), name="cv.pdf"))
    typed = TYPED | {"headline": "New", "resume-stored": upload.pk}
    form = form_class(typed, {}, instance=member.profile, uploader=member)
    assert form.is_valid()

    def fail(rows):
        raise DatabaseError("The uploads cannot be deleted")

    monkeypatch.setattr(StoredUploadQuerySet, "delete", fail)
    with pytest.raises(DatabaseError):
        form.save()

    profile = Profile.objects.get()
    assert (profile.headline, profile.resume.name) == ("", "")
    assert StoredUpload.objects.get() == upload


@pytest.mark.parametrize("name", ["name", "headline", "place", "skills", "links", "phone"])
def test_no_value_is_none(name):
    """As of a fixture, before the database refuses it."""
    field = Profile._meta.get_field(name)

    assert field.to_python(None) is None
    assert field.get_prep_value(None) is None


@pytest.mark.parametrize("name", [f.name for f in Profile._meta.fields if isinstance(f, LineField)])
def test_a_line_is_stored_and_looked_for_in_composed_letters(member, name):
    """Also where no form was: macOS types ã as two characters."""
    profile = member.profile
    setattr(profile, name, "a\u0303" if name != "phone" else "\u0661\u200d2345")

    profile.save()

    stored = "\u00e3" if name != "phone" else "12345"
    assert getattr(profile, name) == stored
    assert Profile.objects.filter(**{name: getattr(profile, name)}).exists()
    assert Profile.objects.get().__dict__[name] == stored
