"""The figures on the first page of the admin: each counts a list, and leads to it."""

from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.outbox.models import OutgoingMessage
from profiles.invitations.models import Invitation
from profiles.models import ResumeDownload, User
from profiles.weeks import Chart, chart_of

PRESENT = {"is_active__exact": 1, "leaves_at__isempty": 1}  # filters of the members' list


@dataclass(frozen=True)
class Figure:
    """A number, what it counts, and the address of the list that it counts."""

    count: int
    label: str
    address: str


class Desk(NamedTuple):
    """The society at a glance, as far as one of the staff may see it."""

    figures: list[Figure]
    chart: Chart | None


def desk_of(user) -> Desk:
    """Return the figures of the lists that somebody may open, in a query for each list."""
    figures = []
    if user.has_perm("profiles.view_user") or user.has_perm("profiles.change_user"):
        figures += member_figures()
    if user.has_perm("profiles.add_user"):
        pending = Invitation.objects.pending().count()
        figures.append(
            figure(pending, _("pending invitations"), "invitations_invitation_changelist")
        )
    if user.has_perm("outbox.view_outgoingmessage"):
        undelivered = OutgoingMessage.objects.troubled().count()
        label, page = _("undeliverable messages"), "outbox_outgoingmessage_changelist"
        figures.append(figure(undelivered, label, page, state="troubled"))
    chart = None
    if user.has_perm("profiles.view_resumedownload"):
        chart = chart_of(ResumeDownload.objects.all())
        label, page = _("resumes opened this week"), "profiles_resumedownload_changelist"
        week = chart.current
        figures.append(figure(week.count, label, page, **{"from": week.first}))
    return Desk(figures, chart)


def member_figures() -> list[Figure]:
    """Count the members who can log in, and those of them who lack something."""
    counts = User.objects.filter(is_active=True, leaves_at=None).aggregate(
        members=Count("pk"),
        without_photo=Count("pk", filter=Q(profile__avatar="")),
        without_resume=Count("pk", filter=Q(profile__resume="")),
    )
    page = "profiles_user_changelist"
    return [
        figure(counts["members"], _("members"), page, **PRESENT),
        figure(counts["without_photo"], _("without a photo"), page, **PRESENT, avatar="no"),
        figure(counts["without_resume"], _("without a resume"), page, **PRESENT, resume="no"),
    ]


def figure(count: int, label, page: str, **filters) -> Figure:
    """Return a figure that leads to a list of the admin with these filters."""
    query = f"?{urlencode(filters)}" if filters else ""
    return Figure(count, label, reverse(f"admin:{page}") + query)
