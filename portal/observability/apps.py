import botocore
from django.apps import AppConfig
from django.conf import settings

from .timing import measure_s3


class ObservabilityConfig(AppConfig):
    name = "portal.observability"

    def ready(self):
        # Of botocore alone, which costs a millisecond: boto3 is imported where S3 is used.
        botocore.register_initializer(measure_s3)
        if settings.SENTRY_DSN:
            from . import sentry

            sentry.start()
