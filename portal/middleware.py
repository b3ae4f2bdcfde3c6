"""Middleware for pages; that for files, queries and the log is in their rooms."""

from django.conf import settings
from django.utils.cache import add_never_cache_headers


def private_pages(get_response):
    """Keep pages out of the cache, and so out of the Back button, of a browser with a session."""

    def middleware(request):
        response = get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response

    return middleware
