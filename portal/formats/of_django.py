"""Texts of Django that its own catalogues do not have in every language of this site.

Marked here, they are collected by make messages, and our catalogues have them.
"""

from django.utils.translation import gettext_noop

# ruff: noqa: RUF001 - the marks are Django's

OF_5_2 = [
    gettext_noop("Disable password-based authentication"),
    gettext_noop("Disabled"),
    gettext_noop("Enabled"),
    gettext_noop("Password-based authentication"),
    gettext_noop("Raw passwords are not stored, so there is no way to see the user’s password."),
    gettext_noop("Reset password"),
]
OF_6_1 = [
    gettext_noop("- Select an option -"),
    gettext_noop(
        "Are you sure you want to delete the %(object_name)s “%(escaped_object)s”?"
        " All of the following related items will be deleted:"
    ),
    gettext_noop("Filter by %(field_name)s"),
    gettext_noop("No %s matches the given query."),
    gettext_noop("Pagination %(name)s"),
    gettext_noop("Run"),
    gettext_noop("Search %(name)s"),
]
