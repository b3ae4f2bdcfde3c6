"""What django-cleanup may delete when a row lets go of a file: nothing that another row names."""

import logging

from django.db import Error
from django.dispatch import receiver
from django_cleanup.signals import cleanup_pre_delete

from .references import named_among

logger = logging.getLogger(__name__)


@receiver(cleanup_pre_delete)
def keep_named_file(file, **kwargs):
    """Keep a file that some row, of whatever model, still names.

    django-cleanup asks after the commit, and has no way to say no: but `file` is a copy of its
    own, and of a file without a name nothing is deleted. What is kept in doubt is for sweep_media.
    """
    try:
        is_named = file.name in named_among(file.storage, [file.name])
    except Error:
        logger.exception("Could not ask whether a row still names a file, so it was kept.")
        is_named = True
    if is_named:
        file.name = None
