"""Composers: functions that make, at delivery, the text of messages that hold a secret.

A composer takes an OutgoingMessage of its kind and returns a django.core.mail.EmailMessage, or
None if the message is no longer wanted. The text is never stored.
"""

from collections.abc import Callable

from django.utils.functional import Promise

COMPOSERS: dict[str, Callable] = {}
TITLES: dict[str, str | Promise] = {}  # of the kinds, for people, in the active language


def composer(kind: str, title: str | Promise = "") -> Callable:
    """Register the decorated function as the composer of a kind of message.

    `title` names the kind in the admin, until the message has a subject; it may be lazy.
    """

    def register(function):
        COMPOSERS[kind] = function
        TITLES[kind] = title
        return function

    return register
