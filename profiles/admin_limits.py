"""How many rows an action of the admin is for."""

from django.contrib import messages
from django.utils.formats import number_format
from django.utils.translation import gettext

MAX_AT_ONCE = 5_000  # members; the answer has to come within 30 seconds


def are_too_many(request, rows) -> bool:
    """Return True, and tell the staff, if nothing is to be done for so many rows."""
    if is_too_many := rows.count() > MAX_AT_ONCE:
        words = gettext("Nothing was done: at most %(most)s at once, please.")
        most = number_format(MAX_AT_ONCE, force_grouping=True)
        messages.error(request, words % {"most": most})
    return is_too_many
