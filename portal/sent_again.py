"""Forms that are refused for an ended session or a token of before it: they can be sent again.

Whoever logs in has a new token, so that a form which was opened before is refused, and going back
loads the page anew. So the page about it holds what was typed, in hidden fields, with a new token.
"""

from django.conf import settings
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers

MAX_CHARACTERS = 200_000
# Passwords and codes have no place in a page.
SECRET_VIEWS = ("account_", "mfa_", "accept-invitation")
SECRET_FIELD = "password"  # noqa: S105


def fields_to_send_again(request) -> list[tuple[str, str]]:
    """Return the fields of a form that came from a page of this site; none if it may hold secrets.

    No other site can have a browser claim that, and so none can have somebody send its own form.
    """
    headers = request.headers
    is_own = (headers.get("Sec-Fetch-Site"), headers.get("Sec-Fetch-Mode")) == (
        "same-origin",
        "navigate",
    )
    match = request.resolver_match
    if not (is_own and match) or (match.view_name or "").startswith(SECRET_VIEWS):
        return []
    fields = [(name, value) for name, values in request.POST.lists() for value in values]
    fields = [field for field in fields if field[0] != "csrfmiddlewaretoken"]
    length = sum(len(name) + len(value) for name, value in fields)
    if length > MAX_CHARACTERS or any(SECRET_FIELD in name for name, _ in fields):
        return []
    return fields


def context_to_send_again(request) -> dict:
    """Return what a template needs to have a form sent again."""
    return {"again": fields_to_send_again(request), "had_files": bool(request.FILES)}


def keep_forms_of_ended_sessions(get_response):
    """Answer a form that would end at the log-in with a page from which it can be sent again.

    A view that keeps it by other means sets `request.is_kept`.
    """

    def middleware(request):
        response = get_response(request)
        if request.method != "POST" or response.status_code != 302:
            return response
        login = resolve_url(settings.LOGIN_URL)
        leads_to_login = response["Location"].startswith((login, resolve_url("admin:login")))
        is_kept = getattr(request, "is_kept", False)
        if not leads_to_login or is_kept or request.user.is_authenticated:
            return response
        context = context_to_send_again(request)
        if not context["again"]:
            return response
        page = render(request, "403_logged_out.html", context, status=403)
        add_never_cache_headers(page)
        return page

    return middleware
