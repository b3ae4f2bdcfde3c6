"""Messages about accounts that hold a link: their records, and their text at delivery.

A link is a secret. It is made when its message is delivered, and stored nowhere.
"""

from datetime import timedelta

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress, get_emailconfirmation_model
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from portal.outbox.composers import composer
from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import enqueue, enqueue_all

from .invitations import invitation_url
from .site_address import site_url
from .site_name import site_name

RESET_EXPIRES = timedelta(days=2)  # longer than delivery is retried


def send_invitations(users, base_url: str) -> list[OutgoingMessage]:
    """Send new members links to choose a password with, valid for INVITATION_DAYS.

    Returns the messages in the order of the users.
    """
    return enqueue_all(
        {
            "kind": "invitation",
            "to": user.email,
            "context": {"user": user.pk, "site_url": base_url},
        }
        for user in users
    )


def ask_for_reset(address: str, base_url: str, language: str = "") -> None:
    """Send a link to choose a new password with, if an account has the address.

    The language is that of the page on which somebody has asked for it; the member's own wins.
    """
    ask_for_resets([address], base_url, language)


def ask_for_resets(addresses: list[str], base_url: str, language: str = "") -> None:
    """Send each address such a link."""
    expires_at = timezone.now() + RESET_EXPIRES
    enqueue_all(
        {
            "kind": "password_reset",
            "to": address,
            "context": {"site_url": base_url, "language": language},
            "expires_at": expires_at,
        }
        for address in addresses
    )


def ask_for_confirmation(address: EmailAddress, request) -> None:
    """Send an address a link that confirms it."""
    enqueue(
        kind="address_confirmation",
        to=address.email,
        context={
            "address": address.pk,
            "site_url": site_url(request),
            "language": get_language(),
        },
        expires_at=timezone.now() + timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS),
    )


@composer("invitation", _("Invitation"))
def invitation(message) -> EmailMessage | None:
    """Compose an invitation, to the member's present address."""
    user = get_user_model().objects.filter(pk=message.context["user"], is_active=True).first()
    if not user:
        return None
    context = {
        "user": user,
        "days": settings.INVITATION_DAYS,
        "set_password_url": invitation_url(user, message.context["site_url"]),
    }
    return composed("account/email/invitation", user.email, context)


@composer("password_reset", _("Password reset"))
def password_reset(message) -> EmailMessage | None:
    """Compose the answer to "Forgot your password?"; None if no account has the address."""
    user = get_user_model().objects.filter(email=message.to, is_active=True).first()
    if not user:
        return None
    link = set_password_url(user, message.context["site_url"])
    context = {"user": user, "password_reset_url": link}
    language = message.context.get("language", "")
    return composed("account/email/password_reset_key", message.to, context, language)


@composer("address_confirmation", _("Address confirmation"))
def address_confirmation(message) -> EmailMessage | None:
    """Compose the request to confirm an address; None if it is confirmed or withdrawn."""
    address = EmailAddress.objects.filter(
        pk=message.context["address"], email=message.to, verified=False, user__is_active=True
    ).first()
    if not address:
        return None
    key = get_emailconfirmation_model().create(address).key
    link = message.context["site_url"] + reverse("account_confirm_email", args=[key])
    context = {"user": address.user, "activate_url": link}
    language = message.context.get("language", "")
    return composed("account/email/email_confirmation", message.to, context, language)


def set_password_url(user, base_url: str) -> str:
    """Return a link that sets a password once; when expired, it leads to an explanation."""
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    names = {"uidb36": user_pk_to_url_str(user), "key": token}
    return base_url + reverse("account_reset_password_from_key", kwargs=names)


def composed(template: str, address: str, context: dict, language: str = "") -> EmailMessage:
    """Return a message made of templates, with the site's name in their context.

    It is in the language of its recipient; `language` is for one who has not chosen any.
    """
    context = {"site_name": site_name(), "asked_in": language, **context}
    return get_adapter().render_mail(template, address, context)
