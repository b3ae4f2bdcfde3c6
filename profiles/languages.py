"""The language of a page: the member's choice, the visitor's, or what the browser asks for.

Django's LocaleMiddleware has read the visitor's choice, a cookie, and what the browser asks for.
"""

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import Http404
from django.shortcuts import redirect
from django.utils.translation import check_for_language
from django.views.decorators.http import require_safe
from django.views.defaults import page_not_found

from portal.accounts.languages import speak

# What pages consist of, and addresses for machines: none of them asks who somebody is.
ASK_NOBODY = frozenset({"society:style", "media", "protected-file", "favicon", "healthz", "readyz"})


class MembersLanguageMiddleware:
    """Answers members in the language that they have chosen.

    It costs no query: every page reads the member's row.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if request.resolver_match.view_name not in ASK_NOBODY:
            speak_to_member(request)


def speak_to_member(request) -> None:
    """Answer a request in its member's language, if the member has chosen one of the site's."""
    code = getattr(request.user, "language", "")  # anonymous visitors have none
    if code in dict(settings.LANGUAGES):
        speak(request, code)


def not_found(request, exception):
    """Answer for an address that no view has, and so no middleware for views has seen."""
    if hasattr(request, "user"):
        speak_to_member(request)
    return page_not_found(request, exception)


@require_safe
def choose_language(request, code):
    """Remember a visitor's language in this browser, and go back to where the visitor was."""
    if not (code in dict(settings.LANGUAGES) and check_for_language(code)):
        raise Http404("No language of this site")
    where = request.GET.get("next", "")
    response = redirect(where if get_adapter().is_safe_url(where) else "home")
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        path=settings.LANGUAGE_COOKIE_PATH,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )
    return response
