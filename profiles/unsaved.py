"""What was typed in the form of a profile that could not be saved, kept to be saved after all.

A session may end while a long text is being typed; and a member who has logged in again in another
window has a new token, which the older form lacks. The text waits in the session of the browser for
an hour, for the member whose form it was. Files have to be chosen again.
"""

import time

from allauth.core import ratelimit
from django.contrib import messages
from django.http import QueryDict
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from portal.views import csrf_failure as refuse

KEY = "unsaved_profile"
KEPT_SECONDS = 3_600
MAX_CHARACTERS = 100_000  # of the form, encoded: the longest bio, twice, in letters of six
LEFT_OUT = ("csrfmiddlewaretoken", "avatar", "avatar-stored", "resume", "resume-stored")


def keep(request) -> bool:
    """Keep the form that a browser has sent; return False if it is too large, or one of many."""
    typed = request.POST.copy()
    for name in LEFT_OUT:
        typed.pop(name, None)
    encoded = typed.urlencode()
    if not typed or len(encoded) > MAX_CHARACTERS:
        return False
    if not ratelimit.consume(request, action=KEY):  # anonymous visitors write rows of sessions here
        return False
    request.session[KEY] = [int(time.time()), encoded]
    request.is_kept = True
    return True


def take(request) -> QueryDict | None:
    """Return what a member had typed, once, if this member had opened that form."""
    kept_at, encoded = request.session.pop(KEY, (0, ""))
    typed = QueryDict(encoded)
    is_theirs = typed.get("profile") == str(request.user.profile.pk)
    if not is_theirs or time.time() - kept_at > KEPT_SECONDS:
        return None
    messages.warning(
        request,
        _(
            "This is what you had typed. It is not saved yet: please save it now. "
            "A photo or resume has to be chosen once more."
        ),
    )
    return typed


def keep_until_log_in(request) -> None:
    """Keep the form of a member whose session has ended, and tell so on the page for the log-in."""
    if keep(request):
        messages.warning(
            request,
            _(
                "You were logged out before this was saved. What you have typed is kept for an "
                "hour: log in, and you find it in the form."
            ),
        )


def csrf_failure(request, reason=""):
    """Refuse a form without a valid token; one of a profile comes back with what was typed.

    A browser tells which form is from a page of this site: no other site has text kept here.
    """
    match = request.resolver_match
    is_own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    if match and match.view_name == "edit-me" and is_own and keep(request):
        return redirect("edit-me")
    return refuse(request, reason)
