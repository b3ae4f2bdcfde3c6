from django.apps import AppConfig


class SocietyConfig(AppConfig):
    """The society whose portal this is: its name, texts, logo and colour."""

    name = "profiles.society"
    label = "society"
