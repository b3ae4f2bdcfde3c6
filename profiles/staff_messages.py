"""Messages that the site sends to a member for the staff, and their notice to the staff."""

from django.contrib import messages

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
        what = "A link to set a new password"
    else:
        invite_all([user], site_url(request), by=request.user)
        what = "An invitation"
    if is_delivering():
        messages.success(request, f"{what} is on its way to {user.shown_email}.")
    else:
        messages.warning(
            request,
            f"{what} for {user.shown_email} waits in the outbox: E-mail is not configured"
            " (EMAIL_URL).",
        )
