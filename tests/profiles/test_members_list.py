"""The members' list in the admin, column by column, and what its actions and forms answer."""

import re
from collections import Counter
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db.models import QuerySet
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles.admin_questions import NAMED
from profiles.invitations.models import Invitation
from profiles.models import Profile, User
from tests.conftest import make_member

from .test_admin import LIST

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


def answered(question) -> dict[str, list[str]]:
    """The form with which a page that asks is answered."""
    found = {}
    hidden = r'<input type="hidden" name="([^"]*)" value="([^"]*)"'
    for name, value in re.findall(hidden, question.text.split("<main")[1]):
        found.setdefault(name, []).append(value)
    return found


def test_each_column_of_the_list(desk, owner):
    Profile.objects.filter(user=owner).update(place="Burntisland", visibility="public")
    make_member("l@xn--bcher-kva.example", visibility="hidden", is_active=False)
    photo = owner.profile.avatar.url

    page = desk.get(LIST)

    assert page.context["title"] == "Members"
    picture = f'<img src="{photo}" alt="" width="40" height="40" loading="lazy">'
    assert rows(page) == [
        ["Mary Somerville", "Burntisland", "mary<wbr>@example.org", picture, "yes", "public", "yes",
         "no"],
        ["Staff", "-", "staff<wbr>@example.org", "-", "no", "members", "yes", "yes"],
        ["(no name yet)", "-", "l<wbr>@bücher.example", "-", "no", "hidden", "no", "no"],
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
        ("?q=1632 9609", ["Mary Somerville"]),
        ("?q=tides@example", ["Mary Somerville"]),
        ("?q=ZOE", ["Zoë"]),
        ("?q=omervill", ["Mary Somerville"]),
        ("?q=auges", ["Mary Somerville"]),
        ("?q=mary staff", []),
        ("?q=", ["Ada Lovelace", "Mary Somerville", "Staff", "Zoë"]),
    ],
)
def test_the_list_is_filtered_sorted_and_searched(desk, owner, member, query, names):
    Profile.objects.filter(user=owner).update(
        place="Burntisland", visibility="public", headline="Tide gauges"
    )
    Profile.objects.filter(user=owner).update(
        phone="+44 1632 960961", contact_email="tides@example.org"
    )
    make_member(
        "zx@example.org", name="Zoë", visibility="hidden", is_active=False, leaves_at=timezone.now()
    )

    page = desk.get(f"{LIST}{query}")

    assert [user.profile.name for user in page.context["cl"].result_list] == names


@pytest.mark.parametrize("text", ["nindexe", "ast savin", "Zoe\u0308"])
def test_members_are_found_whose_search_texts_are_out_of_date(desk, owner, member, text):
    """As after an update by SQL."""
    Profile.objects.filter(user=owner).update(name="Unindexed Zoë", headline="Past saving")

    found = desk.get(LIST, {"q": text}).context["cl"]

    assert list(found.result_list) == [owner]
    assert not found.queryset.query.distinct, "nobody is found twice"


@pytest.mark.parametrize("text", ["l@bücher.example", "BÜCHER.example", "l@xn--bcher"])
def test_members_are_found_by_their_address_as_people_write_it(desk, owner, text):
    found = make_member("l@xn--bcher-kva.example")

    assert list(desk.get(LIST, {"q": text}).context["cl"].result_list) == [found]


def test_links_are_sent_to_all_who_were_chosen_or_to_nobody(desk, member, monkeypatch):
    def fail(addresses, base_url):
        assert OutgoingMessage.objects.count() == 1, "the invitation"
        raise OSError("The second link")

    monkeypatch.setattr("profiles.staff_messages.ask_for_resets", fail)

    with pytest.raises(OSError, match="The second link"):
        act(desk, "invite_again", User.objects.create_user("new@example.org"), member)

    assert not OutgoingMessage.objects.exists()


