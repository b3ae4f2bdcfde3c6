from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The desk of the staff: figures, lists as CSV, deactivating many."""

    name = "profiles.desk"
    label = "desk"
