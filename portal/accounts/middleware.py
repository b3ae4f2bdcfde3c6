from allauth.core.exceptions import ImmediateHttpResponse, ReauthenticationRequired
from django.db import transaction


class AtomicAccountsMiddleware:
    """Saves a change of an account and the message about it together, or neither.

    allauth opens no transactions. Log-ins get none: they change no account, and would lock the row
    of the throttle's counter for as long as hashing the password takes.
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
        name = request.resolver_match.view_name
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
