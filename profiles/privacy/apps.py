from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    """Taking one's data along, and leaving."""

    name = "profiles.privacy"
    label = "privacy"
    verbose_name = _("Privacy")

    def ready(self):
        from . import messages  # noqa: F401 - registers composers
