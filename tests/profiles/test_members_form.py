"""A member's form in the admin: its fields, what it refuses, and what saving it does."""

import re

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override

from profiles.models import Profile, StoredUpload, User
from profiles.uploads import forms, resumes
from profiles.uploads.turns import Busy
from tests.conftest import PASSWORD, make_clerk, make_member
from tests.support import samples

from .test_admin import LIST, change

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def desk(client, staff):
    """A superuser's browser."""
    client.force_login(staff)
    return client


def said(page) -> list[tuple[str, str]]:
    """The messages of a page, each with its kind."""
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


def test_the_form_of_a_new_member_asks_for_an_address_and_a_name_alone(desk):
    page = desk.get(f"{LIST}add/")

    assert list(page.context["adminform"].form.fields) == ["email", "name"]
    assert page.context["inline_admin_formsets"] == []
    assert "The new member is sent a link with which to set a password." in page.text
    assert "username" not in page.text


@pytest.mark.parametrize(
    ("posted", "errors"),
    [
        ({"email": "new@example.org", "name": ""}, {"name": ["This field is required."]}),
        ({"email": "", "name": "New"}, {"email": ["This field is required."]}),
        ({"email": "new@example.org", "name": "a\u202eb"}, {"name": None}),
        (
            {"email": "ada@example.org", "name": "Ada"},
            {"email": ["This is the address of a member already: Ada Lovelace."]},
        ),
        (
            {"email": "left@example.org", "name": "Lee"},
            {
                "email": [
                    "This is the address of a member already: Lee, whose account is not active."
                ]
            },
        ),
    ],
)
def test_a_new_member_who_cannot_be_is_refused_in_words(desk, member, posted, errors):
    make_member("left@example.org", name="Lee", is_active=False)
    before = User.objects.count()

    page = desk.post(f"{LIST}add/", posted)

    form = page.context["adminform"].form
    assert form.errors.keys() == errors.keys()
    assert all(found in (None, form.errors[name]) for name, found in errors.items())
    assert (User.objects.count(), mail.outbox) == (before, [])


def test_an_address_of_ones_own_is_no_error(desk, member):
    posted = change(member, headline="Saved") | {
        "email": "ADA@example.org",
        "initial-email": "x@example.org",
    }

    assert desk.post(f"{LIST}{member.pk}/change/", posted).status_code == 302
    assert Profile.objects.get(user=member).headline == "Saved"


ACCOUNT = {"email", "is_active", "language"}
RIGHTS = {"is_staff", "is_superuser", "user_permissions", "password"}


@pytest.mark.parametrize(("is_superuser", "fields"), [(True, ACCOUNT | RIGHTS), (False, ACCOUNT)])
def test_the_form_of_a_member_has_what_the_staff_may_change(
    desk, staff, member, is_superuser, fields
):
    User.objects.filter(pk=staff.pk).update(is_superuser=is_superuser)
    staff.user_permissions.set(Permission.objects.filter(content_type__app_label="profiles"))

    page = desk.get(f"{LIST}{member.pk}/change/")

    fieldsets = page.context["adminform"].fieldsets
    shown = {name for _, options in fieldsets for name in options["fields"]}
    assert shown == fields | {"second_factors", "date_joined", "last_login", "leaves_at"}
    [inline] = page.context["inline_admin_formsets"]
    assert [*inline.formset.forms[0].fields] == [
        "name", "headline", "bio", "visibility", "avatar", "resume", "place", "place_visibility",
        "skills", "skills_visibility", "links", "links_visibility", "phone", "phone_visibility",
        "contact_email", "contact_email_visibility", "staff_note", "id", "user",
    ]  # fmt: skip
    assert (len(inline.formset.forms), inline.formset.can_delete) == (1, False)


@pytest.mark.parametrize(
    ("app", "model", "codename", "name", "language", "label"),
    [
        ("profiles", "user", "add_user", "", "en", "Profiles | member | Can add member"),
        ("profiles", "user", "view_user", "", "en", "Profiles | member | Can view member"),
        ("profiles", "user", "change_user", "", "de", "Profile | Mitglied | Darf ändern: Mitglied"),
        ("profiles", "user", "add_odd_user", "Odd", "en", "Profiles | member | Odd"),
        ("profiles", "user", "publish_user", "Can do", "en", "Profiles | member | Can do"),
        (
            "usersessions",
            "usersession",
            "delete_usersession",
            "",
            "de",
            "Benutzersitzungen | Sitzung | Darf löschen: Sitzung",
        ),
        ("former", "thing", "delete_thing", "", "en", "thing | Can delete thing"),
    ],
)
def test_permissions_are_named_in_words(desk, member, app, model, codename, name, language, label):
    about, _ = ContentType.objects.get_or_create(app_label=app, model=model)
    Permission.objects.update_or_create(
        content_type=about, codename=codename, defaults={"name": name}
    )
    desk.cookies["django_language"] = language
    User.objects.update(language=language)

    page = desk.get(f"{LIST}{member.pk}/change/")

    field = page.context["adminform"].form.fields["user_permissions"]
    with override(language):
        assert label in {str(words) for _, words in field.choices}


def log_in(member) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": member.email, "password": PASSWORD})
    assert client.get("/me/").status_code == 200
    return client


