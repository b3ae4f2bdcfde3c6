import logging

from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.conf import settings
from django.db import transaction
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from .s3 import StorageError

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


class AtomicAccountsMiddleware:
    """Saves a change of an account and the message about it together, or neither.

    allauth opens no transactions of its own. Log-ins stay outside of one: they change nothing, and
    would hold the throttle's row, which others count in, for as long as hashing takes.
    """

    LOG_INS = {"account_login", "account_reauthenticate", "mfa_authenticate", "mfa_reauthenticate"}
    ANSWERS = (ImmediateHttpResponse, ReauthenticationRequired)  # not errors, in allauth's views

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        self.end(request)
        return response

    def process_view(self, request, view, args, kwargs):
        name = request.resolver_match.view_name or ""
        is_change = name.startswith(("account_", "mfa_")) and name not in self.LOG_INS
        if request.method == "POST" and is_change:
            request.account_change = transaction.atomic()
            request.account_change.__enter__()

    def process_exception(self, request, exception):
        self.end(request, None if isinstance(exception, self.ANSWERS) else exception)

    def end(self, request, exception=None):
        """Commit the request's transaction, if it has one; with an exception, roll it back."""
        if change := vars(request).pop("account_change", None):
            change.__exit__(type(exception) if exception else None, exception, None)
