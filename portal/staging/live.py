"""Where the live site's files are, for a copy of the site; and that they are not its own files.

LIVE_STORAGES in the settings names the live twin of each storage: the same policy with the live
bucket and a key pair that may only read.
"""

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage
from django.core.files.storage.handler import StorageHandler
from django.core.management.base import CommandError

from portal.copying.folder_store import Folder
from portal.copying.s3_store import S3Source, S3Target
from portal.files.storages import PolicyMixin


def live_pairs(storages: dict[str, Storage], *, jobs: int) -> dict[str, tuple]:
    """Of each storage, by its label, the live twin as a source and itself as a target.

    Makes no request. Raises CommandError where a copy could do harm or has nowhere to come from.
    """
    if settings.SITE_ENVIRONMENT not in {"staging", "development"}:
        raise CommandError(
            f"This is {settings.SITE_ENVIRONMENT}: only a site whose SITE_ENVIRONMENT is staging or"
            " development may be overwritten with files from live. Nothing was read or written."
        )
    twins = StorageHandler(settings.LIVE_STORAGES)
    if not settings.LIVE_STORAGES:
        raise CommandError(
            f"The live site's files are not configured: set {', '.join(settings.LIVE_REQUIRED)}."
        )
    if unknown := storages.keys() - settings.LIVE_STORAGES.keys():
        raise CommandError(
            f"LIVE_STORAGES in the settings has no live twin of {', '.join(sorted(unknown))}."
        )
    sources = {label: place(twins[label], S3Source, jobs) for label in settings.LIVE_STORAGES}
    targets = {label: place(storage, S3Target, jobs) for label, storage in storages.items()}
    for target in targets.values():
        for source in sources.values():
            if overlap(source, target):
                raise CommandError(
                    f"{target} is where the live site's files are. Nothing was read or written."
                    " Give this site a place of its own, or correct the LIVE_ variables."
                )
    return {label: (sources[label], target) for label, target in targets.items()}


def place(storage: Storage, kind: type[S3Source], jobs: int):
    """A storage as portal/copying/engine.py knows it; of S3, to read from or to write to."""
    if isinstance(storage, FileSystemStorage):
        return Folder(storage)
    if not isinstance(storage, PolicyMixin):
        raise CommandError(f"{type(storage).__name__} is neither a bucket nor a folder.")

    return kind(
        bucket=storage.bucket_name,
        prefix=storage.location.strip("/"),
        access_key=storage.access_key,
        secret_key=storage.secret_key,
        region=storage.region_name,
        endpoint_url=storage.endpoint_url,
        style=storage.addressing_style,
        connections=jobs,
        **({"default_headers": storage.headers} if kind is S3Target else {}),
    )


def overlap(one, other) -> bool:
    """Whether two places share files, whatever names they go by: one may lie within the other."""
    if isinstance(one, Folder) and isinstance(other, Folder):
        return nested(*(f"{folder.path.resolve()}/" for folder in (one, other)))
    if isinstance(one, S3Source) and isinstance(other, S3Source):
        same_bucket = (one.service, one.bucket.lower()) == (other.service, other.bucket.lower())
        return same_bucket and nested(one.prefix, other.prefix)
    return False


def nested(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