@pytest.mark.parametrize(
    ("posted", "goes_on"), [({"profile-0-name": "Ada"}, True), ({"is_active": ""}, False)]
)
def test_a_session_ends_if_the_member_is_deactivated_and_not_otherwise(
    desk, member, posted, goes_on
):
    theirs = log_in(member)
    records = UserSession.objects.filter(user=member).count()

    assert desk.post(f"{LIST}{member.pk}/change/", change(member) | posted).status_code == 302
    User.objects.filter(pk=member.pk).update(is_active=True)

    assert (theirs.get("/me/").status_code == 200) is goes_on
    assert (UserSession.objects.filter(user=member).count() == records) is goes_on


def test_the_only_superuser_is_saved_but_not_switched_off(desk, staff):
    posted = change(staff, headline="Keeper") | {"is_staff": "on", "is_superuser": "on"}
    address = f"{LIST}{staff.pk}/change/"

    for name in ("is_active", "is_staff", "is_superuser"):
        refused = desk.post(address, posted | {name: ""})
        assert refused.context["adminform"].form.errors == {
            name: ["This is the only superuser: nobody could manage the site."]
        }
    assert desk.post(address, posted).status_code == 302
    assert Profile.objects.get(user=staff).headline == "Keeper"

    make_member("other@example.org", is_staff=True, is_superuser=True)
    assert desk.post(address, posted | {"is_active": ""}).status_code == 302
    assert not User.objects.get(pk=staff.pk).is_active


def test_the_staff_are_told_what_is_to_be_known_of_a_file(desk, member):
    scan = SimpleUploadedFile("cv.pdf", samples.pdf())

    page = desk.post(f"{LIST}{member.pk}/change/", change(member, resume=scan), follow=True)

    assert [kind for kind, _ in said(page)] == ["info", "success"]
    assert said(page)[0][1] == str(resumes.NO_TEXT)


def test_a_busy_site_asks_the_staff_to_wait(desk, member, monkeypatch):
    def busy(*args, **options):
        raise Busy

    monkeypatch.setattr(StoredUpload, "receive", busy)
    photo = SimpleUploadedFile("me.jpg", samples.jpeg())

    page = desk.post(f"{LIST}{member.pk}/change/", change(member, avatar=photo))

    assert (page.status_code, page["Retry-After"]) == (503, str(forms.BUSY_SECONDS))
    errors = page.context["inline_admin_formsets"][0].formset.errors
    assert errors == [{"avatar": [str(forms.BUSY)]}]


@pytest.mark.parametrize(
    ("rights", "status"),
    [
        (["view_user", "change_profile"], 403),
        (["change_user", "view_profile"], 302),
        (["change_user", "change_profile"], 302),
    ],
)
def test_files_are_received_from_staff_who_may_save_them_alone(
    client, member, monkeypatch, rights, status
):
    """Z6. Members and profiles are both to be changed."""
    clerk = make_clerk("view_user")
    clerk.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(clerk)
    receive, received = StoredUpload.receive, []

    def noted(owner, *args, **options):
        received.append(owner)
        return receive(owner, *args, **options)

    monkeypatch.setattr(StoredUpload, "receive", noted)
    photo = SimpleUploadedFile("me.jpg", samples.jpeg())

    answer = client.post(f"{LIST}{member.pk}/change/", change(member, avatar=photo))

    may_save = rights == ["change_user", "change_profile"]
    assert answer.status_code == status
    assert received == ([clerk] if may_save else [])
    assert bool(Profile.objects.get(user=member).avatar) is may_save


def test_the_widgets_of_the_form(desk, owner):
    """A photo is shown, choices are ticked, skills are suggested, and dates are folded away."""
    page = desk.get(f"{LIST}{owner.pk}/change/")

    assert f'src="{owner.profile.avatar.url}"' in page.text
    assert 'type="radio" name="profile-0-visibility"' in page.text
    [skills] = re.findall(r'<textarea name="profile-0-skills"[^>]*>', page.text)
    assert 'rows="2"' in skills
    assert 'data-suggestions="/members/suggestions/skill/"' in skills
    assert 'class="selectfilter"' in page.text
    adminform = page.context["adminform"]
    folded = [str(each.name) for each in adminform if "collapse" in each.classes]
    assert folded == ["Dates", "Rights and password, for superusers alone"]
    assert 'name="profile-0-use_for_tests"' not in page.text


def as_opened(desk, user) -> dict:
    """What a browser posts of a member's form that nobody has touched."""
    form = desk.get(f"{LIST}{user.pk}/change/").context["adminform"].form
    told = {f"initial-{name}": form[name].initial for name in form.told}
    ticked = {name: "on" for name in form.told if form[name].initial is True}
    return change(user) | told | {"language": user.language, "is_active": ""} | ticked


def test_a_form_that_was_opened_before_undoes_nothing_of_the_account(desk, member):
    """Two clerks: the one deactivates a member, the other corrects the headline."""
    opened = as_opened(desk, member)
    User.objects.filter(pk=member.pk).update(is_active=False, language="de", is_staff=True)

    desk.post(f"{LIST}{member.pk}/change/", opened | {"profile-0-headline": "Corrected"})

    saved = User.objects.get(pk=member.pk)
    assert saved.profile.headline == "Corrected"
    assert (saved.is_active, saved.language, saved.is_staff) == (False, "de", True)


def test_what_is_changed_in_a_form_that_was_opened_before_is_saved(desk, member):
    opened = as_opened(desk, member)
    User.objects.filter(pk=member.pk).update(language="de")

    changed = {"is_active": "", "language": "en-gb", "is_staff": "on"}
    desk.post(f"{LIST}{member.pk}/change/", opened | changed)

    saved = User.objects.get(pk=member.pk)
    assert (saved.is_active, saved.language, saved.is_staff) == (False, "en-gb", True)
