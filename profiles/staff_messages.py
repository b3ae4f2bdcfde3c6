"""Messages that the staff have the site send to a member, and what the staff are told of them."""

from functools import partial

from allauth.account.forms import ResetPasswordForm
from django.conf import settings
from django.contrib import messages

from portal.accounts.invitations import send_invitation


def invite(request, user) -> None:
    """Send a link to set a password: an invitation, or a reset to a member who has a password."""
    if user.has_usable_password():
        if sent(request, user, partial(send_reset_link, request, user)):
            messages.success(request, f"A link to set a new password goes to {user.email}.")
    elif sent(request, user, partial(send_invitation, user)):
        messages.success(request, f"An invitation is on its way to {user.email}.")


def send_reset_link(request, user) -> None:
    """Send what the member would be sent by "Forgot your password?"."""
    form = ResetPasswordForm({"email": user.email})
    if form.is_valid():
        form.save(request)


def sent(request, user, send) -> bool:
    """Return True if `send` sent its message; else tell the staff why it could not be sent."""
    if not settings.EMAIL_CONFIGURED and settings.SITE_ENVIRONMENT != "development":
        messages.error(request, "E-mail is not configured (EMAIL_URL), so no message was sent.")
        return False
    try:
        send()
    except (OSError, ValueError) as error:  # ValueError: an address that cannot be written down
        messages.error(request, f"The message to {user.email} could not be sent: {error}")
        return False
    return True
