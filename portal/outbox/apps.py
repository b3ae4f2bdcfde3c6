from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    """The outbox, which the admin lists as "E-mail"."""

    name = "portal.outbox"
    verbose_name = _("E-mail")
