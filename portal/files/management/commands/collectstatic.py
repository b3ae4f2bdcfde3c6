from django.contrib.staticfiles.management.commands import collectstatic
from django.core.management.base import CommandError

from portal.files.hints import with_hint


class Command(collectstatic.Command):
    """Django's own; its last step uploads to S3 where that is configured (files/assets.py)."""

    def handle(self, **options):
        try:
            return super().handle(**options)
        except OSError as error:  # S3, or the disk: a sentence for whoever reads a build's log
            raise CommandError(f"The assets were not collected: {with_hint(error)}") from error
