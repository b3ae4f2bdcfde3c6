"""The static assets of this build, where collectstatic uploads them to a bucket."""

from typing import Any

from .policies import assets_on_disk


def uploaded_static_files() -> Any:
    """Return the storage "staticfiles" if it is an UploadedStaticFilesStorage, and else None.

    It is recognised by its method: its class imports WhiteNoise, which other projects may lack.
    """
    storage = assets_on_disk()
    return storage if hasattr(storage, "is_uploaded") else None
