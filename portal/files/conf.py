"""The settings that this room reads, each with its default.

A project that takes the room over needs to set none of them. They are read from Django's settings
each time that they are used, so that a test may override them: `conf.PROTECTED_URL_SECONDS`.
Django's own settings, such as STORAGES, are read where they are used.
"""

from django.conf import settings

DEFAULTS = {
    # Which site this is: outside production, files that are the live site's are left alone.
    "SITE_ENVIRONMENT": "production",
    # The live site's storages by alias, as STORAGES has them; on a staging copy alone.
    "LIVE_STORAGES": {},
    # The dotted path of a function that is called with what --confirmed-fork says, before
    # sweep_media deletes anything, and raises CommandError if the files may be another site's.
    "SWEEP_GUARD": None,
    # False where uploads have no storage yet; how that comes about is for the settings to decide.
    "AWS_AVAILABLE": True,
    # What a message asks for where the storage is not configured, such as names of variables.
    "S3_REQUIRED": ("an S3Storage in STORAGES",),
    "AWS_S3_ENDPOINT_URL": None,
    # The values of variables by their names: a message names one of those that are set. Without
    # them it names the options of STORAGES.
    "S3_VARIABLES": {},
    # A folder below the prefixes, where several sites share a bucket.
    "FILES_FOLDER": "",
    # Seconds that a signed link opens a file, and that a public file may be kept in caches.
    "PROTECTED_URL_SECONDS": 600,
    "MEDIA_CACHE_SECONDS": 24 * 60 * 60,
}


def __getattr__(name: str):
    """Return a setting of the project, or else the default."""
    if name not in DEFAULTS:
        raise AttributeError(f"{__name__} has no setting {name}")
    return getattr(settings, name, DEFAULTS[name])
