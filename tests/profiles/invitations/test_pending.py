"""Pending invitations: how far each has come, sent again or withdrawn, one or all."""

from datetime import timedelta

import pytest
from django.contrib.admin.utils import flatten
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.files.base import ContentFile
from django.db.models import CharField, TextField
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles import admin_limits
from profiles.admin import ProfileInline
from profiles.invitations.models import Invitation, InvitationQuerySet
from profiles.models import Profile, User
from tests.accounts.test_accounts import link_in
from tests.conftest import PASSWORD
from tests.profiles.test_admin import change
from tests.support import samples

pytestmark = pytest.mark.django_db

PENDING = "/admin/invitations/invitation/"
# What ends the waiting of somebody who was invited.
WAYS_TO_COME = {
    "with a password": lambda user: user.set_password(PASSWORD),
    "with a passkey": lambda user: setattr(user, "last_login", timezone.now()),
    "and was deactivated": lambda user: setattr(user, "is_active", False),
}
NEW = "/admin/invitations/invitation/new/"
# The texts that the staff can write into a profile, but for the name.
WRITTEN = [
    field.name
    for field in map(Profile._meta.get_field, flatten(ProfileInline.fields))
    if isinstance(field, CharField | TextField) and not field.choices and field.name != "name"
]


@pytest.fixture
def invited(desk):
    """A function that invites somebody and returns the invitation."""

    def invite(email):
        preview = desk.post(NEW, {"lines": f"{email.partition('@')[0].title()} <{email}>"})
        desk.post(preview["Location"])
        invitation = Invitation.objects.get(user__email=email)
        invitation.invited_at -= timedelta(minutes=2)
        invitation.save()
        return invitation

    return invite


def come(user, how: str) -> None:
    WAYS_TO_COME[how](user)
    user.save()


def listed(client, query="") -> dict[str, str]:
    """The addresses on the page, with the states beside them."""
    found = client.get(PENDING + query).context["cl"].result_list
    return {invitation.user.email: invitation.state for invitation in found}


def act(client, action, *invitations, **more):
    chosen = [invitation.pk for invitation in invitations]
    data = {"action": action, "_selected_action": chosen, **more}
    return client.post(PENDING, data, follow=True)


def may_delete(clerk):
    clerk.user_permissions.add(Permission.objects.get(codename="delete_user"))


def test_each_invitation_shows_how_far_it_has_come(desk, invited, settings):
    sent, expired = invited("sent@example.org"), invited("expired@example.org")
    settings.OUTBOX_BACKEND = None
    waiting, failed = invited("waiting@example.org"), invited("failed@example.org")
    long_ago = timezone.now() - timedelta(days=settings.INVITATION_DAYS, minutes=1)
    OutgoingMessage.objects.filter(pk=expired.message_id).update(finished_at=long_ago)
    OutgoingMessage.objects.filter(pk=failed.message_id).update(
        state="failed", last_error="550 no such user"
    )

    assert listed(desk) == {
        "sent@example.org": "sent",
        "expired@example.org": "expired",
        "waiting@example.org": "waiting",
        "failed@example.org": "failed",
    }
    assert listed(desk, "?state=failed") == {"failed@example.org": "failed"}
    page = desk.get(PENDING).content.decode()
    assert "550 no such user" in page
    assert "expired (1)" in page
    assert (sent.message.state, waiting.message.state) == ("sent", "waiting")


@pytest.mark.parametrize("how", WAYS_TO_COME)
def test_who_has_come_is_not_pending(desk, invited, how):
    has_come, waits = invited("come@example.org"), invited("waits@example.org")
    come(has_come.user, how)

    assert listed(desk) == {waits.user.email: "sent"}


def test_an_invitation_outlives_the_record_of_its_message(desk, invited):
    """The outbox forgets messages after thirty days."""
    invited("sent@example.org")
    OutgoingMessage.objects.all().delete()

    assert listed(desk) == {"sent@example.org": "sent"}


