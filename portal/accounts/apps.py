from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Accounts: registers checks, composers of messages, and receivers of allauth's signals."""

    name = "portal.accounts"

    def ready(self):
        from . import (
            checks,  # noqa: F401 - registers it
            messages,  # noqa: F401 - registers composers
            second_factors,  # noqa: F401 - receives allauth's signals
        )
