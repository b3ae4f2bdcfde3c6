"""The society as pages and messages show it: read now and then, and not for each page."""

import logging
from time import monotonic

from django.db import Error

from .models import Society

logger = logging.getLogger(__name__)

READ_AGAIN_SECONDS = 5  # after a change, every process shows it within that time
JUST_SAVED = "society_saved"  # the cookie of whoever has changed it, who sees it at once

_remembered: tuple[float, Society] | None = None


def current(*, fresh: bool = False) -> Society:
    """Return the society; if nobody has named it yet, or no database answers, as SITE_NAME has it.

    Each process remembers it. The shared cache would be a query for each page, as it is a table of
    the same database, and nothing tells a process what another has written.
    """
    global _remembered
    remembered = _remembered  # once, because another thread may forget() meanwhile
    if remembered and not fresh and monotonic() - remembered[0] < READ_AGAIN_SECONDS:
        return remembered[1]
    try:
        society = Society.objects.first() or Society.unnamed()
    except Error as error:
        # Remembered as well: a page that needs no database does not wait for it each time.
        logger.warning("The society could not be read: %s", type(error).__name__)
        society = remembered[1] if remembered else Society.unnamed()
    _remembered = monotonic(), society
    return society


def forget() -> None:
    """Have the next page of this process read the row again."""
    global _remembered
    _remembered = None


def name() -> str:
    """Return the society's name, for messages: SITE_NAME_SOURCE in the settings."""
    return current().name
