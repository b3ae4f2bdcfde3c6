from django.apps import AppConfig


class FilesConfig(AppConfig):
    """Files: registers the system checks and the receiver of django-cleanup's signal."""

    name = "portal.files"

    def ready(self):
        from . import checks, cleanup  # noqa: F401 - importing them registers them
