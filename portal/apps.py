from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self):
        from . import account_messages, checks, cleanup  # noqa: F401 - registers them

        if settings.SENTRY_DSN:
            from . import sentry

            sentry.start()


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin.PortalAdminSite"
