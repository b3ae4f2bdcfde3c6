"""Messages that the site sends to a member for the staff, and their notice to the staff."""

from django.contrib import messages
from django.utils.translation import gettext as _

from portal.accounts.messages import ask_for_reset
from portal.accounts.site_address import site_url
from portal.outbox.queue import is_delivering

from .invitations.inviting import invite_all


def invite(request, user) -> None:
    """Put a link to set a password into the outbox, in the open transaction.

    The message is an invitation, or a reset for a member who has a password.
    """
    if user.has_usable_password():
        ask_for_reset(user.email, site_url(request))
        on_its_way = _("A link to set a new password is on its way to %(address)s.")
        waits = _(
            "A link to set a new password for %(address)s waits in the outbox: "
            "E-mail is not configured (EMAIL_URL)."
        )
    else:
        invite_all([user], site_url(request), by=request.user)
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
