"""Forms that an ended session or an old token has refused: they can be sent again.

Whoever logs in has a new token, so that a form which was opened before is refused, and going back
loads the page anew. So what was typed is in hidden fields of the page that tells of it, with a new
token. If the session has ended, it waits in the browser's next session until somebody logs in.
"""

import time

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

KEY = "sent_again"  # in the session, and of the limit in ACCOUNT_RATE_LIMITS
KEPT_SECONDS = 3_600
MAX_CHARACTERS = 100_000  # of a form as it is encoded: six for a letter with an accent
LOGGED_OUT = _(
    "You were logged out before this was saved. What you have typed is kept for an hour: log in, "
    "and you can send it again."
)
# Passwords and codes have no place in a page, or in a session.
SECRET_VIEWS = ("account_", "mfa_", "accept-invitation")
SECRET_FIELD = "password"  # noqa: S105


def typed(request) -> str:
    """Return the form that a page of this site has sent, encoded; empty if it may hold secrets.

    No other site can have a browser claim that, and so none can have somebody send its own form.
    """
    names = "Sec-Fetch-Site", "Sec-Fetch-Mode"
    is_own = [request.headers.get(name) for name in names] == ["same-origin", "navigate"]
    match = request.resolver_match
    if not (is_own and match) or (match.view_name or "").startswith(SECRET_VIEWS):
        return ""
    form = request.POST.copy()
    form.pop("csrfmiddlewaretoken", None)
    encoded = form.urlencode()
    is_secret = any(SECRET_FIELD in name for name in form)
    return "" if is_secret or len(encoded) > MAX_CHARACTERS else encoded


def to_send(encoded: str, address: str, *, had_files: bool) -> dict:
    """Return what _send_again.html needs: the fields, and where they go."""
    fields = [(name, value) for name, values in QueryDict(encoded).lists() for value in values]
    return {"fields": fields, "address": address, "had_files": had_files}


def csrf_failure(request, reason=""):
    """Refuse a form that is too old, or was not sent from a page of this site.

    It can be sent again if its token was at fault, and not the page that it came from.
    """
    encoded = typed(request) if reason.startswith("CSRF ") else ""
    address, had_files = request.get_full_path(), bool(request.FILES)
    context = to_send(encoded, address, had_files=had_files) if encoded else {}
    return render(request, "403_csrf.html", context, status=403)


def keep_forms_of_ended_sessions(get_response):
    """Keep a form that is answered with the log-in, for the page that follows the log-in."""

    def middleware(request):
        response = get_response(request)
        if request.method != "POST":
            return response
        address = request.get_full_path()
        if request.user.is_authenticated:
            kept = request.session.get(KEY)
            if kept and (address in kept or is_old(kept[0])):  # sent again, or never will be
                del request.session[KEY]
        elif (
            leads_to_login(response)
            and (encoded := typed(request))
            and ratelimit.consume(request, action=KEY)  # visitors write rows of sessions here
        ):
            request.session[KEY] = [int(time.time()), encoded, address, bool(request.FILES)]
            messages.warning(request, LOGGED_OUT)
            return redirect_to_login(reverse("send-again"))
        return response

    return middleware


def is_old(kept_at: int) -> bool:
    return time.time() - kept_at > KEPT_SECONDS


def leads_to_login(response) -> bool:
    logins = resolve_url(settings.LOGIN_URL), reverse("admin:login")
    return response.status_code == 302 and response["Location"].startswith(logins)


@require_safe
@login_required
def send_again(request):
    """Show whoever has logged in what this browser sent before, to be sent once more."""
    kept_at, *form, had_files = request.session.get(KEY, (0, "", "", False))
    if is_old(kept_at):
        return redirect("home")
    return render(request, "send_again.html", to_send(*form, had_files=had_files))
