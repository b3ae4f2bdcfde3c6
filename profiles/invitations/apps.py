from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import pre_delete


class InvitationsConfig(AppConfig):
    """Invitations: takes whoever is deleted out of the lists that they were invited by."""

    name = "profiles.invitations"
    label = "invitations"

    def ready(self):
        from .models import forget

        pre_delete.connect(forget, sender=settings.AUTH_USER_MODEL, dispatch_uid="invitations")
