"""The settings that this room reads, each with its default.

They are read from Django's settings each time that they are used: `conf.SCRUB_RULES`.
"""

from django.conf import settings

DEFAULTS = {
    # Which site this is: only staging and development may be scrubbed or overwritten.
    "SITE_ENVIRONMENT": "production",
    # The live site's storages by alias, as STORAGES has them, with keys that may only read.
    "LIVE_STORAGES": {},
    # The names that a message asks for where LIVE_STORAGES is empty.
    "LIVE_REQUIRED": ("LIVE_STORAGES",),
    # The dotted path of the project's ScrubRules.
    "SCRUB_RULES": None,
    # The role that S3 Batch Operations takes, and where in the bucket of protected files its
    # manifests and reports are kept.
    "BATCH_ROLE_ARN": None,
    "BATCH_REPORT_PREFIX": "protected/batch",
}


def __getattr__(name: str):
    """Return a setting of the project, or else the default."""
    if name not in DEFAULTS:
        raise AttributeError(f"{__name__} has no setting {name}")
    return getattr(settings, name, DEFAULTS[name])
