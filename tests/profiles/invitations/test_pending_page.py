"""The page of pending invitations: its columns, and what its actions answer."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles import admin_limits
from profiles.invitations import admin
from profiles.invitations.models import Invitation
from profiles.models import Profile, User

from .test_lists import paste
from .test_pending import PENDING, act, may_delete

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def said(page) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in page.context["messages"]]


@pytest.fixture
def pending(desk, settings):
    """A function that invites by a list; returns the invitations, written two minutes ago."""

    def invite(*emails):
        desk.post(paste(desk, "\n".join(f"{e.partition('@')[0].title()} <{e}>" for e in emails)))
        Invitation.objects.update(invited_at=timezone.now() - timedelta(minutes=2))
        found = {each.user.email: each for each in Invitation.objects.select_related("user")}
        return [found[email] for email in emails]

    return invite


def cells(page) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page.text.partition("<tbody>")[2], re.S)
    return [
        [re.sub(r'<span class="cell-label">.*?</span> ', "", cell)
         for cell in re.findall(r'<td class="field-[^"]*">(.*?)</td>', row, re.S)]
        for row in rows
    ]  # fmt: skip


def test_each_column_of_the_pending(desk, clerk, pending, monkeypatch):
    first, second = pending("first@example.org", "second@example.org")
    Profile.objects.filter(user=second.user).update(name="")
    Invitation.objects.filter(pk=second.pk).update(invited_by=None, message=None, invited_at=NOON)
    OutgoingMessage.objects.filter(pk=first.message_id).update(
        state="failed", last_error="550 no", finished_at=NOON
    )

    page = desk.get(PENDING)

    assert page.context["title"] == "Pending invitations"
    link = '<a href="/admin/profiles/user/{}/change/">{}</a>'
    moment = "4 March 2026, 12:00"
    assert cells(page) == [
        [link.format(first.user_id, "First"), "first@example.org", "could not be sent", moment,
         "550 no", "clerk@example.org"],
        [link.format(second.user_id, "(no name yet)"), "second@example.org", "expired", moment,
         "", "-"],
    ]  # fmt: skip
    assert page.text.count('<span class="cell-label">Invited by</span>') == 2
    assert "Send a new link to all 2" in page.text


def test_the_first_page_leads_to_them_whoever_may_invite(desk, clerk):
    def lists():
        apps = desk.get("/admin/").context["app_list"]
        return {model["admin_url"] for app in apps for model in app["models"]}

    assert PENDING in lists()
    clerk.user_permissions.set(Permission.objects.filter(codename="change_user"))
    assert lists() == {"/admin/profiles/user/"}


def test_the_filter_counts_each_state(desk, pending):
    _, failed, waiting, sending = pending(*(f"{name}@example.org" for name in "abcd"))
    for each, state in ((failed, "failed"), (waiting, "waiting"), (sending, "sending")):
        OutgoingMessage.objects.filter(pk=each.message_id).update(state=state)

    page = desk.get(PENDING)
    [state] = page.context["cl"].filter_specs
    assert [words for _, words in state.lookup_choices] == [
        "waiting to be sent (2)", "sent (1)", "could not be sent (1)", "expired (0)"
    ]  # fmt: skip

    def listed(query):
        found = desk.get(f"{PENDING}{query}").context["cl"].result_list
        return [invitation.user.email[0] for invitation in found]

    assert sorted(listed("?state=waiting")) == ["c", "d"]
    assert listed("?state=sent") == ["a"]
    assert listed("?state=expired") == []
    assert sorted(listed("?state=lost")) == ["a", "b", "c", "d"]
    assert listed("?o=1") == ["a", "b", "c", "d"]
    assert listed("?o=-2") == ["d", "c", "b", "a"]
    assert listed("?o=3.1") == ["b", "a", "c", "d"]
    assert listed("?q=c@example") == ["c"]
    assert listed("?q=D") == ["d"]
    Profile.objects.filter(user__email="b@example.org").update(name="Zoë")
    assert listed("?q=zo") == ["b"]
    assert page.context["cl"].list_per_page == 100
    actions = page.context["action_form"].fields["action"].choices
    assert [name for name, _ in actions] == ["", "invite_again"]
    Invitation.objects.filter(user__email="b@example.org").update(invited_at=timezone.now())
    assert listed("") == ["b", "d", "c", "a"]


def test_more_pending_cost_no_more_queries(desk, pending, django_assert_num_queries):
    pending("a@example.org")
    with django_assert_num_queries(20, exact=False) as few:
        desk.get(PENDING)
    number = len(few)
    pending("b@example.org", "c@example.org", "d@example.org")

    with django_assert_num_queries(number):
        desk.get(PENDING)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (60, [("success", "On the way to 1.")]),
        (59, [("info", "Left out, as invited within the last minute: 1."),
              ("success", "On the way to 0.")]),
    ],
)  # fmt: skip
def test_nobody_is_sent_two_links_within_a_minute(desk, pending, monkeypatch, seconds, words):
    [each] = pending("a@example.org")
    now = timezone.now()
    Invitation.objects.update(invited_at=now - timedelta(seconds=seconds))
    monkeypatch.setattr(timezone, "now", lambda: now)

    assert said(act(desk, "invite_again", each)) == words


def test_a_new_link_is_recorded_as_the_latest(desk, staff, pending):
    [former] = pending("a@example.org")
    other = Client()
    other.force_login(staff)

    act(other, "invite_again", former)

    latest = Invitation.objects.get()
    assert latest.pk == former.pk
    assert latest.invited_at > former.invited_at
    assert latest.message_id > former.message_id
    assert (latest.invited_by, latest.source) == (staff, former.source)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ("a", "1 waits in the outbox: E-mail is not configured (EMAIL_URL)."),
        ("ab", "2 wait in the outbox: E-mail is not configured (EMAIL_URL)."),
    ],
)
def test_links_wait_where_e_mail_is_not_configured(desk, pending, settings, names, words):
    found = pending(*(f"{name}@example.org" for name in names))
    settings.OUTBOX_BACKEND = None

    assert said(act(desk, "invite_again", *found)) == [("warning", words)]
    assert OutgoingMessage.objects.filter(state="waiting").count() == len(names)


def test_the_question_before_withdrawing_names_some(desk, clerk, pending, monkeypatch):
    found = pending(*(f"{name}@example.org" for name in "abc"))
    User.objects.filter(pk=found[2].user_id).update(is_staff=True)
    may_delete(clerk)
    monkeypatch.setattr(admin, "SHOWN", 1)

    page = act(desk, "withdraw", found[0], select_across="1")

    assert page.context["title"] == "Withdraw invitations"
    assert (page.context["count"], len(page.context["first"])) == (2, 1)
    assert set(page.context["chosen"]) == {each.pk for each in found[:2]}
    assert "select_across" not in page.text.split("<main")[1]  # who comes now is not meant
    assert "and others" in page.text
    assert User.objects.filter(email__in=["a@example.org", "b@example.org"]).count() == 2


def test_withdrawing_tells_how_many_and_who_is_kept(desk, clerk, pending):
    found = pending(*(f"{name}@example.org" for name in "abc"))
    Profile.objects.filter(user=found[0].user_id).update(bio="Mine")
    may_delete(clerk)

    page = act(desk, "withdraw", *found, confirmed="yes")

    assert said(page) == [
        ("success", "Withdrawn: 2. Their links do not work any more."),
        ("warning", "Kept, because their profile has more than a name: 1."),
    ]
    page = act(desk, "withdraw", found[0], confirmed="yes")
    assert said(page)[0] == ("success", "Withdrawn: 0. Their links do not work any more.")
    Profile.objects.update(bio="")
    page = act(desk, "withdraw", found[0], confirmed="yes")
    assert said(page) == [("success", "Withdrawn: 1. Their links do not work any more.")]


@pytest.mark.parametrize("action", ["invite_again", "withdraw"])
@pytest.mark.parametrize(("most", "is_done"), [(2, True), (1, False)])
def test_as_many_as_may_be_are_done_at_once(
    desk, clerk, pending, monkeypatch, action, most, is_done
):
    found = pending("a@example.org", "b@example.org")
    may_delete(clerk)
    monkeypatch.setattr(admin_limits, "MAX_AT_ONCE", most)

    page = act(desk, action, *found, confirmed="yes")

    refusal = [("error", "Nothing was done: at most 1 at once, please.")]
    assert (said(page) != refusal) is is_done
    assert User.objects.filter(is_staff=False).exists() is (action == "invite_again" or not is_done)


def test_staff_are_left_to_superusers_of_either_kind(desk, clerk, pending):
    found = pending(*(f"{name}@example.org" for name in "abc"))
    User.objects.filter(pk=found[0].user_id).update(is_staff=True)
    User.objects.filter(pk=found[1].user_id).update(is_superuser=True)

    assert said(act(desk, "invite_again", *found)) == [("success", "On the way to 1.")]


def test_nothing_of_a_pending_invitation_is_changed_by_a_form(desk, staff, pending, member):
    [each] = pending("a@example.org")
    root = Client()
    root.force_login(staff)

    assert root.post(f"{PENDING}add/", {}).status_code == 403
    assert root.post(f"{PENDING}{each.pk}/change/", {}).status_code == 403
    assert root.post(f"{PENDING}{each.pk}/delete/", {"post": "yes"}).status_code == 403
    actions = root.get(PENDING).context["action_form"].fields["action"].choices
    assert [name for name, _ in actions] == ["", "invite_again", "withdraw"]
    User.objects.get(email="clerk@example.org").user_permissions.clear()
    assert desk.get(PENDING).status_code == 403
