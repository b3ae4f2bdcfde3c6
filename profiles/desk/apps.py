from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DeskConfig(AppConfig):
    """The desk of the staff: figures, lists as CSV, deactivating many."""

    name = "profiles.desk"
    label = "desk"
    verbose_name = _("Desk")
