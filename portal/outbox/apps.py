from django.apps import AppConfig


class OutboxConfig(AppConfig):
    """The outbox, which the admin lists as "E-mail"."""

    name = "portal.outbox"
    verbose_name = "E-mail"
