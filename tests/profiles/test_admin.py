"""The admin, as the staff use it."""

import io
import re
from datetime import UTC, datetime
from unittest import mock
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
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


RECORDED = ("date_joined", "last_login", "leaves_at")


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


def test_staff_neither_agree_for_members_nor_change_what_the_site_has_recorded(
    client, staff, owner
):
    client.force_login(staff)
    before = User.objects.values().get(pk=owner.pk)
    times = {f"{name}_{part}": "2001-01-01" for name in RECORDED for part in (0, 1)}

    response = client.post(
        f"{LIST}{owner.pk}/change/", change(owner, name="Mary S.", use_for_tests="on") | times
    )

    assert response.status_code == 302
    profile = Profile.objects.get(user=owner)
    assert (profile.name, profile.use_for_tests) == ("Mary S.", False)
    assert {name: before[name] for name in RECORDED} == {
        name: getattr(profile.user, name) for name in RECORDED
    }


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
        ("avatar", samples.jpeg()[:5000], "cut off"),
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


@pytest.mark.postgresql
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


def test_an_invitation_can_be_sent_again(admin_client):
    newcomer = User.objects.create_user("new@example.org")

    admin_client.post(LIST, {"action": "invite_again", "_selected_action": [newcomer.pk]})

    [message] = mail.outbox
    assert message.to == ["new@example.org"]
    assert "/accounts/invitation/" in message.body


def test_a_member_who_has_a_password_is_sent_a_reset_instead(admin_client, member):
    admin_client.post(LIST, {"action": "invite_again", "_selected_action": [member.pk]})

    [message] = mail.outbox
    assert message.to == [member.email]
    assert "/accounts/password/reset/key/" in message.body


def test_an_invitation_goes_to_nobody_who_may_not_log_in(admin_client):
    left = make_member("left@example.org", is_active=False)

    page = admin_client.post(
        LIST, {"action": "invite_again", "_selected_action": [left.pk]}, follow=True
    )

    assert "Left out" in page.content.decode()
    assert mail.outbox == []


@pytest.mark.parametrize("email", ["ada@example.org", "ADA@Example.org", " ada@example.org "])
def test_a_second_invitation_gets_one_error_that_names_the_member(admin_client, member, email):
    page = admin_client.post(f"{LIST}add/", {"email": email, "name": "Ada"})

    form = page.context["adminform"].form
    assert [len(errors) for errors in form.errors.values()] == [1]
    assert "Ada Lovelace" in form.errors["email"][0]
    assert User.objects.filter(profile__name="Ada").count() == 0


def test_an_address_that_somebody_has_gets_one_error_on_the_members_page(admin_client, member):
    other = make_member("left@example.org", name="Lee", is_active=False)

    page = admin_client.post(
        f"{LIST}{member.pk}/change/", change(member) | {"email": "LEFT@example.org"}
    )

    form = page.context["adminform"].form
    assert [len(errors) for errors in form.errors.values()] == [1]
    assert "Lee, whose account is not active" in form.errors["email"][0]
    assert User.objects.get(pk=other.pk).email == "left@example.org"


@pytest.mark.postgresql
def test_two_invitations_at_the_same_moment_make_one_member(admin_client):
    """A button that is pressed twice: the second request finds out when it saves."""
    make_member("ada@example.org", name="Ada")

    with (
        mock.patch("profiles.admin.InvitationForm.clean_email", return_value="ada@example.org"),
        mock.patch.multiple(User, validate_unique=mock.DEFAULT, validate_constraints=mock.DEFAULT),
    ):
        page = admin_client.post(
            f"{LIST}add/", {"email": "ada@example.org", "name": "Ada"}, follow=True
        )

    assert page.status_code == 200
    assert "at the same moment" in page.content.decode()
    assert User.objects.filter(email="ada@example.org").count() == 1


def test_an_invitation_waits_where_e_mail_is_not_configured(admin_client, member, settings):
    settings.OUTBOX_BACKEND = None

    page = admin_client.post(
        LIST, {"action": "invite_again", "_selected_action": [member.pk]}, follow=True
    ).content.decode()

    assert f"A link to set a new password for {member.email} waits in the outbox" in page
    assert "EMAIL_URL" in page
    assert mail.outbox == []
    settings.OUTBOX_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    call_command("send_outbox", once=True, stdout=io.StringIO())
    assert [message.to for message in mail.outbox] == [[member.email]]


def test_staff_see_every_opening_and_change_none(admin_client, owner, member):
    opened = ResumeDownload.objects.create(profile=owner.profile, member=member)

    page = admin_client.get("/admin/profiles/resumedownload/").content.decode()
    changed = admin_client.post(f"/admin/profiles/resumedownload/{opened.pk}/change/", {})

    assert "Mary Somerville" in page
    assert changed.status_code == 403