@pytest.mark.parametrize("across", ["", "1"])
def test_invitations_are_sent_again_one_or_all(desk, invited, across):
    first, _ = invited("first@example.org"), invited("second@example.org")
    mail.outbox.clear()

    page = act(desk, "invite_again", first, select_across=across)

    assert len(mail.outbox) == (2 if across else 1)
    assert f"On the way to {len(mail.outbox)}." in page.content.decode()
    assert Invitation.objects.get(pk=first.pk).invited_at > first.invited_at


def test_no_more_are_sent_again_at_once_than_a_request_has_time_for(desk, invited, monkeypatch):
    first, _ = invited("first@example.org"), invited("second@example.org")
    mail.outbox.clear()
    monkeypatch.setattr(admin_limits, "MAX_AT_ONCE", 1)

    page = act(desk, "invite_again", first, select_across="1")

    assert mail.outbox == []
    assert "Nothing was done: at most 1 at once, please." in page.content.decode()


def test_a_double_click_sends_one_link(desk, invited):
    invitation = invited("first@example.org")
    mail.outbox.clear()

    act(desk, "invite_again", invitation)
    page = act(desk, "invite_again", invitation)

    assert len(mail.outbox) == 1
    assert "Left out, as invited within the last minute: 1." in page.content.decode()


@pytest.mark.parametrize("across", ["", "1"])
def test_invitations_are_withdrawn_one_or_all_after_a_question(desk, clerk, invited, across):
    first, second = invited("first@example.org"), invited("second@example.org")
    may_delete(clerk)

    question = act(desk, "withdraw", first, select_across=across)
    assert "Withdraw 2 invitations?" in question.content.decode() or not across
    assert User.objects.filter(pk=first.user_id).exists()
    act(desk, "withdraw", first, select_across=across, confirmed="yes")

    assert not User.objects.filter(pk=first.user_id).exists()
    assert User.objects.filter(pk=second.user_id).exists() is not bool(across)


@pytest.mark.parametrize(
    "what", ["a password", "a log-in", "a headline", "a bio", "a photo", "a resume"]
)
def test_what_a_member_has_begun_is_never_withdrawn(desk, clerk, invited, what):
    invitation, other = invited("first@example.org"), invited("other@example.org")
    may_delete(clerk)
    user = invitation.user
    if what == "a password":
        user.set_password(PASSWORD)
    elif what == "a log-in":
        user.last_login = timezone.now()
    elif what == "a photo":
        user.profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
    elif what == "a resume":
        user.profile.resume = ContentFile(samples.pdf(), name="cv.pdf")
    else:
        setattr(user.profile, what.removeprefix("a "), "Mine")
    user.profile.save()
    user.save()

    act(desk, "withdraw", invitation, other, confirmed="yes")

    assert User.objects.filter(pk=user.pk).exists()
    assert not User.objects.filter(pk=other.user_id).exists()


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_staff_have_written_about_somebody_is_never_withdrawn(desk, clerk, invited, name):
    """Whatever field the member's page has for it."""
    invitation, other = invited("first@example.org"), invited("other@example.org")
    may_delete(clerk)
    written = {"contact_email": "mine@example.org"}.get(name, "Theirs")
    Profile.objects.filter(user=invitation.user_id).update(**{name: written})

    page = act(desk, "withdraw", invitation, other, confirmed="yes")

    assert User.objects.filter(pk=invitation.user_id).exists()
    assert not User.objects.filter(pk=other.user_id).exists()
    assert "Kept, because their profile has more than a name: 1." in page.content.decode()


@pytest.mark.parametrize("how", WAYS_TO_COME)
def test_who_comes_while_the_staff_look_is_not_withdrawn(desk, clerk, invited, monkeypatch, how):
    """The list was read before; the rows are read again once they are locked."""
    invitation = invited("first@example.org")
    may_delete(clerk)
    come(invitation.user, how)
    mail.outbox.clear()
    monkeypatch.setattr(InvitationQuerySet, "pending", lambda everyone: everyone)

    act(desk, "withdraw", invitation, confirmed="yes")
    act(desk, "invite_again", invitation)

    assert User.objects.filter(pk=invitation.user_id).exists()
    assert mail.outbox == []


