"""Composers: functions that make, at delivery, the text of messages that hold a secret.

A composer takes an OutgoingMessage of its kind and returns a django.core.mail.EmailMessage, or
None if the message is no longer wanted. The text is never stored.
"""

from collections.abc import Callable

COMPOSERS: dict[str, Callable] = {}


def composer(kind: str) -> Callable:
    """Register the decorated function as the composer of a kind of message."""

    def register(function):
        COMPOSERS[kind] = function
        return function

    return register
