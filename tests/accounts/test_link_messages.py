"""Messages that hold a link: for whom one is made, what is in it, and until when it is of use."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from portal.accounts.messages import ask_for_confirmation, ask_for_reset, send_invitations
from portal.outbox.composers import COMPOSERS
from portal.outbox.models import OutgoingMessage
from profiles.models import User

pytestmark = pytest.mark.django_db

SITE = "https://portal.example.org"
NEW = "new@example.org"


@pytest.fixture
def asking(member, other_member, rf, settings):
    """Write the message of a kind, which waits, and return it."""
    settings.OUTBOX_AT_ONCE = False
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    settings.SITE_ENVIRONMENT = "production"
    waiting = EmailAddress.objects.create(user=member, email=NEW)
    asked = {
        "invitation": lambda: send_invitations([member], SITE),
        "password_reset": lambda: ask_for_reset(member.email, SITE),
        "address_confirmation": lambda: ask_for_confirmation(
            waiting, rf.get("/", headers={"host": "portal.example.org"})
        ),
    }

    def ask(kind):
        asked[kind]()
        return OutgoingMessage.objects.get(kind=kind)

    return ask


ADDRESSES = {"invitation": "ada@example.org", "password_reset": "ada@example.org",
             "address_confirmation": NEW}  # fmt: skip


@pytest.mark.parametrize("kind", ADDRESSES)
def test_a_message_is_composed_for_an_active_account_alone(asking, member, kind):
    """The composer itself refuses: delivery compares the address alone."""
    message = asking(kind)

    email = COMPOSERS[kind](message)

    assert email.to == [ADDRESSES[kind]] == [message.to]
    assert f"{SITE}/accounts/" in email.body
    assert email.subject
    User.objects.filter(pk=member.pk).update(is_active=False)
    assert COMPOSERS[kind](message) is None
    member.delete()
    assert COMPOSERS[kind](message) is None


@pytest.mark.parametrize(
    ("kind", "days"), [("invitation", None), ("password_reset", 2), ("address_confirmation", 3)]
)
def test_a_message_that_comes_too_late_is_not_sent(asking, kind, days):
    """An invitation's link is made at delivery, and is valid for its days from then on."""
    before = timezone.now()

    expires_at = asking(kind).expires_at

    if days is None:
        assert expires_at is None
    else:
        assert before + timedelta(days=days) <= expires_at
        assert expires_at <= timezone.now() + timedelta(days=days)


@pytest.mark.parametrize("verified", [False, True])
def test_an_address_is_asked_to_be_confirmed_until_it_is(asking, verified):
    message = asking("address_confirmation")
    EmailAddress.objects.filter(email=NEW).update(verified=verified)

    assert (COMPOSERS["address_confirmation"](message) is None) == verified


def test_a_message_to_a_former_new_address_is_not_composed(asking):
    """The member has asked for another one since, in the same row or another."""
    message = asking("address_confirmation")
    EmailAddress.objects.filter(email=NEW).update(email="newer@example.org")

    assert COMPOSERS["address_confirmation"](message) is None


def test_invitations_are_written_in_the_order_of_the_users(member, other_member, settings):
    settings.OUTBOX_AT_ONCE = False

    written = send_invitations([other_member, member], SITE)

    assert [(row.kind, row.to, row.context) for row in written] == [
        ("invitation", user.email, {"user": user.pk, "site_url": SITE})
        for user in (other_member, member)
    ]
    assert list(OutgoingMessage.objects.order_by("pk")) == written
