"""Middleware for pages; that for files, queries and the log is in their rooms."""

import functools

from csp.constants import HEADER
from csp.utils import build_policy
from django.conf import settings
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers


def private_pages(get_response):
    """Keep pages out of the cache, and so out of the Back button, of a browser with a session."""

    def middleware(request):
        response = get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response

    return middleware


def page_for_wrong_method(get_response):
    """Give a page to whoever opens the address of a form's target, instead of an empty answer.

    A browser does so where the address is typed, or opened again after a log-in.
    """

    def middleware(request):
        response = get_response(request)
        if response.status_code != 405 or request.method != "GET" or response.content:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page

    return middleware


def content_security_policy(get_response):
    """Add CONTENT_SECURITY_POLICY to each answer that has none of its own.

    The middleware of django-csp, for views that change the policy, builds it twice for each answer.
    """

    def middleware(request):
        response = get_response(request)
        is_debug_page = settings.DEBUG and response.status_code in {404, 500}  # they style inline
        if HEADER not in response and not is_debug_page:
            response[HEADER] = policy_header()
        return response

    return middleware


@functools.cache
def policy_header() -> str:
    """Return the header of CONTENT_SECURITY_POLICY."""
    return build_policy()
