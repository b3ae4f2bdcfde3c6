"""The time that the throttle (allauth's rate limits) makes people wait, also in words."""

import math

from allauth.account import app_settings
from allauth.core.internal.ratelimit import parse_rates
from django.utils.translation import ngettext

# The limits that refuse in a form's own error message, and that of forms that are kept until the
# log-in, which refuses nobody; any other answers with the page 429.html.
IN_FORMS = {"login_failed", "confirm_email", "sent_again"}


def longest_wait(actions: set[str]) -> int:
    """Return the number of seconds after which no attempt made so far counts any more.

    Refused attempts are not counted, so waiting this long is always enough.
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
    return ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes}