def test_the_filters_by_file_have_words(desk):
    specs = desk.get(LIST).context["cl"].filter_specs

    assert [str(spec.title) for spec in specs] == [
        "active", "staff", "photo", "resume", "visibility", "leaving"
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
    assert said(page) == [
        ("success", "On the way to 2."),
        ("warning", "Left out, as not active or not yours to change: 1"),
    ]


def test_links_for_many_are_written_in_a_few_queries(desk, settings, django_assert_max_num_queries):
    """One at a time, two thousand of them took six seconds, and as many notices to the staff."""
    settings.OUTBOX_AT_ONCE = False
    chosen = [User.objects.create_user(f"{number}@example.org") for number in range(20)]
    chosen += [make_member(f"member{number}@example.org") for number in range(20)]
    desk.get(LIST)

    with django_assert_max_num_queries(30):
        page = desk.post(
            LIST,
            {
                "action": "invite_again",
                "_selected_action": [u.pk for u in chosen],
                "confirmed": "yes",
            },
        )

    assert page.status_code == 302
    kinds = OutgoingMessage.objects.values_list("kind", flat=True)
    assert Counter(kinds) == {"invitation": 20, "password_reset": 20}
    assert said(desk.get(LIST)) == [("success", "On the way to 40.")]


@pytest.fixture
def many(member):
    """More members than an action is for without a question: one has come, the others have not."""
    return [member, *(User.objects.create_user(f"new{i}@example.org") for i in range(NAMED))]


@pytest.mark.parametrize("is_configured", [True, False])
def test_many_are_sent_a_link_after_a_question_alone_and_counted(
    desk, settings, many, is_configured
):
    if not is_configured:
        settings.OUTBOX_BACKEND = None

    question = act(desk, "invite_again", *many)
    assert "Send a message to 11 members?" in question.text
    assert not OutgoingMessage.objects.exists()
    page = act(desk, "invite_again", *many, confirmed="yes")

    assert said(page) == [
        ("success", "On the way to 11.")
        if is_configured
        else ("warning", "11 wait in the outbox: E-mail is not configured (EMAIL_URL).")
    ]
    assert OutgoingMessage.objects.count() == 11
    assert Invitation.objects.count() == 10


def test_as_many_as_the_question_names_are_sent_a_link_at_once(desk, many):
    act(desk, "invite_again", *many[1:])

    assert OutgoingMessage.objects.count() == NAMED


def test_a_second_click_sends_nothing_to_many(desk, many):
    act(desk, "invite_again", *many, confirmed="yes")
    page = act(desk, "invite_again", *many, confirmed="yes")

    assert OutgoingMessage.objects.count() == 11
    assert said(page)[-1] == ("info", "Left out, as sent a message within the last minute: 11.")


@pytest.mark.parametrize("action", ["invite_again", "deactivate"])
def test_a_question_about_all_pages_is_answered_for_those_whom_it_meant(desk, many, action):
    """And not for those who have come since, of whom nobody was asked."""
    question = act(desk, action, many[0], select_across="1")
    later = make_member("later@example.org")

    desk.post(LIST, answered(question))

    assert OutgoingMessage.objects.count() == (12 if action == "invite_again" else 0)
    assert not OutgoingMessage.objects.filter(to=later.email).exists()
    assert User.objects.filter(is_active=True).count() == (13 if action == "invite_again" else 2)


PENDING = "/admin/invitations/invitation/"
ASKED = "Nothing was {}: {}at most 5,000 at once{}."


@pytest.mark.parametrize(
    ("address", "action", "refusal"),
    [
        (LIST, "delete_selected", ASKED.format("deleted", "please delete ", "")),
        (LIST, "deactivate", ASKED.format("done", "", ", please")),
        (LIST, "reactivate", ASKED.format("done", "", ", please")),
        (LIST, "invite_again", ASKED.format("done", "", ", please")),
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


@pytest.mark.parametrize(
    ("is_superuser", "actions"),
    [
        (True, ["invite_again", "deactivate", "reactivate", "delete_selected"]),
        (False, ["invite_again", "deactivate", "reactivate"]),
    ],
)
def test_the_list_offers_what_may_be_done(desk, staff, is_superuser, actions):
    User.objects.filter(pk=staff.pk).update(is_superuser=is_superuser)
    staff.user_permissions.set(Permission.objects.filter(codename="change_user"))

    page = desk.get(LIST)

    choices = page.context["action_form"].fields["action"].choices
    assert [name for name, _ in choices] == ["", *actions]
    assert page.context["cl"].list_per_page == 50
