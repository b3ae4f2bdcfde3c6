"""Static assets: hashed on disk by collectstatic, then uploaded to the bucket that serves them.

The manifest stays on disk, so no process asks S3 for it at start, and a rollback has its own.
A deploy without changes costs one listing: files in the bucket are compared by their MD5.
"""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit

from django.core.files.base import ContentFile
from django.core.files.storage import storages
from whitenoise.storage import CompressedManifestStaticFilesStorage

from portal.s3.errors import storage_errors

UPLOADS_AT_ONCE = 8
RECEIPT = "uploaded.json"


class OwnStaticFilesStorage(CompressedManifestStaticFilesStorage):
    """Assets that the site itself serves, compressed and under hashed names.

    With WHITENOISE_MANIFEST_STRICT off, as in development, a file that collectstatic has not hashed
    keeps its plain name, under which WhiteNoise finds the source.
    """

    def stored_name(self, name):
        key = self.hash_key(urlsplit(unquote(name)).path.strip())
        if not self.manifest_strict and key not in self.hashed_files:
            return name
        return super().stored_name(name)


class UploadedStaticFilesStorage(OwnStaticFilesStorage):
    """The same storage, whose files collectstatic also uploads to the storage "assets".

    Pages link to the bucket only if this build has been uploaded to it, and otherwise to the site's
    own /static/: the first build of a button deploy runs before its bucket exists, and a bucket
    that is changed between two builds has no files yet.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bucket_address = storages["assets"].url("").rstrip("/") + "/"
        if self.is_uploaded():
            self.base_url = self.bucket_address

    def is_uploaded(self) -> bool:
        """Return True if this build's assets were uploaded to the bucket of the settings."""
        try:
            with self.open(RECEIPT) as receipt:
                return json.load(receipt) == self.receipt()
        except FileNotFoundError:
            return False

    def receipt(self) -> dict:
        """Return the content of the receipt of this build, once it is uploaded."""
        return {"address": self.bucket_address, "manifest": self.manifest_hash}

    def post_process(self, paths, dry_run=False, **options):
        yield from super().post_process(paths, dry_run=dry_run, **options)
        if not dry_run:
            # Deleted first: if the upload fails, pages must not link to files that may be missing.
            self.delete(RECEIPT)
            upload(self, storages["assets"], sorted({*paths, *self.hashed_files.values()}))
            self.hashed_files, self.manifest_hash = self.load_manifest()
            self._save(RECEIPT, ContentFile(json.dumps(self.receipt()).encode()))


def upload(built, bucket_storage, names: list[str]) -> None:
    """Upload the built files that the bucket does not have.

    Nothing is ever deleted: pages of the previous release, and a rollback, link to older files.
    Raises StorageError if S3 refuses, so that the build fails instead of the pages.
    """
    prefix = f"{bucket_storage.location}/"
    with storage_errors("list", prefix, bucket_storage):
        etags = {
            found.key: found.e_tag.strip('"')
            for found in bucket_storage.bucket.objects.filter(Prefix=prefix)
        }
        client = bucket_storage.connection.meta.client

    def put_if_new(name: str) -> None:
        # CSS and JavaScript are uploaded compressed: S3 itself compresses nothing.
        is_compressed = built.exists(f"{name}.gz")
        with built.open(f"{name}.gz" if is_compressed else name) as file:
            body = file.read()
        key = prefix + name
        if etags.get(key) == hashlib.md5(body, usedforsecurity=False).hexdigest():
            return
        parameters = bucket_storage.get_object_parameters(name)
        if is_compressed:
            parameters["ContentEncoding"] = "gzip"
        with storage_errors("upload", key, bucket_storage):
            client.put_object(Bucket=bucket_storage.bucket_name, Key=key, Body=body, **parameters)

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        list(pool.map(put_if_new, names))  # raises what an upload has raised
