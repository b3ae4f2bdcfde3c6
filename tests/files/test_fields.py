"""Fields that store only what they have cleaned, whichever way it comes."""

import io
import re
from types import SimpleNamespace
from urllib.request import urlopen

import pytest
from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import models
from hypothesis import given
from hypothesis import strategies as st

from portal.files.fields import Cleaned, CleanedFileField, MadeFileField, check_size
from portal.files.storages import public_media
from profiles.models import Profile
from profiles.uploads.avatars import REFUSALS, AvatarField
from tests.support import samples

pytestmark = pytest.mark.any_database

AVATAR_NAME = re.compile(r"avatars/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.webp")
RESUME_NAME = re.compile(r"resumes/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.pdf")

HOSTILE_NAMES = [
    pytest.param("cv\r\nSet-Cookie: a=b.pdf", id="P6-CRLF"),
    pytest.param("cv\u202efdp.exe", id="P6-RTL"),
    pytest.param("cv\0.pdf", id="P6-NUL"),
    pytest.param("../../etc/cv.pdf", id="P6-dots"),
    pytest.param("/etc/cv.pdf", id="P6-root"),
    pytest.param("c" * 300 + ".pdf", id="P6-300 characters"),
    pytest.param("cv.pdf.html", id="P6-two extensions"),
]


class ProfileForm(forms.ModelForm):
    class Meta:
        model = Profile
        fields = ["avatar", "resume"]


@pytest.fixture
def profile(member):
    return member.profile


def stored(folder):
    storage = public_media()
    return storage.listdir(folder)[1] if storage.exists(folder) else []


def a_photo(name="me.jpg"):
    return ContentFile(samples.jpeg(), name=name)


def a_broken_photo():
    return ContentFile(samples.jpeg()[:5000], name="me.jpg")


def assign(profile, file):
    profile.avatar = file
    profile.save()


def save_through_the_file(profile, file):
    profile.avatar.save("me.jpg", file)


def save_something_readable(profile, file):
    profile.avatar.save("me.jpg", io.BytesIO(file.read()))


def clean_and_save(profile, file):
    profile.avatar = file
    profile.full_clean()
    profile.save()


def fill_in_a_form(profile, file):
    upload = SimpleUploadedFile("me.jpg", file.read(), content_type="text/html")
    form = ProfileForm({}, {"avatar": upload}, instance=profile)
    if not form.is_valid():
        raise ValidationError(form.errors.as_data())
    form.save()


def create_in_bulk(profile, file):
    user = profile.user
    profile.delete()
    Profile.objects.bulk_create([Profile(user=user, avatar=file)])


WAYS = [
    assign,
    save_through_the_file,
    save_something_readable,
    clean_and_save,
    fill_in_a_form,
    create_in_bulk,
]


@pytest.mark.parametrize("store", WAYS)
def test_stores_only_what_is_clean(profile, store):
    store(profile, a_photo())

    saved = Profile.objects.get(user=profile.user)
    assert {f"avatars/{name}" for name in stored("avatars")} == {
        saved.avatar.name,
        saved.avatar_small.name,
    }
    for avatar in (saved.avatar, saved.avatar_small):
        assert AVATAR_NAME.fullmatch(avatar.name)
        with avatar.open() as file:
            assert file.read()[8:12] == b"WEBP"


@pytest.mark.parametrize("store", WAYS)
def test_stores_nothing_of_what_is_refused(profile, store):
    """I1."""
    with pytest.raises(ValidationError) as refused:
        store(profile, a_broken_photo())

    assert "This photo is cut off. Please choose the original file." in refused.value.messages
    assert stored("avatars") == []


def test_does_not_store_what_full_clean_has_refused(profile):
    profile.avatar = a_broken_photo()
    with pytest.raises(ValidationError):
        profile.full_clean()

    with pytest.raises(ValidationError):
        profile.save()

    assert stored("avatars") == []


def test_shows_the_error_at_the_field(profile):
    """I1, P1."""
    files = {
        "avatar": SimpleUploadedFile("me.png", samples.HTML, content_type="image/png"),
        "resume": SimpleUploadedFile("cv.pdf", samples.pdf()[:300], content_type="application/pdf"),
    }

    form = ProfileForm({}, files, instance=profile)

    assert form.errors == {
        "avatar": [REFUSALS["not_a_photo"]],
        "resume": ["This PDF is damaged. Please save it as PDF again and choose the new file."],
    }


def test_cleans_an_upload_once(profile, monkeypatch):
    field, cleaned = Profile._meta.get_field("avatar"), []
    clean_upload = field.clean_upload
    monkeypatch.setattr(
        field, "clean_upload", lambda file: cleaned.append(file) or clean_upload(file)
    )
    profile.avatar = a_photo()

    profile.full_clean()
    profile.full_clean()
    profile.save()
    profile.full_clean()
    profile.save()

    assert len(cleaned) == 1


def test_leaves_a_stored_file_alone(profile):
    assign(profile, a_photo())
    name = profile.avatar.name
    profile.avatar.storage.delete(name)  # so that reading it would fail

    profile.full_clean()
    profile.save()

    assert Profile.objects.get(pk=profile.pk).avatar.name == name


def test_lets_an_optional_file_be_missing_and_be_cleared(profile):
    profile.full_clean()
    assign(profile, a_photo())

    form = ProfileForm({"avatar-clear": "on"}, instance=profile)
    form.save()

    assert not Profile.objects.get(pk=profile.pk).avatar


