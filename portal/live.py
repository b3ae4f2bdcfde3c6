"""Whether this site keeps its files where the live site keeps its own."""

from django.conf import settings

from .references import field_storages


def uses_live_bucket() -> bool:
    """Whether a bucket of this site's is one that the LIVE_* settings name.

    Names are compared and endpoints are not: an endpoint has aliases, and to take one bucket for
    two costs the live site's files, while to take two for one costs somebody another name.
    """
    names = ("LIVE_STORAGE_BUCKET_NAME", "LIVE_PROTECTED_BUCKET_NAME")
    live = {getattr(settings, name, None) for name in names} - {None}
    return any(
        getattr(storage, "bucket_name", None) in live for storage in field_storages().values()
    )
