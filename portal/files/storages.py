"""The storage policies: what is public, what is protected, what is an asset.

Each policy is one class whose body is the policy. STORAGES in the settings has only the bucket and
the prefix, under any alias; several storages may have the same policy.
Each policy has a local twin, which gives the same guarantees on a disk, for development.
"""

import mimetypes
import re
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from boto3.s3.transfer import TransferConfig
from django.core import signing
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage

from portal.s3.addresses import addressing_style, bucket_url, quote_key
from portal.s3.client import COMMAND_ATTEMPTS, REQUEST_ATTEMPTS, shared_resource
from portal.s3.errors import StorageError, storage_errors
from portal.s3.signing import presigned_url

from . import conf
from .disks import named_disk

# Python's own table has image/webp only from 3.13 on, and a bare container has no mime.types.
mimetypes.add_type("image/webp", ".webp")

PROTECTED_CACHE_CONTROL = "private, no-store"
HEADERS = {  # HTTP's names of boto3's parameters
    "ContentType": "content-type",
    "CacheControl": "cache-control",
    "ContentDisposition": "content-disposition",
}
HASHED_NAME = re.compile(r"\.[0-9a-f]{12}\.")


def public_media():
    """Return the storage of public uploads, for model fields: migrations then name no bucket."""
    return storages["default"]


def protected_media():
    """Return the storage of protected uploads; see public_media()."""
    return storages["protected"]


class PolicyMixin:
    """Base of all policies: the process's one client, time limits, forced content types, no ACL."""

    # What a policy relies on in S3Storage, which each of them is besides.
    bucket_name: str
    location: str
    region_name: str
    endpoint_url: str | None
    addressing_style: str | None
    access_key: str
    secret_key: str

    default_acl = None  # new buckets refuse ACLs; the bucket policy opens what is public
    signature_version = "s3v4"
    # One PUT for each upload, in the request's own thread: nothing half-uploaded can stay behind.
    transfer_config = TransferConfig(use_threads=False, multipart_threshold=64 * 1024 * 1024)
    attempts = REQUEST_ATTEMPTS

    @property
    def connection(self):
        """A boto3 resource around the client that this process shares."""
        return shared_resource(
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=self.region_name,
            endpoint_url=self.endpoint_url,
            style=self.addressing_style or addressing_style(self.endpoint_url, self.bucket_name),
            attempts=self.attempts,
        )

    @property
    def bucket(self):
        return self.connection.Bucket(self.bucket_name)

    @cached_property
    def bucket_url(self) -> str:
        """The address of the bucket, without a slash at its end."""
        return bucket_url(
            self.bucket_name, self.region_name, self.endpoint_url, self.addressing_style
        )

    def cache_control(self, name: str) -> str:
        """Return the Cache-Control of a file, by its stored name."""
        raise NotImplementedError

    def get_object_parameters(self, name):
        """Return the headers; the type follows from the stored name, not from the browser."""
        return {"ContentType": stored_type(name), "CacheControl": self.cache_control(name)}

    def headers(self, name: str) -> dict[str, str]:
        """Return the headers that an object is stored with, by HTTP's names.

        What a project's own parameters name besides, such as a storage class, is no header of it.
        """
        parameters = self.get_object_parameters(name)
        return {HEADERS[key]: value for key, value in parameters.items() if key in HEADERS}

    def _save(self, name, content):
        with storage_errors("store", name, self):
            return super()._save(name, content)

    def _open(self, name, mode="rb"):
        with storage_errors("open", name, self):
            return super()._open(name, mode)

    def delete(self, name):
        with storage_errors("delete", name, self):
            super().delete(name)

    def exists(self, name):
        with storage_errors("look for", name, self):
            return super().exists(name)

    def get_alternative_name(self, file_root, file_ext):
        """Return another name for one that is taken, unless all of them seem to be.

        Django asks for names until one is free. What answers 200 to everything, such as a proxy's
        page in place of S3, would keep a thread asking for as long as the process lives.
        """
        if self.exists(str(uuid4())):
            raise StorageError(
                f"Could not store {file_root}: there seems to be a file of any name", storage=self
            )
        return super().get_alternative_name(file_root, file_ext)


class UnsignedMixin(PolicyMixin):
    """Permanent addresses, on the custom domain or else on the bucket's own."""

    querystring_auth = False

    def __init__(self, **options):
        super().__init__(**options)
        if not self.custom_domain:
            address = urlsplit(self.bucket_url)
            self.url_protocol = f"{address.scheme}:"
            self.custom_domain = f"{address.netloc}{address.path}"

    def url(self, name: str) -> str:
        """Return the address of a file; a list of members asks for dozens."""
        return f"{self.url_prefix}{quote_key(name)}"

    @cached_property
    def url_prefix(self) -> str:
        return super().url("").rstrip("/") + "/"  # type: ignore[misc] # of S3Storage


