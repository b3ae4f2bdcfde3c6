"""Messages about leaving, composed at delivery, so that the outbox never holds who it is about."""

from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.accounts.messages import composed
from portal.outbox.composers import composer
from portal.outbox.queue import enqueue
from profiles.models import User


def tell_of_leaving(member, base_url: str) -> None:
    """Tell the member how to come back, and the staff who is leaving.

    To be called when the date is saved: a leaver is none of the staff who are told.
    """
    context = {"user": member.pk, "site_url": base_url}
    enqueue(kind="leaving", to=member.email, context=context, about_account=True)
    staff = User.objects.filter(is_staff=True, is_active=True, leaves_at=None)
    for address in staff.values_list("email", flat=True):
        enqueue(kind="member_leaving", to=address, context=context)


@composer("leaving", _("Leaving"))
def leaving(message) -> EmailMessage | None:
    """Compose the message to a member who is leaving."""
    return about_leaver(message, "privacy/email/leaving", "privacy:data")


@composer("member_leaving", _("Member leaving"))
def member_leaving(message) -> EmailMessage | None:
    """Compose the message to the staff about a member who is leaving."""
    return about_leaver(message, "privacy/email/member_leaving", "admin:profiles_user_change")


def about_leaver(message, template: str, page: str) -> EmailMessage | None:
    """Return the message, or None if the member has come back, or is deleted."""
    member = User.objects.filter(pk=message.context["user"], leaves_at__isnull=False).first()
    if member is None:
        return None
    arguments = [member.pk] if page.startswith("admin:") else []
    link = message.context["site_url"] + reverse(page, args=arguments)
    return composed(template, message.to, {"member": member, "link": link})
