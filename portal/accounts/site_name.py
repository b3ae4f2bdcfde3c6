"""The name of the site in messages, and where else no page is being rendered."""

from django.conf import settings
from django.utils.module_loading import import_string


def site_name() -> str:
    """Return what the function that SITE_NAME_SOURCE names returns, or else SITE_NAME."""
    source = getattr(settings, "SITE_NAME_SOURCE", None)
    return import_string(source)() if source else settings.SITE_NAME
