"""A member's change of address, which takes effect when the new address is confirmed.

A change that waits is an unverified EmailAddress, at most one for each user. Each step locks the
user's row, so that of two steps at once the second one sees the result of the first.
"""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from .email_address import shown


class ChangeEnded(Exception):
    """The change has been cancelled, replaced or confirmed, or the account is deactivated."""


class AddressTaken(Exception):
    """Another account has got the address in the meantime."""


def waiting_change(user) -> EmailAddress | None:
    """Return the new address of a user that waits for confirmation, if there is one."""
    return EmailAddress.objects.get_new(user)


def is_taken(pending: EmailAddress) -> bool:
    """Return True if another user has the address; the user's own address never waits."""
    return get_user_model().objects.filter(email=pending.email).exists()


def ask_for_change(request, email: str) -> EmailAddress:
    """Record a new address in place of any that waits; write to it and to the present one."""
    with transaction.atomic():
        user = locked(request.user.pk)
        pending = waiting_change(user)
        if pending is None or pending.email != email:
            EmailAddress.objects.filter(user=user, verified=False).delete()
            pending = EmailAddress.objects.create(user=user, email=email)
            get_adapter(request).send_notification_mail(
                "account/email/address_change_asked",
                user,
                {"user": user, "new_address": shown(email)},
                email=user.email,
            )
        pending.send_confirmation(request)
    return pending


def keep_address(user) -> bool:
    """Cancel the change that waits; return False if there was none."""
    with transaction.atomic():
        changes = EmailAddress.objects.filter(user=locked(user.pk), verified=False)
        deleted, _ = changes.delete()
    return deleted > 0


def confirm_change(request, pending: EmailAddress):
    """Make a new address the user's own, tell the former one, and return the user.

    Raises ChangeEnded or AddressTaken, and has then changed nothing.
    """
    with transaction.atomic():
        user = locked(pending.user_id)
        still_waiting = EmailAddress.objects.filter(pk=pending.pk, user=user, verified=False)
        if not (user.is_active and still_waiting.exists()):
            raise ChangeEnded
        former, user.email = user.email, pending.email
        try:
            user.save(update_fields=["email"])  # also verifies it, and deletes waiting changes
        except IntegrityError:
            raise AddressTaken from None
        get_adapter(request).send_notification_mail(
            "account/email/email_changed",
            user,
            {"user": user, "from_email": shown(former), "to_email": shown(user.email)},
            email=former,
        )
    return user


def locked(pk):
    """Return the user, whose row is locked until the commit."""
    return get_user_model().objects.select_for_update().get(pk=pk)
