import botocore
from django.apps import AppConfig
from django.conf import settings

from .timing import measure_session


class ObservabilityConfig(AppConfig):
    """Connects what is measured and reported to where it happens."""

    name = "portal.observability"

    def ready(self):
        # botocore calls this for each session that boto3 makes, so nobody has to ask for it.
        botocore.register_initializer(measure_session)
        if settings.SENTRY_DSN:
            from . import sentry  # imported only where it is used

            sentry.start()