def test_withdrawing_needs_the_right_to_delete_members(desk, invited):
    """Resending needs no more than inviting does: the control."""
    invitation = invited("first@example.org")
    mail.outbox.clear()

    act(desk, "withdraw", invitation, confirmed="yes")
    assert User.objects.filter(pk=invitation.user_id).exists()

    act(desk, "invite_again", invitation)
    assert len(mail.outbox) == 1


def test_invitations_of_staff_are_left_to_superusers(desk, clerk, invited):
    invitation = invited("first@example.org")
    may_delete(clerk)
    User.objects.filter(pk=invitation.user_id).update(is_staff=True)
    mail.outbox.clear()

    act(desk, "invite_again", invitation)
    act(desk, "withdraw", invitation, confirmed="yes")
    assert mail.outbox == []
    assert User.objects.filter(pk=invitation.user_id).exists()

    User.objects.filter(pk=clerk.pk).update(is_superuser=True)
    act(desk, "invite_again", invitation)
    assert len(mail.outbox) == 1


def test_a_link_of_a_withdrawn_invitation_does_not_work(desk, clerk, invited, client):
    invitation = invited("first@example.org")
    may_delete(clerk)
    link = next(word for word in mail.outbox[0].body.split() if "/accounts/invitation/" in word)

    act(desk, "withdraw", invitation, confirmed="yes")

    assert client.get(link.partition("testserver")[2]).status_code == 410


@pytest.mark.parametrize("address", [PENDING, "/admin/", "/admin/profiles/user/"])
def test_the_pages_are_reached_from_where_the_staff_are(admin_client, address):
    page = admin_client.get(address).content.decode()

    assert "/admin/invitations/invitation/new/" in page


def test_who_is_invited_alone_is_pending_too(admin_client):
    admin_client.post("/admin/profiles/user/add/", {"email": "new@example.org", "name": "New"})

    assert listed(admin_client) == {"new@example.org": "sent"}


def correct(client, user, address):
    """Correct an address on the member's page, and show what the staff are told."""
    page = f"/admin/profiles/user/{user.pk}/change/"
    return client.post(page, change(user) | {"email": address}, follow=True).content.decode()


def test_an_address_that_was_mistyped_is_invited_again_when_it_is_corrected(admin_client):
    """The link that was sent to the former address is refused from then on."""
    admin_client.post("/admin/profiles/user/add/", {"email": "nwe@example.org", "name": "New"})
    newcomer = User.objects.get(email="nwe@example.org")
    former = link_in(mail.outbox.pop())

    told = correct(admin_client, newcomer, "new@example.org")

    [message] = mail.outbox
    assert message.to == ["new@example.org"]
    assert "An invitation is on its way to new@example.org." in told
    assert admin_client.get(former).status_code == 410
    assert admin_client.get(link_in(message)).status_code == 302


def test_an_invitation_that_waits_follows_the_address(admin_client, settings):
    settings.OUTBOX_BACKEND = None
    admin_client.post("/admin/profiles/user/add/", {"email": "nwe@example.org", "name": "New"})

    correct(admin_client, User.objects.get(email="nwe@example.org"), "new@example.org")

    assert OutgoingMessage.objects.count() == 1


def test_who_has_come_is_not_invited_to_a_new_address(admin_client, member):
    told = correct(admin_client, member, "new@example.org")

    assert mail.outbox == []
    assert "on its way" not in told
    member.refresh_from_db()
    assert member.email == "new@example.org"


def test_staff_delete_a_member_with_an_invitation(desk, clerk, invited):
    """Rows that go with their member need no permission of their own."""
    invitation = invited("first@example.org")
    may_delete(clerk)

    desk.post(f"/admin/profiles/user/{invitation.user_id}/delete/", {"post": "yes"}, follow=True)

    assert not Invitation.objects.filter(pk=invitation.pk).exists()
