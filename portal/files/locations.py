"""The locations of storages, and two rules to decide if two storages share files.

`share_files`      the same bucket of the same service, one prefix within the other. For a copy,
                   which reads from one and writes to the other.
`may_share_files`  the same, whatever the endpoint: a service can have addresses that this site does
                   not recognise. For code that deletes or overwrites: mistaking one bucket for two
                   would lose another site's files; the reverse only costs a rename.
"""

import os
from typing import NamedTuple

from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from portal.s3.addresses import is_within, prefix_of, service

from . import conf
from .policies import made
from .references import field_storages

DISK = "disk"


class Location(NamedTuple):
    """A bucket or a disk, and the prefix in it below which a storage keeps its files."""

    service: object  # the name of an S3 service; DISK; of any other kind, the storage itself
    bucket: str  # empty on a disk
    prefix: str  # ends with a slash; empty if it is the whole bucket


def location_of(storage: Storage) -> Location:
    """Return the location of a storage's files. Makes no request."""
    if isinstance(storage, S3Storage):
        return Location(
            service(storage.endpoint_url, storage.region_name or ""),
            (storage.bucket_name or "").lower(),
            prefix_of(storage),
        )
    if isinstance(storage, FileSystemStorage) and storage.location is not None:
        return Location(DISK, "", os.path.join(os.path.realpath(storage.location), ""))
    return Location(storage, "", "")


def share_files(one: Storage, other: Storage) -> bool:
    """Return True if one storage keeps files where the other does: same bucket, same service."""
    return is_shared(location_of(one), location_of(other))


def may_share_files(one: Storage, other: Storage) -> bool:
    """Return True if one storage might keep files where the other does, whatever the endpoint."""
    return is_shared(*locations_of(one, other))


def may_lie_within(one: Storage, other: Storage) -> bool:
    """Return True if a storage might keep all its files below the other's prefix."""
    first, second = locations_of(one, other)
    is_same_bucket = (first.service, first.bucket) == (second.service, second.bucket)
    return is_same_bucket and is_within(first.prefix, second.prefix)


def locations_of(one: Storage, other: Storage) -> tuple[Location, Location]:
    """Return the locations of two storages, with buckets of one name taken for one bucket."""
    first, second = location_of(one), location_of(other)
    if first.bucket and second.bucket:
        first = first._replace(service=second.service)
    return first, second


def is_shared(one: Location, other: Location) -> bool:
    """Return True if two locations are the same, or one lies within the other."""
    is_same_bucket = (one.service, one.bucket) == (other.service, other.bucket)
    return is_same_bucket and (
        is_within(one.prefix, other.prefix) or is_within(other.prefix, one.prefix)
    )


def shares_files_with_live() -> bool:
    """Return True if a storage of this site might keep files where one of LIVE_STORAGES does.

    Makes no request. Either the site is the live one, or a variable is wrong.
    """
    twins = made(conf.LIVE_STORAGES).values()
    return any(
        may_share_files(storage, twin) for storage in field_storages().values() for twin in twins
    )