class PublicMediaStorage(UnsignedMixin, S3Storage):
    """Uploads that everybody may see, under permanent addresses."""

    file_overwrite = False

    def cache_control(self, name):
        return f"public, max-age={conf.MEDIA_CACHE_SECONDS}"


class ProtectedMediaStorage(PolicyMixin, S3Storage):
    """Uploads that only a freshly signed link opens."""

    querystring_auth = True
    file_overwrite = False
    custom_domain = None  # a custom domain would switch signing off

    @property
    def link_seconds(self) -> int:
        """The seconds that a link opens a file."""
        return conf.PROTECTED_URL_SECONDS

    def cache_control(self, name):
        return PROTECTED_CACHE_CONTROL

    def get_object_parameters(self, name):
        return super().get_object_parameters(name) | {"ContentDisposition": "attachment"}

    def url(self, name: str, filename: str | None = None) -> str:
        """Return a link that opens the file for link_seconds, to be saved as `filename`.

        The headers are signed into the link, so they apply whatever the object was stored with.
        """
        key = self._normalize_name(name)
        return presigned_url(
            f"{self.bucket_url}/{quote_key(key)}",
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=self.region_name,
            seconds=self.link_seconds,
            parameters={
                f"response-{header}": value
                for header, value in self.link_headers(name, filename).items()
            },
        )

    def link_headers(self, name: str, filename: str | None = None) -> dict[str, str]:
        """Return the headers that are signed into a link, by HTTP's names."""
        return {
            "content-type": stored_type(name),
            "content-disposition": attachment(filename),
            "cache-control": PROTECTED_CACHE_CONTROL,
        }


class AssetsStorage(UnsignedMixin, S3Storage):
    """Static assets, which only collectstatic uploads (portal/files/assets.py)."""

    file_overwrite = True
    attempts = COMMAND_ATTEMPTS

    def cache_control(self, name):
        if HASHED_NAME.search(name):
            return "public, max-age=31536000, immutable"
        return "public, max-age=300"


def custom_domain(storage: S3Storage) -> str:
    """Return the address of the CDN that the settings name for a storage; empty without one."""
    if not storage.custom_domain:
        return ""
    base = f"{storage.url_protocol}//{storage.custom_domain}"
    return "" if base == getattr(storage, "bucket_url", "") else base  # a stock class has none


class LocalStorage(FileSystemStorage):
    """Base of the local twins: the error for a full disk names the folder."""

    def _save(self, name, content):
        with named_disk(self.location):
            return super()._save(name, content)


class PublicFileStorage(LocalStorage):
    """Local twin of PublicMediaStorage."""


class ProtectedFileStorage(LocalStorage):
    """Local twin of ProtectedMediaStorage: outside the media URL, opened by a signed token."""

    def url(self, name, filename=None) -> str:
        """Return a link that the view `protected-file` accepts for PROTECTED_URL_SECONDS."""
        token = protected_signer().sign_object([name, filename])
        return reverse("protected-file", args=[token])

    def path(self, name):
        """Return the file's path; refuse a symbolic link that leads out of the folder."""
        path = super().path(name)
        if not Path(path).resolve().is_relative_to(Path(self.location).resolve()):
            raise SuspiciousFileOperation("The file is outside the protected folder.")
        return path

    def opened_by(self, token: str) -> tuple[str, str | None]:
        """Return the stored name, and the name to save it as, that a token was made for.

        Raises django.core.signing.BadSignature, or its subclass SignatureExpired.
        """
        name, filename = protected_signer().unsign_object(token, max_age=conf.PROTECTED_URL_SECONDS)
        return name, filename


class UnconfiguredStorage(Storage):
    """A storage that refuses every use, for a site that needs S3 and has not configured it.

    A local disk would accept uploads, and lose them with the dyno.
    """

    def _refuse(self, *args, **kwargs):
        raise ImproperlyConfigured(
            "No file storage is configured. Set " + ", ".join(conf.S3_REQUIRED)
        )

    # Saving asks whether the name exists.
    _open = delete = exists = listdir = size = url = path = _refuse


def stored_type(name: str) -> str:
    """Return the content type of a stored file by its name, which the browser did not choose."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


def attachment(filename: str | None) -> str:
    """Return the Content-Disposition (RFC 6266) of a file that is saved, never shown."""
    return content_disposition_header(True, filename) if filename else "attachment"


def protected_signer() -> signing.TimestampSigner:
    """Return the signer of the local twin's links."""
    return signing.TimestampSigner(salt="portal.protected")
