"""Describes storages as the settings resolved them, without secrets and without a request."""

from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from portal.files import conf
from portal.files.policies import policy_of
from portal.files.storages import ProtectedFileStorage, custom_domain
from portal.s3.addresses import addressing_style, prefix_of

SHOWN_OF_A_KEY = 4  # characters, enough to tell two keys apart


def described(storage: Storage) -> dict[str, str]:
    """Return the facts about a storage that a person looks for, by heading."""
    about = {"class": type(storage).__name__}
    if isinstance(storage, S3Storage):
        return about | described_bucket(policy_of(storage))
    if isinstance(storage, FileSystemStorage):
        about["folder"] = str(storage.location)
        is_signed = isinstance(storage, ProtectedFileStorage)
        about["links"] = links(conf.PROTECTED_URL_SECONDS if is_signed else 0, storage.base_url)
    return about


def described_bucket(storage: S3Storage) -> dict[str, str]:
    """Return the facts about a storage in a bucket."""
    seconds = storage.link_seconds if storage.querystring_auth else 0
    style = storage.addressing_style or addressing_style(storage.endpoint_url, storage.bucket_name)
    return {
        "bucket": storage.bucket_name,
        "region": storage.region_name,
        "endpoint": storage.endpoint_url or "AWS",
        "addressing": style,
        "prefix": prefix_of(storage) or "none: the whole bucket",
        "address": f"{storage.bucket_url}/",
        "custom domain": custom_domain(storage) or "none",
        "links": links(seconds, "" if seconds else storage.url("")),
        "caching": storage.cache_control(""),
        "key": masked(storage.access_key),
    }


def links(seconds: int, base: str | None) -> str:
    """Describe links, which are signed if they open a file for a number of seconds alone."""
    return f"signed, valid for {seconds} s" if seconds else f"open to everyone, {base}"


def masked(key: str) -> str:
    """Return the first characters of an access key's id."""
    return f"{key[:SHOWN_OF_A_KEY]}..." if len(key) > 2 * SHOWN_OF_A_KEY else "..."
