"""Describes storages as the settings resolved them, without secrets and without a request."""

from django.core.files.storage import FileSystemStorage, Storage
from storages.backends.s3 import S3Storage

from portal.files import conf
from portal.files.storages import PolicyMixin, ProtectedFileStorage, custom_domain
from portal.s3.addresses import addressing_style

SHOWN_OF_A_KEY = 4  # characters, enough to tell two keys apart


def described(storage: Storage) -> dict[str, str]:
    """Return the facts about a storage that a person looks for, by heading."""
    about = {"class": type(storage).__name__}
    if isinstance(storage, PolicyMixin):
        return about | described_bucket(storage)
    if isinstance(storage, FileSystemStorage):
        about["folder"] = str(storage.location)
        is_signed = isinstance(storage, ProtectedFileStorage)
        about["links"] = signed() if is_signed else f"open to everyone, {storage.base_url}"
    return about


def described_bucket(storage: S3Storage) -> dict[str, str]:
    """Return the facts about a storage in a bucket."""
    is_signed, domain = storage.querystring_auth, custom_domain(storage)
    style = storage.addressing_style or addressing_style(storage.endpoint_url, storage.bucket_name)
    return {
        "bucket": storage.bucket_name,
        "region": storage.region_name,
        "endpoint": storage.endpoint_url or "AWS",
        "addressing": style,
        "prefix": f"{storage.location}/" if storage.location else "none: the whole bucket",
        "address": f"{storage.bucket_url}/",
        "custom domain": domain or "none",
        "links": signed() if is_signed else f"open to everyone, {storage.url('')}",
        "caching": storage.cache_control(""),
        "key": masked(storage.access_key),
    }


def signed() -> str:
    """Describe the links of a protected storage."""
    return f"signed, valid for {conf.PROTECTED_URL_SECONDS} s"


def masked(key: str) -> str:
    """Return the first characters of an access key's id."""
    return f"{key[:SHOWN_OF_A_KEY]}..." if len(key) > 2 * SHOWN_OF_A_KEY else "..."
