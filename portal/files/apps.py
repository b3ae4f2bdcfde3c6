from django.apps import AppConfig


class FilesConfig(AppConfig):
    name = "portal.files"

    def ready(self):
        from . import checks, cleanup  # noqa: F401 - importing them registers them
