from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    """The site itself: registers its system checks."""

    name = "portal"

    def ready(self):
        from . import checks  # noqa: F401 - registers them


class PortalAdminConfig(AdminConfig):
    """Django's admin with the site's own log-in and second factor."""

    default_site = "portal.accounts.admin_site.PortalAdminSite"
