"""Views for which a session that was left open is not enough."""

import time
from functools import wraps

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired


def recent_log_in_required(view):
    """Ask for the password, unless it was typed within ACCOUNT_REAUTHENTICATION_TIMEOUT.

    allauth's own decorator does not count the log-in itself, and would ask somebody who has just
    logged in. A form that was sent is carried out after the password.
    """

    @wraps(view)
    def wrapped(request, *args, **kwargs):
        since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
        records = get_authentication_records(request, request.user)
        if not any(record["at"] > since for record in records):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return wrapped
