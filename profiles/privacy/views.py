"""The page on which members take their data along, leave, and come back."""

from allauth.account.decorators import reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from portal.accounts.site_address import site_url

from .archive import archive_name, archive_of
from .leaving import LastSuperuser, is_last_superuser, leave, stay

ONLY_SUPERUSER = _(
    "You are the only superuser, so nobody could manage the portal without you. "
    "Please make somebody else a superuser first, in the admin."
)


@require_safe
@login_required
def data(request):
    """Offer members their data, and to leave; to those who are leaving, to come back."""
    leaves_at = request.user.leaves_at
    context = {
        "days": settings.LEAVING_DAYS,
        "leaves_at": leaves_at,
        "is_too_late": leaves_at is not None and leaves_at <= timezone.now(),
        "is_last_superuser": is_last_superuser(request.user),
    }
    return render(request, "privacy/data.html", context)


@require_POST
@login_required
@reauthentication_required
def download(request):
    """Send members everything that the portal holds about them."""
    return FileResponse(
        archive_of(request.user), as_attachment=True, filename=archive_name(request.user)
    )


@require_POST
@login_required
@reauthentication_required
def start_leaving(request):
    """Have a member leave."""
    try:
        leave(request.user, site_url(request))
    except LastSuperuser:
        messages.error(request, ONLY_SUPERUSER)
    return redirect("privacy:data")


@require_POST
@login_required
def come_back(request):
    """Undo it, as long as the date has not come."""
    if not stay(request.user):
        return redirect("privacy:data")
    messages.success(request, gettext("Welcome back. All is as it was."))
    return redirect("home")
