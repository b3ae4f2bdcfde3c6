"""Messages that the site sends to members for the staff, and their notice to the staff."""

from datetime import timedelta

from django.contrib import admin, messages
from django.db import transaction
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from portal.accounts.messages import ask_for_reset
from portal.accounts.site_address import site_url
from portal.outbox.models import OutgoingMessage
from portal.outbox.queue import is_delivering

from .admin_questions import NAMED, ask
from .invitations.inviting import invite_all
from .models import User
from .staff_rights import may_manage

MAX_AT_ONCE = 5_000  # members; the answer has to come within 30 seconds
JUST_NOW = timedelta(minutes=1)  # a second click


class SendsLinks(admin.ModelAdmin):
    """Mixin for the members' admin: the action that sends a link to set a password again."""

    @admin.action(description=_("Send the set-password link again"), permissions=["change"])
    def invite_again(self, request, queryset):
        count = queryset.count()
        if count > MAX_AT_ONCE:
            words = gettext("Nothing was done: at most %(most)s at once, please.")
            most = number_format(MAX_AT_ONCE, force_grouping=True)
            messages.error(request, words % {"most": most})
            return None
        ours = [user for user in queryset if user.is_active and may_manage(request.user, user)]
        is_named = len(ours) <= NAMED
        if not is_named and "confirmed" not in request.POST:
            come = sum(user.has_usable_password() for user in ours)
            words = gettext("Send a message to %(count)d members?") % {"count": len(ours)}
            warning = gettext("What is sent cannot be taken back.")
            question = f"{words} {in_words(len(ours) - come, come)} {warning}"
            return ask(self, request, "invite_again", question, gettext("Send"), ours)
        if is_named:
            with transaction.atomic():
                for user in ours:
                    invite(request, user)
        else:
            tell_numbers(request, *send_links(request, ours))
        if count > len(ours):
            words = gettext("Left out, as not active or not yours to change: %(count)d")
            messages.warning(request, words % {"count": count - len(ours)})


def send_links(request, users: list[User]) -> tuple[int, int, int]:
    """Send a link to each, unless one was sent just now.

    Returns to how many an invitation, to how many a reset, and how many were left out.
    """
    with transaction.atomic():
        recent = OutgoingMessage.objects.filter(written_at__gt=timezone.now() - JUST_NOW)
        just_sent = set(recent.values_list("to", flat=True))
        again = [user for user in users if user.email not in just_sent]
        come = [user for user in again if user.has_usable_password()]
        for user in come:
            ask_for_reset(user.email, site_url(request))
        new = [user for user in again if not user.has_usable_password()]
        invite_all(new, site_url(request), by=request.user)
    return len(new), len(come), len(users) - len(again)


def in_words(new: int, come: int) -> str:
    words = gettext("Invitations: %(new)d. Links to set a new password: %(come)d.")
    return words % {"new": new, "come": come}


def tell_numbers(request, new: int, come: int, left_out: int) -> None:
    if is_delivering():
        messages.success(request, in_words(new, come))
    else:
        wait = gettext("They wait in the outbox: E-mail is not configured (EMAIL_URL).")
        messages.warning(request, " ".join([in_words(new, come), wait]))
    if left_out:
        words = gettext("Left out, as sent a message within the last minute: %(count)d.")
        messages.info(request, words % {"count": left_out})


def invite(request, user) -> None:
    """Put a link to set a password into the outbox, in the open transaction, and tell so.

    The message is an invitation, or a reset for a member who has a password.
    """
    if user.has_usable_password():
        ask_for_reset(user.email, site_url(request))
        on_its_way = gettext("A link to set a new password is on its way to %(address)s.")
        waits = gettext(
            "A link to set a new password for %(address)s waits in the outbox: "
            "E-mail is not configured (EMAIL_URL)."
        )
    else:
        invite_all([user], site_url(request), by=request.user)
        on_its_way = gettext("An invitation is on its way to %(address)s.")
        waits = gettext(
            "An invitation for %(address)s waits in the outbox: "
            "E-mail is not configured (EMAIL_URL)."
        )
    address = {"address": user.shown_email}
    if is_delivering():
        messages.success(request, on_its_way % address)
    else:
        messages.warning(request, waits % address)
