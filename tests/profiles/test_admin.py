"""What the staff do in the admin."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from profiles.models import Profile, ResumeDownload, User
from tests.conftest import make_member
from tests.support import samples

pytestmark = pytest.mark.django_db

LIST = "/admin/profiles/user/"


@pytest.fixture
def admin_client(client, staff):
    client.force_login(staff)
    return client


def change(user, **fields):
    """The data of a member's form as the browser posts it, with these profile fields changed."""
    profile = user.profile
    return {
        "email": user.email,
        "is_active": "on",
        "profile-TOTAL_FORMS": 1,
        "profile-INITIAL_FORMS": 1,
        "profile-0-id": profile.pk,
        "profile-0-user": user.pk,
        "profile-0-name": profile.name,
        "profile-0-headline": profile.headline,
        "profile-0-bio": profile.bio,
        "profile-0-visibility": profile.visibility,
        **{f"profile-0-{name}": value for name, value in fields.items()},
    }


def post(client, user, **fields):
    return client.post(f"{LIST}{user.pk}/change/", change(user, **fields))


def upload(content, name="photo.jpg"):
    return SimpleUploadedFile(name, content)


def test_staff_upload_a_photo_and_a_resume_on_one_form(admin_client, member):
    response = post(
        admin_client,
        member,
        avatar=upload(samples.jpeg()),
        resume=upload(samples.pdf(), "cv.pdf"),
        headline="Analyst",
    )

    assert response.status_code == 302
    profile = Profile.objects.get(user=member)
    assert profile.avatar.name.endswith(".webp")
    with profile.resume.open() as resume:
        assert resume.read() == samples.pdf()
    assert profile.headline == "Analyst"
    page = admin_client.get(f"{LIST}{member.pk}/change/").content.decode()
    assert profile.avatar.url in page
    assert reverse("resume", args=[profile.pk]) in page


@pytest.mark.parametrize(
    ("field", "content", "words"),
    [
        ("avatar", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo"),
        ("avatar", samples.jpeg()[:-200], "cut off"),
        ("resume", b"not a PDF at all", "PDF"),
    ],
)
def test_a_refused_upload_is_explained_at_its_field(
    admin_client, owner, settings, field, content, words
):
    before = {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()}

    response = post(admin_client, owner, **{field: upload(content)})

    errors = response.context["inline_admin_formsets"][0].formset.errors[0]
    assert words in str(errors[field])
    assert {path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()} == before


def test_the_list_shows_thumbnails_in_a_constant_number_of_queries(
    admin_client, owner, django_assert_num_queries
):
    for number in range(20):
        make_member(f"member{number}@example.org", name=f"Member {number}")

    with django_assert_num_queries(5):
        page = admin_client.get(LIST).content.decode()

    assert owner.profile.avatar.url in page


@pytest.mark.parametrize("parameter", ["avatar", "resume"])
def test_the_list_is_filtered_by_what_is_missing(admin_client, owner, member, parameter):
    having = admin_client.get(LIST, {parameter: "yes"}).context["cl"].queryset
    lacking = admin_client.get(LIST, {parameter: "no"}).context["cl"].queryset

    assert list(having) == [owner]
    assert owner not in lacking
    assert member in lacking


def test_members_are_found_by_name_and_by_address(admin_client, owner, member):
    for text in ["somerville", "mary@"]:
        assert list(admin_client.get(LIST, {"q": text}).context["cl"].queryset) == [owner]


def test_a_member_with_openings_can_be_deleted(admin_client, owner, member):
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    clerk = make_member("clerk@example.org", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="profiles"))
    admin_client.force_login(clerk)

    admin_client.post(f"{LIST}{owner.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(pk=owner.pk).exists()


def test_openings_are_kept_without_a_name_when_the_reader_leaves(owner, member):
    ResumeDownload.objects.create(profile=owner.profile, member=member)

    member.delete()

    assert "A former member" in str(ResumeDownload.objects.get())


def test_staff_cannot_make_themselves_superusers(admin_client, member, staff):
    clerk = make_member("clerk@example.org", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="profiles"))
    admin_client.force_login(clerk)

    data = change(clerk) | {"is_staff": "on", "is_superuser": "on"}
    assert admin_client.post(f"{LIST}{clerk.pk}/change/", data).status_code == 302
    taken_over = admin_client.post(
        f"{LIST}{staff.pk}/password/", {"password1": "mine now, thank you"}
    )

    assert not User.objects.get(pk=clerk.pk).is_superuser
    assert taken_over.status_code == 403
    assert admin_client.post(f"{LIST}{member.pk}/change/", change(member)).status_code == 302


def test_an_invitation_can_be_sent_again(admin_client, member):
    admin_client.post(LIST, {"action": "invite_again", "_selected_action": [member.pk]})

    assert [message.to for message in mail.outbox] == [[member.email]]


def test_an_invitation_that_cannot_be_sent_is_said_to_the_staff(admin_client, member, settings):
    settings.SITE_ENVIRONMENT = "production"
    settings.EMAIL_CONFIGURED = False

    page = admin_client.post(
        LIST, {"action": "invite_again", "_selected_action": [member.pk]}, follow=True
    ).content.decode()

    assert "EMAIL_URL" in page
    assert mail.outbox == []


def test_staff_see_every_opening_and_change_none(admin_client, owner, member):
    opened = ResumeDownload.objects.create(profile=owner.profile, member=member)

    page = admin_client.get("/admin/profiles/resumedownload/").content.decode()
    changed = admin_client.post(f"/admin/profiles/resumedownload/{opened.pk}/change/", {})

    assert "Mary Somerville" in page
    assert changed.status_code == 403


@pytest.mark.parametrize("is_superuser", [True, False])
def test_only_superusers_take_away_a_superusers_second_factor(client, staff, is_superuser):
    clerk = make_member("clerk@example.org", is_staff=True)
    names = ["delete_authenticator", "view_authenticator"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=names))
    owner = staff if is_superuser else make_member("ada@example.org")
    factor = Authenticator.objects.create(user=owner, type="totp", data={})
    client.force_login(clerk)

    answer = client.post(f"/admin/mfa/authenticator/{factor.pk}/delete/", {"post": "yes"})

    assert answer.status_code == (403 if is_superuser else 302)
    assert Authenticator.objects.filter(pk=factor.pk).exists() is is_superuser


def test_a_former_address_is_good_for_nothing(admin_client, member):
    EmailAddress.objects.create(user=member, email=member.email, verified=True, primary=True)
    former = member.email

    admin_client.post(f"{LIST}{member.pk}/change/", change(member) | {"email": "new@example.org"})
    Client().post("/accounts/password/reset/", {"email": former})

    assert User.objects.get(pk=member.pk).email == "new@example.org"
    assert mail.outbox == []
