from django.apps import AppConfig


class PrivacyConfig(AppConfig):
    """Taking one's data along, and leaving."""

    name = "profiles.privacy"
    label = "privacy"

    def ready(self):
        from . import messages  # noqa: F401 - registers composers
