"""How long the throttle (allauth's rate limits) makes people wait, in seconds and in words."""

import math

from allauth.account import app_settings
from allauth.core.internal.ratelimit import parse_rates

# The limits that refuse in a form's own error message; any other answers with the page 429.html.
IN_FORMS = {"login_failed", "confirm_email"}


def longest_wait(actions: set[str]) -> int:
    """Return the seconds after which none of the attempts made so far count any more.

    Attempts that are refused are not counted, so that waiting this long is always enough.
    """
    limits = app_settings.RATE_LIMITS
    rates = [rate for action in actions for rate in parse_rates(limits.get(action))]
    return math.ceil(max((rate.duration for rate in rates), default=60))


def pages_wait() -> int:
    """Return the seconds to wait after a page has been asked for too often."""
    return longest_wait(app_settings.RATE_LIMITS.keys() - IN_FORMS)


def in_words(seconds: int) -> str:
    """Return seconds as people say them, rounded up to minutes: "1 minute", "5 minutes"."""
    minutes = math.ceil(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
