"""A weekly message to members who want it: who has opened their resume."""

from datetime import date, timedelta

from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from portal.accounts.messages import composed
from portal.outbox.composers import composer
from portal.outbox.queue import enqueue_all

from .models import Profile, ResumeDownload

WEEK = timedelta(days=7)
MOST_TOLD = 4 * WEEK
AT_ONCE = 500  # profiles in a transaction
MAX_NAMED = 50  # openings in one message; the site has the others


def tell_owners() -> str:
    """Write a message to each member who wants one and whose resume was opened since the last.

    Days are compared, not moments: a night that begins a minute earlier than the one a week ago
    would else send nothing.
    """
    today, count = timezone.localdate(), 0
    while True:
        with transaction.atomic():
            due = list(due_on(today).select_for_update(of=("self",)).order_by("pk")[:AT_ONCE])
            if not due:
                return f"{count} weekly messages"
            since = {profile.pk: first_day(profile, today) for profile in due}
            opened = opened_between(min(since.values()), today).filter(profile__in=since)
            rows = opened.order_by().values_list("profile", "opened_at")
            told = {pk for pk, moment in rows if timezone.localdate(moment) >= since[pk]}
            enqueue_all(
                {
                    "kind": "weekly_openings",
                    "to": profile.user.email,
                    "context": {
                        "profile": profile.pk,
                        "since": since[profile.pk].isoformat(),
                        "until": today.isoformat(),
                    },
                }
                for profile in due
                if profile.pk in told
            )
            Profile.objects.filter(pk__in=since).update(openings_told_on=today)
            count += len(told)


def due_on(today: date):
    """Return the profiles whose owners want a message and got none within a week."""
    wanting = Profile.objects.filter(
        tells_openings=True, user__is_active=True, user__leaves_at=None
    )
    never_or_long_ago = Q(openings_told_on=None) | Q(openings_told_on__lte=today - WEEK)
    return wanting.filter(never_or_long_ago).select_related("user")


def first_day(profile: Profile, today: date) -> date:
    """Return the day from which a message tells: that of the last one, even if nights were missed.

    Who switches it on again after a year is told of four weeks.
    """
    if profile.openings_told_on is None:
        return today - WEEK
    return max(profile.openings_told_on, today - MOST_TOLD)


def opened_between(first: date, until: date):
    """Return the openings of these days, without `until` and without those by owners themselves."""
    opened = ResumeDownload.objects.filter(opened_at__date__gte=first, opened_at__date__lt=until)
    return opened.exclude(member__profile=F("profile"))


@composer("weekly_openings", _("Weekly openings"))
def weekly_openings(message) -> EmailMessage | None:
    """Compose the message; None if the owner does not want it any more, or has left."""
    profile = Profile.objects.filter(
        pk=message.context["profile"],
        tells_openings=True,
        user__email=message.to,
        user__is_active=True,
        user__leaves_at=None,
    ).first()
    if profile is None:
        return None
    until = date.fromisoformat(message.context["until"])
    since = date.fromisoformat(message.context["since"])
    opened = opened_between(since, until).filter(profile=profile)
    opened = opened.select_related("member__profile")
    if not opened:
        return None
    context = {
        "profile": profile,
        "since": since,
        "opened": opened[:MAX_NAMED],
        "more": max(opened.count() - MAX_NAMED, 0),
    }
    return composed("profiles/email/weekly_openings", message.to, context)
