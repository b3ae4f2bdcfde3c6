"""The staff's pages on which a list is read, looked at, and confirmed."""

from collections import Counter

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.accounts.site_address import site_url
from portal.outbox.queue import is_delivering
from profiles.directory.paging import NumberedPaginator
from profiles.uploads.forms import BUSY_SECONDS

from .fates import Fate, Judged, judged, label
from .forms import InvitationListForm
from .inviting import confirm
from .models import Invitation, InvitationList, State
from .reading import Row

ROWS_PER_PAGE = 100


def may_invite(user) -> bool:
    """Return True for staff who may add members: they may invite them by the hundred, too."""
    return user.has_perm("profiles.add_user")


@require_http_methods(["GET", "HEAD", "POST"])
def new_list(request):
    """Read pasted lines or a file, and go on to what would become of them."""
    if not may_invite(request.user):
        raise PermissionDenied
    is_sent = request.method == "POST"
    form = InvitationListForm(*((request.POST, request.FILES) if is_sent else ()))
    if is_sent and form.is_valid():
        return redirect("admin:invitations_list", form.save(request.user).pk)
    waiting = InvitationList.objects.usable().filter(owner=request.user).order_by("-pk")
    context = {"title": _("Invite from a list"), "form": form, "lists": waiting.defer("rows")}
    response = render(request, "invitations/new.html", context)
    if form.has_error("file", "busy"):
        response.status_code, response["Retry-After"] = 503, str(BUSY_SECONDS)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def one_list(request, pk):
    """Show its owner what becomes of each line of a list; a POST makes it so.

    A list is its owner's alone. Once it is confirmed, this is the report, and a second POST of the
    same form changes nothing.
    """
    if not may_invite(request.user):
        raise PermissionDenied
    if request.method == "POST":
        found = confirm(pk, request.user, site_url(request))
        if found is None:
            return expired(request)
        tell_changes(request, found)
        return redirect("admin:invitations_list", found.pk)
    lists = InvitationList.objects.usable().filter(owner=request.user)
    found = get_object_or_404(lists, pk=pk)
    is_done = found.confirmed_at is not None
    rows = recorded(found) if is_done else judged(Row(*row) for row in found.rows)
    fates = Counter(each.fate for each in rows)
    chosen = request.GET.get("fate")
    listed = [each for each in rows if each.fate == chosen] if chosen in Fate else rows
    title = (
        _("%(list)s: what became of each line")
        if is_done
        else _("%(list)s: what becomes of each line")
    )
    context = {
        "title": title % {"list": found.shown_title},
        "list": found,
        "fates": [
            (fate, label(fate, is_done=is_done), fates[fate]) for fate in Fate if fates[fate]
        ],
        "chosen": chosen,
        "acting": fates[Fate.NEW] + fates[Fate.CHANGED],
        "new": fates[Fate.NEW],
        "page": NumberedPaginator(listed, ROWS_PER_PAGE).get_page(request.GET.get("page")),
        "progress": progress(found) if is_done else None,
        "is_delivering": is_delivering(),
    }
    return render(request, "invitations/list.html", context)


def tell_changes(request, found: InvitationList) -> None:
    """Say so if others were at work between the preview and the click."""
    invited = sum(fate == Fate.NEW for fate, _why, _user in found.outcome)
    seen = request.POST.get("new", "")
    if seen.isdecimal() and seen != str(invited):
        words = _("Others were at work meanwhile: %(invited)s of %(seen)s were invited.")
        messages.warning(request, words % {"invited": invited, "seen": seen})


def recorded(found: InvitationList) -> list[Judged]:
    """The rows of a confirmed list, with what became of them."""
    return [
        Judged(Row(*row), fate, reason, user=user, is_done=True)
        for row, (fate, reason, user) in zip(found.rows, found.outcome, strict=True)
    ]


def progress(found: InvitationList) -> dict:
    """How many of a list's messages wait, were sent and could not be, and who has come already."""
    invited = Invitation.objects.filter(source=found)
    pending = invited.pending().with_state().order_by()
    states = dict(pending.values_list("state").annotate(Count("pk")))
    waiting = states.get(State.WAITING, 0)
    total = invited.count()
    return {
        "total": total,
        "done": total - waiting,
        "waiting": waiting,
        "sent": states.get(State.SENT, 0) + states.get(State.EXPIRED, 0),
        "failed": states.get(State.FAILED, 0),
        "come": total - sum(states.values()),
    }


def expired(request):
    messages.error(request, _("This list is no longer kept. Please paste or choose it again."))
    return redirect("admin:invitations_new")


def render(request, template: str, context: dict) -> TemplateResponse:
    """Render a page of the admin."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
