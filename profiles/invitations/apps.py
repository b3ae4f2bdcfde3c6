from django.apps import AppConfig


class InvitationsConfig(AppConfig):
    name = "profiles.invitations"
    label = "invitations"
