"""Whether this site keeps its files where the live site keeps its own, by mistake or being it."""

from django.conf import settings
from django.core.files.storage.handler import StorageHandler

from .references import field_storages
from .sweeping import share_files


def shares_files_with_live() -> bool:
    """Whether a storage of this site's has its files where one of LIVE_STORAGES has them.

    Makes no request. Endpoints are not compared, as a copy has to: they have aliases, and to take
    one bucket for two costs the live site's files, two for one only somebody another name.
    """
    twins = StorageHandler(settings.LIVE_STORAGES)
    return any(
        share_files(storage, twins[label])
        for storage in field_storages().values()
        for label in settings.LIVE_STORAGES
    )