def test_ignores_a_file_key_that_is_posted(profile):
    """Z7."""
    form = ProfileForm({"avatar": "avatars/of-another.webp", "resume": "x.pdf"}, instance=profile)

    form.save()

    assert not profile.avatar
    assert not profile.resume


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_stores_nothing_of_a_hostile_name(profile, name):
    """P6."""
    profile.resume.save(name, ContentFile(samples.pdf(), name=name))

    assert RESUME_NAME.fullmatch(Profile.objects.get(pk=profile.pk).resume.name)


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_accepts_a_good_file_whatever_its_name(profile, name):
    """P6."""
    upload = SimpleUploadedFile("cv.pdf", samples.pdf(), content_type="text/html")
    upload._name = name  # past Django's own cleaning

    form = ProfileForm({}, {"resume": upload}, instance=profile)
    form.save()

    assert RESUME_NAME.fullmatch(Profile.objects.get(pk=profile.pk).resume.name)


@given(name=st.text())
def test_makes_a_random_name_of_any_name(name):
    """P6."""
    field = Profile._meta.get_field("resume")

    first, second = (field.generate_filename(None, name) for _ in range(2))

    assert RESUME_NAME.fullmatch(first)
    assert first != second


@pytest.mark.parametrize(
    ("field", "content", "content_type"),
    [
        pytest.param("avatar", samples.jpeg(), "image/webp", id="I7-avatar"),
        pytest.param("resume", samples.pdf(), "application/pdf", id="P6-resume"),
    ],
)
def test_declares_its_own_type_not_the_browser_s(profile, field, content, content_type):
    """I7, P6."""
    upload = SimpleUploadedFile("me.html", content, content_type="text/html")
    setattr(profile, field, upload)

    profile.full_clean()

    assert getattr(profile, field).file.content_type == content_type


def test_serves_an_avatar_as_what_it_is(on_s3, profile):
    """I7."""
    upload = SimpleUploadedFile("me.html", samples.jpeg() + samples.HTML, content_type="text/html")
    assign(profile, upload)

    with urlopen(profile.avatar.url) as answer:
        assert answer.headers["Content-Type"] == "image/webp"
        assert b"script" not in answer.read()


@pytest.mark.parametrize("field", ["avatar", "resume"])
def test_stores_a_file_from_disk(profile, field, tmp_path):
    content = {"avatar": samples.jpeg(), "resume": samples.pdf()}[field]
    path = tmp_path / "upload"
    path.write_bytes(content)

    with path.open("rb") as file:
        setattr(profile, field, File(file))
        profile.save()

    assert path.read_bytes() == content
    assert getattr(profile, field).size > 0


def test_tells_the_file_chooser_what_to_offer():
    field = Profile._meta.get_field("avatar")

    for form_field in [field.formfield(), field.formfield(widget=AdminFileWidget)]:
        assert type(form_field) is forms.FileField
        assert 'accept="image/jpeg,image/png' in form_field.widget.render("avatar", None)


def test_puts_no_storage_and_no_rule_into_a_migration():
    field = AvatarField(storage=public_media, upload_to="avatars", blank=True)

    _, path, args, kwargs = field.deconstruct()

    assert (path, args) == ("profiles.uploads.avatars.AvatarField", [])
    assert kwargs == {
        "storage": public_media,
        "upload_to": "avatars",
        "blank": True,
        "max_length": 200,
    }
    assert isinstance(field, models.FileField)


@pytest.mark.django_db
def test_what_was_made_of_a_file_goes_with_it(owner):
    """A smaller photo would still be shown, and pages counted, of what is not there any more."""
    profile = Profile.objects.get(user=owner)
    assert profile.avatar_small
    assert (profile.resume_pages, bool(profile.resume_picture)) == (1, True)

    profile.avatar = profile.resume = ""
    profile.save()

    profile.refresh_from_db()
    assert (profile.avatar_small, profile.resume_picture) == ("", "")
    assert (profile.resume_pages, profile.resume_bytes) == (None, None)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, "This file is empty. Please choose another."),
        (1, None),
        (10_485_760, None),
        (10_485_761, "This file is larger than 10.5 MB. Please choose a smaller one."),
    ],
)
def test_refuses_what_is_empty_or_too_large_before_it_is_read(size, message):
    """I6, P1: in words, by the size that the server has counted."""
    file = SimpleNamespace(size=size)

    if message is None:
        check_size(file, 10_485_760)
        return
    with pytest.raises(ValidationError) as caught:
        check_size(file, 10_485_760)
    assert caught.value.messages == [message]
    assert caught.value.code == ("too_large" if size else "empty")


@pytest.mark.parametrize("kind", [CleanedFileField, MadeFileField])
def test_has_room_for_a_random_name(kind):
    field, own = kind(upload_to="x"), kind(upload_to="x", max_length=90)

    assert (field.max_length, own.max_length) == (200, 90)
    assert field.blank is (kind is MadeFileField)
    assert len(field.generate_filename(None, "a.webp")) < 90


def test_states_its_rule_in_a_subclass():
    class Upper(CleanedFileField):
        extension, content_type = ".txt", "text/plain"

        def clean_upload(self, file, **choices):
            return Cleaned(ContentFile(file.read().upper()), choices, ["a note"])

    for content in (io.BytesIO(b"a"), ContentFile(b"a", name="evil.html")):
        made = Upper().cleaned(content, turn=90)
        assert (made.file.name, made.file.content_type) == ("cleaned.txt", "text/plain")
        assert (made.file.read(), made.others, made.notes) == (b"A", {"turn": 90}, ["a note"])
    with pytest.raises(NotImplementedError):
        CleanedFileField().clean_upload(ContentFile(b"a"))
