"""Texts of Django that its own catalogues do not have in every language of this site.

Marked here, they are collected by make messages, and our catalogues have them.
"""

from django.utils.translation import gettext_noop

TEXTS = [
    gettext_noop("Disable password-based authentication"),
    gettext_noop("Disabled"),
    gettext_noop("Enabled"),
    gettext_noop("Password-based authentication"),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),  # noqa: RUF001
    gettext_noop("Reset password"),
]
