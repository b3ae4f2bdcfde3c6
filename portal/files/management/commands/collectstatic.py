from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management.base import CommandError

from portal.files.hints import with_hint


class Command(collectstatic.Command):
    """Django's collectstatic; its last step uploads to S3, if configured (files/assets.py)."""

    def handle(self, **options):
        try:
            return super().handle(**options)
        except OSError as error:  # from S3 or the disk: the build's log needs no traceback
            raise CommandError(f"The assets were not collected: {with_hint(error)}") from error
