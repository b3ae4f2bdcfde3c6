"""Messages that the site sends to members for the staff, and the notice of them to the staff."""

from datetime import timedelta

from django.contrib import messages
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.accounts.messages import ask_for_resets
from portal.accounts.site_address import site_url
from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import is_delivering

from .invitations.inviting import invite_all

JUST_NOW = timedelta(minutes=1)


def invite(request, *users) -> None:
    """Put links to set a password into the outbox, in the open transaction, and tell the staff.

    A message is an invitation, or a reset for a member who has a password.
    """
    address = site_url(request)
    newcomers = [user for user in users if not user.has_usable_password()]
    invite_all(newcomers, address, by=request.user)
    ask_for_resets([user.email for user in users if user.has_usable_password()], address)
    if len(users) == 1:
        tell_of(request, users[0])
    elif users:
        tell_how_many(request, len(users))


def without_just_sent(request, users: list) -> list:
    """Leave out those who were sent a message just now, as by a second click, and tell so."""
    recent = OutgoingMessage.objects.filter(written_at__gt=timezone.now() - JUST_NOW)
    just_sent = set(recent.values_list("to", flat=True))
    left = [user for user in users if user.email not in just_sent]
    if len(left) < len(users):
        words = _("Left out, as sent a message within the last minute: %(count)d.")
        messages.info(request, words % {"count": len(users) - len(left)})
    return left


def tell_of(request, user) -> None:
    """Tell the staff what has become of the message to a member."""
    if user.has_usable_password():
        on_its_way = _("A link to set a new password is on its way to %(address)s.")
        waits = _(
            "A link to set a new password for %(address)s waits in the outbox: "
            "E-mail is not configured (EMAIL_URL)."
        )
    else:
        on_its_way = _("An invitation is on its way to %(address)s.")
        waits = _(
            "An invitation for %(address)s waits in the outbox: "
            "E-mail is not configured (EMAIL_URL)."
        )
    address = {"address": user.shown_email}
    if is_delivering():
        messages.success(request, on_its_way % address)
    else:
        messages.warning(request, waits % address)


def tell_how_many(request, count: int) -> None:
    """Tell the staff what has become of the messages to several members."""
    if is_delivering():
        messages.success(request, _("On the way to %(count)d.") % {"count": count})
    else:
        words = ngettext(
            "%(count)d waits in the outbox: E-mail is not configured (EMAIL_URL).",
            "%(count)d wait in the outbox: E-mail is not configured (EMAIL_URL).",
            count,
        )
        messages.warning(request, words % {"count": count})
