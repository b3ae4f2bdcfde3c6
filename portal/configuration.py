"""Where files are kept, as the settings resolved it; without secrets, and without asking S3."""

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage

from .addresses import addressing_style
from .exposure import custom_domain
from .storages import PolicyMixin, ProtectedFileStorage

SHOWN_OF_A_KEY = 4  # characters: enough to tell two keys apart


def described(storage: Storage) -> dict[str, str]:
    """What a person wants to know of a storage, by headings."""
    if isinstance(storage, PolicyMixin):
        return {"class": type(storage).__name__} | described_bucket(storage)
    about = {"class": type(storage).__name__}
    if isinstance(storage, FileSystemStorage):
        about["folder"] = str(storage.location)
        is_signed = isinstance(storage, ProtectedFileStorage)
        about["links"] = signed() if is_signed else f"open to everyone, {storage.base_url}"
    return about


def described_bucket(storage: PolicyMixin) -> dict[str, str]:
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
    return f"signed, good for {settings.PROTECTED_URL_SECONDS} s"


def masked(key: str) -> str:
    """The beginning of an access key's name."""
    return f"{key[:SHOWN_OF_A_KEY]}..." if len(key) > 2 * SHOWN_OF_A_KEY else "..."
