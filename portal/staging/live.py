"""Which files a copy of the live site reads, and where it writes them: pairs of stores.

LIVE_STORAGES in the settings names the live twin of each storage: the same policy with the live
bucket and a key pair that may only read.
"""

from django.core.files.storage import FileSystemStorage, Storage
from django.core.management.base import CommandError
from storages.backends.s3 import S3Storage

from portal.copying.folder_store import Folder
from portal.copying.s3_store import S3Source, S3Target
from portal.files.hints import settings_of_live
from portal.files.locations import share_files
from portal.files.policies import is_protected, is_public, made, policy_of
from portal.files.storages import PublicFileStorage

from . import conf


def live_pairs(storages: dict[str, Storage], *, jobs: int) -> dict[str, tuple]:
    """For each storage, by its label: its live twin as the source, and itself as the target.

    Makes no request. Raises CommandError where a copy could do harm or has nothing to read from.
    """
    if conf.SITE_ENVIRONMENT not in {"staging", "development"}:
        raise CommandError(
            f"This is {conf.SITE_ENVIRONMENT}: only a site whose SITE_ENVIRONMENT is staging or"
            " development may be overwritten with files from live. Nothing was read or written."
        )
    twins = made(conf.LIVE_STORAGES)
    if not conf.LIVE_STORAGES:
        raise CommandError(
            f"The live site's files are not configured: set {', '.join(conf.LIVE_REQUIRED)}."
        )
    if unknown := storages.keys() - conf.LIVE_STORAGES.keys():
        raise CommandError(
            f"LIVE_STORAGES in the settings has no live twin of {', '.join(sorted(unknown))}."
        )
    pairs = {
        label: (store(twins[label], S3Source, jobs), store(storage, S3Target, jobs))
        for label, storage in storages.items()
    }
    for label, storage in storages.items():
        # A folder of a stock class, as on a laptop, need not be served.
        is_served = isinstance(storage, (S3Storage, PublicFileStorage)) and is_public(storage)
        if is_served and is_protected(twins[label]):
            raise CommandError(
                f"The storage {label} is public, and its live twin is protected: everybody could"
                " read what is copied. Nothing was read or written. Give both the same policy."
            )
        if any(share_files(storage, twin) for twin in twins.values()):
            _, target = pairs[label]
            raise CommandError(
                f"{target} is where the live site's files are. Nothing was read or written."
                " Give this site a bucket or a prefix of its own, or correct"
                f" {settings_of_live()}."
            )
    return pairs


def store(storage: Storage, kind: type[S3Source], jobs: int):
    """A storage as a store of the copy engine; a bucket becomes a store of this kind."""
    if isinstance(storage, FileSystemStorage):
        return Folder(storage)
    if not isinstance(storage, S3Storage):
        raise CommandError(f"{type(storage).__name__} is neither a bucket nor a folder.")
    policy = policy_of(storage)
    return kind(
        bucket=policy.bucket_name,
        prefix=policy.location.strip("/"),
        access_key=policy.access_key,
        secret_key=policy.secret_key,
        region=policy.region_name,
        endpoint_url=policy.endpoint_url,
        style=policy.addressing_style,
        connections=jobs,
        **({"default_headers": policy.headers} if kind is S3Target else {}),
    )
