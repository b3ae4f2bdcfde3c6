"""Keeps django-cleanup from deleting a file that another row names."""

import logging

from django.db import Error
from django.dispatch import receiver
from django_cleanup.signals import cleanup_pre_delete

from .references import named_among

logger = logging.getLogger(__name__)


@receiver(cleanup_pre_delete)
def keep_named_file(file, **kwargs):
    """Keep a file that a row of any model still names.

    django-cleanup sends this signal after the commit, and a receiver has no other way to stop the
    delete: `file` is a copy of django-cleanup's own, and it deletes nothing for a file without a
    name. A file that is kept although no row names it is deleted by sweep_media.
    """
    try:
        is_named = file.name in named_among(file.storage, [file.name])
    except Error:
        logger.exception("Could not ask whether a row still names a file, so it was kept.")
        is_named = True
    if is_named:
        file.name = None
