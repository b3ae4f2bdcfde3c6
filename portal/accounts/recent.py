"""Tells a session in which somebody has just logged in from one that was left open."""

import time

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records


def has_just_logged_in(request) -> bool:
    """Return True if the password was typed within ACCOUNT_REAUTHENTICATION_TIMEOUT."""
    since = time.time() - app_settings.REAUTHENTICATION_TIMEOUT
    records = get_authentication_records(request, request.user)
    return any(record["at"] > since for record in records)