def test_the_page_of_an_opening_says_who_opened_what_and_when(admin_client, owner, member):
    moment = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
    opened = ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=moment)

    page = admin_client.get(f"/admin/profiles/resumedownload/{opened.pk}/change/").content.decode()

    for text in ["Mary Somerville", member.email, "4 March 2026, 05:06"]:
        assert text in page


def test_the_list_shows_names_first(admin_client, member):
    User.objects.create_user("nameless@example.org")

    page = admin_client.get(LIST).content.decode()

    first = re.findall(r'<th class="field-name"><a [^>]*>([^<]+)<', page)
    assert first == ["Ada Lovelace", "Staff", "(no name yet)"]


def submit(client, address, fields, **options):
    """Post a form as a browser posts one without files; the test client would send parts."""
    body = urlencode(fields, doseq=True)
    return client.post(address, body, "application/x-www-form-urlencoded", **options)


@pytest.mark.whole
@pytest.mark.parametrize("is_across", [0, 1])
def test_many_members_are_deleted_at_once(admin_client, staff, is_across):
    """More than the 1,000 fields that Django would take, and than the 999 of older SQLites."""
    users = User.objects.bulk_create(
        User(email=f"member{number}@example.org", password="!") for number in range(1050)
    )
    Profile.objects.bulk_create(Profile(user=user, name=user.email) for user in users)
    ResumeDownload.objects.create(profile=users[0].profile, member=users[1])
    chosen = {
        "action": "delete_selected",
        "_selected_action": [user.pk for user in users],
        "select_across": 0,
    }
    if is_across:
        chosen |= {"_selected_action": [users[0].pk], "select_across": 1}
    query = "?is_staff__exact=0"

    asked = submit(admin_client, LIST + query, chosen)
    assert asked.status_code == 200
    answer = {"action": "delete_selected", "post": "yes"}
    shown = re.findall(r'name="_selected_action" value="(\d+)"', asked.content.decode())
    done = submit(admin_client, LIST + query, answer | {"_selected_action": shown}, follow=True)

    assert "Successfully deleted 1,050 members" in done.content.decode().replace("1050", "1,050")
    assert list(User.objects.all()) == [staff]


def test_nobody_deletes_themselves_in_the_admin(admin_client, staff, member):
    """The only superuser would leave a site that nobody can manage. The control is a member."""
    itself, other = f"{LIST}{staff.pk}/", f"{LIST}{member.pk}/"
    chosen = {"action": "delete_selected", "_selected_action": [staff.pk, member.pk], "post": "yes"}

    assert admin_client.post(f"{itself}delete/", {"post": "yes"}).status_code == 403
    assert "deletelink" not in admin_client.get(f"{itself}change/").text
    assert "deletelink" in admin_client.get(f"{other}change/").text
    page = admin_client.post(LIST, chosen, follow=True)

    assert "Nothing was deleted: your own account is among them." in page.text
    assert User.objects.count() == 2
    admin_client.post(f"{other}delete/", {"post": "yes"})
    assert list(User.objects.all()) == [staff]


def test_the_page_before_a_deletion_lists_no_rows_of_the_search(admin_client, owner, member):
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    Profile.objects.filter(user=owner).update(name="Ada Lovelace", place="London, England")
    Profile.objects.get(user=owner).save()

    page = admin_client.get(f"{LIST}{owner.pk}/delete/")

    assert "Profile: " in page.text
    assert "Resume downloads: 1" in page.text
    for made in ("word", "tag", "Directory entr", "Resume text"):
        assert f"rofile {made}" not in page.text
        assert f"<li>{made}" not in page.text


def test_more_members_than_can_be_deleted_at_once_are_refused_in_words(
    admin_client, member, other_member, monkeypatch
):
    monkeypatch.setattr("profiles.admin.MAX_DELETED_AT_ONCE", 1)
    chosen = {"action": "delete_selected", "_selected_action": [member.pk, other_member.pk]}

    page = admin_client.post(LIST, chosen, follow=True).content.decode()

    assert "at most 1 at once" in page
    assert User.objects.filter(pk__in=[member.pk, other_member.pk]).count() == 2


def test_a_former_address_is_good_for_nothing(admin_client, member):
    former = member.email

    admin_client.post(f"{LIST}{member.pk}/change/", change(member) | {"email": "new@example.org"})
    Client().post("/accounts/password/reset/", {"email": former})

    assert User.objects.get(pk=member.pk).email == "new@example.org"
    assert mail.outbox == []


def test_an_address_that_was_confirmed_while_the_form_was_open_stays(admin_client, member):
    form = change(member) | {"initial-email": member.email}
    member.email = "new@example.org"
    member.save()

    admin_client.post(f"{LIST}{member.pk}/change/", form | {"profile-0-headline": "Saved"})

    saved = User.objects.get(pk=member.pk)
    assert (saved.email, saved.profile.headline) == ("new@example.org", "Saved")
