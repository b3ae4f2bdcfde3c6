"""The members' list in the admin, column by column, and what its actions and forms answer."""

import re
from html import unescape

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone
from django.utils.translation import override

from portal.outbox.models import OutgoingMessage
from profiles.invitations.models import Invitation
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


def rows(page) -> list[list[str]]:
    """The words and pictures of each row's cells, without what phones alone show."""
    found = []
    for row in re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.S):
        cells = re.findall(r'<t[dh] class="field-[^"]*">(.*?)</t[dh]>', row, re.S)
        words = [re.sub(r'<span class="cell-label">.*?</span> ', "", cell) for cell in cells]
        words = [re.sub(r'<img src="[^"]*icon-(\w+).svg"[^>]*>', r"\1", cell) for cell in words]
        found.append([unescape(re.sub(r"</?a\b[^>]*>", "", cell)) for cell in words])
    return found


def said(page) -> list[tuple[str, str]]:
    """The messages of a page, each with its kind."""
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


def act(client, action, *users, **more):
    chosen = {"action": action, "_selected_action": [user.pk for user in users], **more}
    return client.post(LIST, chosen, follow=True)


def test_each_column_of_the_list(desk, owner):
    Profile.objects.filter(user=owner).update(place="Burntisland", visibility="public")
    make_member("l@xn--bcher-kva.example", visibility="hidden", is_active=False)
    photo = owner.profile.avatar.url

    page = desk.get(LIST)

    assert page.context["title"] == "Members"
    picture = f'<img src="{photo}" alt="" width="40" height="40" loading="lazy">'
    assert rows(page) == [
        ["Mary Somerville", "Burntisland", "mary@example.org", picture, "yes", "public", "yes",
         "no"],
        ["Staff", "-", "staff@example.org", "-", "no", "members", "yes", "yes"],
        ["(no name yet)", "-", "l@bücher.example", "-", "no", "hidden", "no", "no"],
    ]  # fmt: skip
    labels = re.findall(r'<span class="cell-label">(\w+)</span>', page.text)
    assert labels == ["Resume", "Active", "Staff"] * 3


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Ada Lovelace", "Mary Somerville", "Staff", "Zoë"]),
        ("?avatar=yes", ["Mary Somerville"]),
        ("?avatar=no", ["Ada Lovelace", "Staff", "Zoë"]),
        ("?resume=yes", ["Mary Somerville"]),
        ("?resume=no", ["Ada Lovelace", "Staff", "Zoë"]),
        ("?resume=perhaps", ["Ada Lovelace", "Mary Somerville", "Staff", "Zoë"]),
        ("?is_active__exact=0", ["Zoë"]),
        ("?is_staff__exact=1", ["Staff"]),
        ("?profile__visibility__exact=hidden", ["Zoë"]),
        ("?leaves_at__isempty=0", ["Zoë"]),
        ("?o=-1", ["Zoë", "Staff", "Mary Somerville", "Ada Lovelace"]),
        ("?o=3", ["Ada Lovelace", "Mary Somerville", "Staff", "Zoë"]),
        ("?o=2.-1", ["Zoë", "Staff", "Ada Lovelace", "Mary Somerville"]),
        ("?o=6.1", ["Zoë", "Ada Lovelace", "Staff", "Mary Somerville"]),
        ("?o=7.1", ["Zoë", "Ada Lovelace", "Mary Somerville", "Staff"]),
        ("?o=-8.1", ["Staff", "Ada Lovelace", "Mary Somerville", "Zoë"]),
        ("?q=x@example", ["Zoë"]),
        ("?q=ZOE", ["Zoë"]),
        ("?q=mary staff", []),
        ("?q=", ["Ada Lovelace", "Mary Somerville", "Staff", "Zoë"]),
    ],
)
def test_the_list_is_filtered_sorted_and_searched(desk, owner, member, query, names):
    Profile.objects.filter(user=owner).update(place="Burntisland", visibility="public")
    make_member(
        "zx@example.org", name="Zoë", visibility="hidden", is_active=False, leaves_at=timezone.now()
    )

    page = desk.get(f"{LIST}{query}")

    assert [user.profile.name for user in page.context["cl"].result_list] == names


