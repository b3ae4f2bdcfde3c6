import botocore
from django.apps import AppConfig
from django.conf import settings

from .timing import measure_s3


class ObservabilityConfig(AppConfig):
    """Starts measuring S3 calls, and reporting errors to Sentry if that is configured."""

    name = "portal.observability"

    def ready(self):
        # botocore calls this for each session that boto3 makes. boto3 itself is imported only
        # where S3 is used: it takes a third of a second.
        botocore.register_initializer(measure_s3)
        if getattr(settings, "SENTRY_DSN", None):
            from . import sentry  # imported only where it is used

            sentry.start()
