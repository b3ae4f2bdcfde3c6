from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self):
        from . import checks  # noqa: F401 - registers them


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin.PortalAdminSite"
