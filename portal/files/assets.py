"""Static assets: hashed on disk by collectstatic, then uploaded to the bucket that serves them.

The manifest stays on disk, so no process asks S3 for it at boot and a rollback finds its own.
An unchanged deploy costs one listing, because what the bucket holds is compared by its MD5.
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

    Where the manifest need not be whole (WHITENOISE_MANIFEST_STRICT), which is a laptop, what
    collectstatic has not hashed keeps its plain name, under which WhiteNoise finds the source.
    """

    def stored_name(self, name):
        key = self.hash_key(urlsplit(unquote(name)).path.strip())
        if not self.manifest_strict and key not in self.hashed_files:
            return name
        return super().stored_name(name)


class UploadedStaticFilesStorage(OwnStaticFilesStorage):
    """The same storage, whose files collectstatic also uploads to the storage "assets".

    Pages name the bucket only once this very build is in it. Until then they name the site's own
    /static/: the first build of a button deploy runs before its bucket exists, and a bucket that
    is changed between two builds holds nothing yet.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bucket_address = storages["assets"].url("").rstrip("/") + "/"
        if self.is_uploaded():
            self.base_url = self.bucket_address

    def is_uploaded(self) -> bool:
        """Return True if this build's assets were uploaded to where the settings now point."""
        try:
            with self.open(RECEIPT) as receipt:
                return json.load(receipt) == self.receipt()
        except FileNotFoundError:
            return False

    def receipt(self) -> dict:
        """Return what the receipt of this build holds once it is uploaded."""
        return {"address": self.bucket_address, "manifest": self.manifest_hash}

    def post_process(self, paths, dry_run=False, **options):
        yield from super().post_process(paths, dry_run=dry_run, **options)
        if not dry_run:
            # First of all: should the upload fail, pages must not name what may not be there.
            self.delete(RECEIPT)
            upload(self, storages["assets"], sorted({*paths, *self.hashed_files.values()}))
            self.hashed_files, self.manifest_hash = self.load_manifest()
            self._save(RECEIPT, ContentFile(json.dumps(self.receipt()).encode()))


def upload(built, bucket_storage, names: list[str]) -> list[str]:
    """Upload those of the built files that the bucket does not hold; return their names.

    Nothing is ever deleted: pages of the release before, and a rollback, name older files.
    Raises StorageError when S3 refuses, so that the build fails rather than half-styles the site.
    """
    prefix = f"{bucket_storage.location}/"
    with storage_errors("list", prefix, bucket_storage):
        etags = {
            found.key: found.e_tag.strip('"')
            for found in bucket_storage.bucket.objects.filter(Prefix=prefix)
        }
        client = bucket_storage.connection.meta.client

    def put_if_new(name: str) -> str | None:
        # CSS and JavaScript go up compressed: S3 itself compresses nothing.
        is_compressed = built.exists(f"{name}.gz")
        with built.open(f"{name}.gz" if is_compressed else name) as file:
            body = file.read()
        key = prefix + name
        if etags.get(key) == hashlib.md5(body, usedforsecurity=False).hexdigest():
            return None
        parameters = bucket_storage.get_object_parameters(name)
        if is_compressed:
            parameters["ContentEncoding"] = "gzip"
        with storage_errors("upload", key, bucket_storage):
            client.put_object(Bucket=bucket_storage.bucket_name, Key=key, Body=body, **parameters)
        return name

    with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
        return [name for name in pool.map(put_if_new, names) if name]