def test_the_filters_by_file_have_words(desk):
    specs = desk.get(LIST).context["cl"].filter_specs

    assert [str(spec.title) for spec in specs] == [
        "active", "staff", "has an avatar", "has a resume", "visibility", "leaves"
    ]  # fmt: skip
    assert [(value, str(words)) for value, words in specs[2].lookup_choices] == [
        ("yes", "Yes"),
        ("no", "No"),
    ]


ON_ITS_WAY = {
    "newcomer": "An invitation is on its way to new@bücher.example.",
    "member": "A link to set a new password is on its way to new@bücher.example.",
}
WAITS = {
    "newcomer": "An invitation for new@bücher.example waits in the outbox: "
    "E-mail is not configured (EMAIL_URL).",
    "member": "A link to set a new password for new@bücher.example waits in the outbox: "
    "E-mail is not configured (EMAIL_URL).",
}


@pytest.mark.parametrize("who", ["newcomer", "member"])
@pytest.mark.parametrize("is_configured", [True, False])
def test_the_staff_are_told_what_was_sent(desk, staff, settings, who, is_configured):
    address = "new@xn--bcher-kva.example"
    user = make_member(address) if who == "member" else User.objects.create_user(address)
    if not is_configured:
        settings.OUTBOX_BACKEND = None

    page = act(desk, "invite_again", user)

    kind = "success" if is_configured else "warning"
    assert said(page) == [(kind, (ON_ITS_WAY if is_configured else WAITS)[who])]
    assert OutgoingMessage.objects.get().to == address
    assert len(mail.outbox) == is_configured
    invited = Invitation.objects.values_list("user", "invited_by")
    assert list(invited) == ([(user.pk, staff.pk)] if who == "newcomer" else [])


def test_a_link_is_sent_to_each_who_may_have_one(desk, member, other_member):
    inactive = make_member("left@example.org", is_active=False)

    page = act(desk, "invite_again", member, inactive, other_member)

    assert sorted(message.to[0] for message in mail.outbox) == [member.email, other_member.email]
    assert said(page)[-1] == ("warning", "Left out, as not active or not yours to change: 1")
    assert [kind for kind, _ in said(page)] == ["success", "success", "warning"]


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

    refused = desk.post(address, posted | {"is_active": ""})
    assert refused.context["adminform"].form.errors["is_active"] == [
        "This is the only superuser: nobody could manage the site."
    ]
    assert desk.post(address, posted).status_code == 302
    assert Profile.objects.get(user=staff).headline == "Keeper"

    make_member("other@example.org", is_superuser=True)
    assert desk.post(address, posted | {"is_active": ""}).status_code == 302
    assert not User.objects.get(pk=staff.pk).is_active


PENDING = "/admin/invitations/invitation/"
ASKED = "Nothing was {}: {}at most 5,000 at once{}."


@pytest.mark.parametrize(
    ("address", "action", "refusal"),
    [
        (LIST, "delete_selected", ASKED.format("deleted", "please delete ", "")),
        (LIST, "deactivate", ASKED.format("done", "", ", please")),
        (LIST, "reactivate", ASKED.format("done", "", ", please")),
        (PENDING, "invite_again", ASKED.format("done", "", ", please")),
        (PENDING, "withdraw", ASKED.format("done", "", ", please")),
    ],
)
def test_an_action_is_for_five_thousand_at_once(desk, monkeypatch, address, action, refusal):
    act(desk, "invite_again", User.objects.create_user("new@example.org"))
    rows = Invitation.objects.all() if address == PENDING else User.objects.filter(is_staff=False)
    chosen = {"action": action, "_selected_action": [rows.get().pk]}
    answers = {}

    for count in (5_000, 5_001):
        desk.get(LIST)  # shows what was said before
        with monkeypatch.context() as many:
            many.setattr(QuerySet, "count", lambda rows, count=count: count)
            page = desk.post(address, chosen)
        page = page if page.status_code == 200 else desk.get(address)
        answers[count] = ("error", refusal) in said(page)

    assert answers == {5_000: False, 5_001: True}


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
