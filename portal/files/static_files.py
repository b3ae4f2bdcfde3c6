"""The static assets of this build: those on its disk, and those that a bucket has as well."""

from typing import Any

from django.conf import settings
from django.contrib.staticfiles.storage import ManifestFilesMixin
from django.core.files.storage import FileSystemStorage, storages
from django.utils.module_loading import import_string


def assets_on_disk() -> ManifestFilesMixin | None:
    """Return the storage of the assets if its manifest is on a disk. Makes no request."""
    if "staticfiles" not in settings.STORAGES:
        return None
    backend = import_string(settings.STORAGES["staticfiles"]["BACKEND"])
    if not (issubclass(backend, ManifestFilesMixin) and issubclass(backend, FileSystemStorage)):
        return None
    storage: Any = storages["staticfiles"]
    return storage


def uploaded_static_files() -> Any:
    """Return the storage "staticfiles" if it is an UploadedStaticFilesStorage, and else None.

    It is recognised by its method: its class imports WhiteNoise, which other projects may lack.
    """
    storage = assets_on_disk()
    return storage if hasattr(storage, "is_uploaded") else None
