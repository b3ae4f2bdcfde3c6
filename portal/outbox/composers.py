"""Composers: who makes the text of the messages that hold a secret, at delivery.

A composer takes an OutgoingMessage of its kind and returns a django.core.mail.EmailMessage, or
None if the message is not wanted any more. Nothing that it puts into the text is ever stored.
"""

from collections.abc import Callable

COMPOSERS: dict[str, Callable] = {}


def composer(kind: str) -> Callable:
    """Register the decorated function as the composer of a kind of message."""

    def register(function):
        COMPOSERS[kind] = function
        return function

    return register
