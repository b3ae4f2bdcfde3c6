"""Probes: small files that are stored to find out what can be done with them."""

from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

from portal.s3.addresses import prefix_of, quote_key
from portal.s3.errors import StorageError, describe, is_answer

from .findings import FAIL, Finding


class Probe(NamedTuple):
    """A small file under a name of its own, with its origin as its content."""

    storage: S3Storage
    name: str
    content: bytes

    @classmethod
    def of(cls, storage: S3Storage):
        """Return a new probe for a storage; nothing is stored yet."""
        name = f"check-storage-{uuid4()}.txt"
        return cls(storage, name, f"{name}: from manage.py check_storage.\n".encode())

    @property
    def key(self) -> str:
        """The key of the probe in its bucket."""
        return f"{prefix_of(self.storage)}{self.name}"

    def address(self, base: str) -> str:
        """Return the address of the probe below that of its bucket, or of a CDN."""
        return f"{base}/{quote_key(self.key)}"

    def headers(self) -> dict[str, str]:
        """Return the headers that the storage's policy has stored with the file."""
        return self.storage.headers(self.name)


class Probes:
    """The probes of a run; each is removed or reported, whatever happens."""

    def __init__(self):
        self._written: list[Probe] = []

    def __contains__(self, probe: Probe):
        return probe in self._written

    def write(self, probe: Probe) -> None:
        """Store a probe as an upload would be. Raises StorageError."""
        self.remember(probe)  # first, because an interrupted upload may have been stored
        try:
            probe.storage.save(probe.name, ContentFile(probe.content))
        except StorageError as error:
            if is_answer(error):
                self._written.remove(probe)
            raise

    def remember(self, probe: Probe) -> None:
        """Have a probe removed at the end, even if an anonymous client has written it."""
        if probe not in self:
            self._written.append(probe)

    def remove(self) -> Iterator[Finding]:
        """Remove them all; yield a finding for each that could not be removed."""
        silent = set()
        while self._written:
            probe = self._written.pop()
            storage = probe.storage
            observed = "no answer, as before"
            try:
                if storage.bucket_url not in silent:
                    storage.delete(probe.name)
                    continue
            except StorageError as error:
                observed = describe(error)
                if not is_answer(error):
                    silent.add(storage.bucket_url)
            except KeyboardInterrupt:
                observed = "stopped"
            yield Finding(
                FAIL, storage.bucket_name, "the probe was removed", observed,
                f"Delete {probe.key} from {storage.bucket_name} by hand, and let the site's key"
                f" delete below {prefix_of(storage) or '/'}.",
            )  # fmt: skip
