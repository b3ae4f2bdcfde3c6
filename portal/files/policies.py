"""The policy of each storage in a bucket, whichever class a project has chosen.

For the classes in storages.py the class is the policy. Any other S3Storage is taken at its word:
with unsigned links its files are public, else they are protected. It gets the methods of a policy
here, so that commands and proofs treat all storages alike, and the project keeps its own class.
"""

from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.core.files.storage.handler import StorageHandler
from django.core.management.base import CommandError
from django.utils.module_loading import import_string
from storages.backends.s3 import S3Storage

from portal.s3.addresses import bucket_url

from .storages import (
    PolicyMixin,
    ProtectedFileStorage,
    ProtectedMediaStorage,
    PublicMediaStorage,
    UnsignedMixin,
    stored_type,
)

NEEDED = ("bucket_name", "access_key", "secret_key")
# What only boto3 would heed, and not what signs and sends requests here. A session token may also
# come from the environment, as django-storages reads it.
NOT_HEEDED = ("security_token", "proxies", "verify")
# What a project may have set in OPTIONS or by a name of django-storages, such as AWS_LOCATION.
TAKEN_OVER = (
    "access_key",
    "secret_key",
    "bucket_name",
    "endpoint_url",
    "addressing_style",
    "default_acl",
    "object_parameters",
)


class StockMixin(PolicyMixin):
    """Stores files with the headers that the project's own options name."""

    def cache_control(self, name):
        return self.object_parameters.get("CacheControl", "")

    def get_object_parameters(self, name):
        return {"ContentType": stored_type(name), **self.object_parameters}


class PublicStock(StockMixin, PublicMediaStorage):
    """An S3Storage whose links are not signed."""


class ProtectedStock(StockMixin, ProtectedMediaStorage):
    """An S3Storage whose links are signed."""

    chosen: S3Storage  # the project's own

    @property
    def link_seconds(self):
        return self.querystring_expire

    def url(self, name, filename=None):
        """Return the link as the project's own storage makes it for pages."""
        return self.chosen.url(name)

    def link_headers(self, name, filename=None):
        return {}


def policy_of(storage: S3Storage, alias: str = "") -> PolicyMixin:
    """Return a storage with the methods of a policy: itself, or one for the same files.

    Raises CommandError for a storage without a key pair, which what signs here has to know, for one
    that needs more than that, and for an endpoint that is no address.
    """
    named = f'"{alias}"' if alias else f'of the bucket "{storage.bucket_name or ""}"'
    if missing := missing_options(storage):
        raise CommandError(
            f"The storage {named} has no {' and no '.join(missing)} in its OPTIONS."
            + ("" if missing == ["bucket_name"] else " A profile or a role cannot be used here.")
        )
    if not (storage.endpoint_url or "https://").startswith(("https://", "http://")):
        raise CommandError(
            f"The storage {named} has {storage.endpoint_url} as its endpoint_url, which has to"
            " start with https:// (or http://)."
        )
    if others := options_not_heeded(storage):
        raise CommandError(
            f"The storage {named} has {' and '.join(others)},"
            " from its OPTIONS, settings or variables. A session token, a proxy or other"
            " certificates cannot be used here."
        )
    if isinstance(storage, PolicyMixin):
        return storage
    options = {name: getattr(storage, name) for name in TAKEN_OVER}
    options["location"] = storage.location.strip("/")
    options["region_name"] = region_of(storage)
    if links_are_signed(storage):
        policy = ProtectedStock(**options, querystring_expire=storage.querystring_expire)
        policy.chosen = storage
        return policy
    return PublicStock(
        **options, custom_domain=storage.custom_domain, url_protocol=storage.url_protocol
    )


def missing_options(storage: S3Storage) -> list[str]:
    """Return the options without which no policy can be had, as far as a storage lacks them."""
    return [name for name in NEEDED if not getattr(storage, name)]


def options_not_heeded(storage: S3Storage) -> list[str]:
    """Return the options that would have no effect here, as far as a storage has them."""
    return [name for name in NOT_HEEDED if getattr(storage, name) not in (None, "", {}, True)]


def region_of(storage: S3Storage) -> str:
    """Return the region of a storage, for which boto3 finds a default in more places than one."""
    return storage.region_name or storage.connection.meta.client.meta.region_name


def address_of(storage: S3Storage) -> str:
    """Return the address of a storage's bucket, whether or not it has a policy, or a key pair."""
    return bucket_url(
        storage.bucket_name or "",
        region_of(storage),
        storage.endpoint_url,
        storage.addressing_style,
    )


def links_are_signed(storage: S3Storage) -> bool:
    """Return True if a storage's links expire. A custom domain signs only by CloudFront's keys."""
    return storage.querystring_auth and not (
        storage.custom_domain and storage.cloudfront_signer is None
    )


def is_public(storage: Storage) -> bool:
    """Return True if a storage's links open its files for everyone. Needs no key pair."""
    if isinstance(storage, PolicyMixin):
        return isinstance(storage, UnsignedMixin)
    if isinstance(storage, S3Storage):
        return not links_are_signed(storage)
    return isinstance(storage, FileSystemStorage) and not isinstance(storage, ProtectedFileStorage)


def is_protected(storage: Storage) -> bool:
    """Return True if only a signed link opens a storage's files. Needs no key pair."""
    if isinstance(storage, S3Storage):
        return not is_public(storage)
    return isinstance(storage, ProtectedFileStorage)


def in_buckets(aliases: dict[str, dict]) -> dict[str, PolicyMixin]:
    """Return the storages that keep files in a bucket, each with its policy, by alias.

    `aliases` is STORAGES, or has the same form. The storages are new ones, not those that the site
    shares, so that a command may change them.
    """
    return {
        alias: policy_of(storage, alias)
        for alias, storage in made(aliases).items()
        if isinstance(storage, S3Storage)
    }


def in_buckets_as_they_are(aliases: dict[str, dict]) -> dict[str, S3Storage]:
    """Return the storages of in_buckets() in the classes that the project has chosen.

    Needs no key pair and makes no request, so that a system check may ask. A storage without the
    name of a bucket keeps files in none.
    """
    return {
        alias: storage
        for alias, storage in made(aliases).items()
        if isinstance(storage, S3Storage) and storage.bucket_name
    }


def made(aliases: dict[str, dict]) -> dict[str, Storage]:
    """Return a new storage for each alias. Makes no request."""
    unread = {alias: without_manifest(about) for alias, about in aliases.items()}
    handler = StorageHandler(unread)  # type: ignore[arg-type] # the stubs' mistake
    return {alias: handler[alias] for alias in aliases}


def without_manifest(about: dict) -> dict:
    """Return an entry of STORAGES without the manifest of assets that its class reads from S3."""
    backend = import_string(about["BACKEND"])
    if not (issubclass(backend, S3Storage) and issubclass(backend, ManifestFilesMixin)):
        return about
    return about | {"OPTIONS": about.get("OPTIONS", {}) | {"manifest_storage": InMemoryStorage()}}
