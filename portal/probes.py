"""Files that are stored to find out what can be done with them, and what was found out."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from storages.backends.s3 import S3Storage

from . import s3
from .addresses import quote_key
from .stranger import Answer

OK, WARN, FAIL = "ok", "warn", "FAIL"
FORBIDDEN = {"AccessDenied", "403", "Forbidden"}


class Finding(NamedTuple):
    """What has become of a question."""

    outcome: str  # OK, WARN or FAIL
    subject: str  # a bucket, a host, or a storage by its alias
    statement: str  # what should hold
    said: str = ""  # what was found instead
    advice: str = ""  # what to do, in one sentence


class Probe(NamedTuple):
    """A small file under a name of its own, that says what it is."""

    storage: S3Storage
    name: str
    content: bytes

    @classmethod
    def of(cls, storage: S3Storage):
        name = f"check-storage-{uuid4()}.txt"
        return cls(storage, name, f"{name}: from manage.py check_storage.\n".encode())

    @property
    def key(self) -> str:
        return f"{self.storage.location}/{self.name}"

    def address(self, base: str) -> str:
        return f"{base}/{quote_key(self.key)}"

    def headers(self) -> dict[str, str]:
        """What the storage's policy has stored with the file."""
        return self.storage.headers(self.name)


class Probes:
    """The probes of a run: whatever happens, none is left behind unsaid."""

    def __init__(self):
        self._written: list[Probe] = []

    def __contains__(self, probe: Probe):
        return probe in self._written

    def write(self, probe: Probe) -> None:
        """Store a probe as an upload would be. Raises StorageError."""
        self.remember(probe)  # first, for what is interrupted may have been written
        try:
            probe.storage.save(probe.name, ContentFile(probe.content))
        except s3.StorageError as error:
            if is_answer(error):
                self._written.remove(probe)
            raise

    def remember(self, probe: Probe) -> None:
        """Have a probe removed, that somebody has written."""
        if probe not in self:
            self._written.append(probe)

    def remove(self) -> Iterator[Finding]:
        """Remove them all; a Finding for each that stays."""
        silent = set()
        while self._written:
            probe = self._written.pop()
            storage = probe.storage
            said = "no answer, as before"
            try:
                if storage.bucket_name not in silent:
                    storage.delete(probe.name)
                    continue
            except s3.StorageError as error:
                said = words_of(error)
                if not is_answer(error):
                    silent.add(storage.bucket_name)
            except KeyboardInterrupt:
                said = "stopped"
            yield Finding(
                FAIL, storage.bucket_name, "the probe is removed again", said,
                f"Delete {probe.key} from {storage.bucket_name} by hand, and let the site's key"
                f" delete below {storage.location}/.",
            )  # fmt: skip


def is_answer(error: s3.StorageError) -> bool:
    """Whether S3 has refused, and not merely been silent."""
    return isinstance(error.__cause__, ClientError)


def code_of(error: s3.StorageError) -> str:
    """S3's own word for what is wrong, such as AccessDenied; empty where it was silent."""
    return error.__cause__.response["Error"]["Code"] if is_answer(error) else ""


def words_of(error: s3.StorageError) -> str:
    if is_answer(error):
        return f"answered {code_of(error)}"
    return f"no answer: {type(error.__cause__).__name__}"


def refused(subject: str, statement: str, answer: Answer, advice: str, base: str) -> Finding:
    """That somebody was turned away at an address; the advice is for where he was not."""
    if answer.is_refused:
        return Finding(OK, subject, statement)
    if answer.is_given:
        return Finding(FAIL, subject, statement, str(answer), advice)
    return Finding(
        WARN if answer.is_redirect else FAIL, subject, statement, *unproven(answer, base)
    )


def unproven(answer: Answer, base: str) -> tuple[str, str]:
    """What was said, and what to do about an answer that is neither yes nor no."""
    return str(answer), f"See why {base} does so, and run check_storage again: nothing is proven."


def headers_are(
    subject: str, statement: str, answer: Answer, wanted: Mapping[str, str], advice: str
) -> Finding:
    wrong = [name for name in wanted if not same(wanted[name], answer.headers.get(name, ""))]
    if not wrong:
        return Finding(OK, subject, statement)
    said = "; ".join(f"{name}: {answer.headers.get(name, '(none)')}" for name in wrong)
    return Finding(FAIL, subject, statement, said, advice)


def same(wanted: str, found: str) -> bool:
    """Whether a header says the same: parts in any order, and a charset more, are no difference."""
    parts, found_parts = (
        {part.strip().lower() for part in value.replace(";", ",").split(",")}
        for value in (wanted, found)
    )
    return parts == {part for part in found_parts if not part.startswith("charset=")}
