import logging

from django.conf import settings
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from .s3.errors import StorageError

logger = logging.getLogger(__name__)


def private_pages(get_response):
    """Keep what a logged-in browser was shown out of its cache, and out of the Back button."""

    def middleware(request):
        response = get_response(request)
        if settings.SESSION_COOKIE_NAME in request.COOKIES and "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response

    return middleware


class StorageFailureMiddleware:
    """Answers a request that the file storage failed with a page in plain words."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, StorageError):
            return None
        logger.error("%s %s: %s", request.method, request.path, exception, exc_info=exception)
        return render(request, "503.html", status=503)
