from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SocietyConfig(AppConfig):
    """The society whose portal this is: its name, texts, logo and colour."""

    name = "profiles.society"
    label = "society"
    verbose_name = _("Society")
