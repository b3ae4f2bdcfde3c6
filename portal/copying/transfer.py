"""Copies one file: by the service itself, in one stream, or in parts; with retries and checks."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import md5
from typing import Any

from django.core.exceptions import SuspiciousOperation

from .comparison import is_decided_by_listing, is_unchanged
from .retry import Retry, Stopped
from .stores import CHUNK_BYTES, UNKNOWN, Changed, Content, FileInfo, Source, Target, Transient

MAX_BYTES_IN_FLIGHT = 64 * 1024 * 1024
NO_FILE = "The source has no such file."


class Transfer:
    """Copies files from the source to the target, the fastest way that the keys allow."""

    def __init__(self, source: Source, target: Target, retry: Retry, *, dry_run: bool):
        self.source, self.retry = source, retry
        self.target: Any = target  # which methods it has, stores.Target says
        self.dry_run = dry_run
        # True if the target's keys may read the source, so that the service can copy between its
        # buckets; None until the first file has been tried.
        self.by_service = None if target.can_copy_from(source) else False
        self._service_has_copied = False
        self._trying = threading.Lock()
        self._streams = threading.BoundedSemaphore(MAX_BYTES_IN_FLIGHT // (2 * CHUNK_BYTES))

    def copy_one(self, name: str, source_file, target_file) -> tuple[str, int, str]:
        """Copy a file unless the target has it; returns the result, the bytes and the reason.

        `source_file` and `target_file` are a FileInfo, None or UNKNOWN.
        """
        try:
            if source_file is UNKNOWN:
                source_file = self.retry(lambda: self.source.find(name))
            if source_file is None:
                return "missing", 0, NO_FILE
            if target_file is UNKNOWN:
                target_file = self._find_in_target(name)
            if not is_decided_by_listing(source_file, target_file):
                source_file, target_file = self._look_closer(name, source_file, target_file)
            if is_unchanged(source_file, target_file, keeps_time=self.target.keeps_time):
                return "unchanged", source_file.size, ""
            if not self.dry_run:
                source_file = self._copy_until_checked(name, source_file)
        except FileNotFoundError:
            return "missing", 0, NO_FILE
        except PermissionError as error:
            return "denied", 0, f"{error} Where a key may not list, missing files look the same."
        except UnicodeEncodeError:
            return "failed", 0, "Its name is not UTF-8, as a key of S3 has to be: rename it."
        except (OSError, SuspiciousOperation, ValueError) as error:
            return "failed", 0, str(error)
        return "copied", source_file.size, ""

    def _find_in_source(self, name: str) -> FileInfo:
        source_file = self.retry(lambda: self.source.find(name))
        if source_file is None:
            raise FileNotFoundError
        return source_file

    def _find_in_target(self, name: str) -> FileInfo | None:
        try:
            return self.retry(lambda: self.target.find(name))
        except PermissionError:  # the keys may write, but neither list nor read
            return None

    def _look_closer(self, name: str, source_file: FileInfo, target_file: FileInfo):
        """Return the same files with ETags that can be compared, or without."""
        if not source_file.etag:
            return source_file._replace(etag=self.source.md5(name)), target_file
        return self._find_in_source(name), self._find_in_target(name)

    def _copy_until_checked(self, name: str, source_file: FileInfo) -> FileInfo:
        """Copy a file, again if that fails or the file changes; returns the copied file."""

        def attempt() -> None:
            nonlocal source_file
            try:
                self._copy(name, source_file)
            except (Changed, Transient) as error:
                source_file = self._find_in_source(name)
                raise Transient(str(error)) from error

        self.retry(attempt)
        return source_file

    def _copy(self, name: str, source_file: FileInfo) -> None:
        is_denied = False
        if self._may_copy_by_service(name):
            try:
                self._copy_by_service(name, source_file)
                self._service_has_copied = True
                return
            except PermissionError:  # of the target's keys; streaming uses those of the source
                is_denied = True
        if source_file.size > self.target.single_bytes:
            self._stream_in_parts(name, source_file)
        else:
            self._stream(name)
        if is_denied and not self._service_has_copied:  # so the keys are denied every file
            self.by_service = False

    def _may_copy_by_service(self, name: str) -> bool:
        """Return True if the target's keys may read the source; only the first file is tried."""
        if self.by_service is None:
            with self._trying:
                if self.by_service is None:
                    if self.target.may_read(self.source, name):
                        self.by_service = True
                    elif self.source.find(name):  # else the file is missing, which proves nothing
                        self.by_service = False
        return self.by_service is True

    def _copy_by_service(self, name: str, source_file: FileInfo) -> None:
        if source_file.size <= self.target.single_bytes:
            received = self.target.copy(name, self.source)
            if received and received == source_file.md5:
                return
        else:
            self.target.create_from_parts(
                name,
                source_file.size,
                self.source.copied_headers(name),
                lambda upload, number, part: self.retry(
                    lambda: self.target.copy_part(
                        name, upload, number, part, self.source, source_file.etag
                    )
                ),
            )
        self._compare(name)

    def _stream(self, name: str) -> None:
        with self._streams, self.source.open(name) as content:
            sent = content.info.md5
            is_left_to_target = sent and self.target.checks_md5
            digest = None if is_left_to_target else md5(usedforsecurity=False)
            checked = replace(content, chunks=self._checked(content, digest))
            with writing(self.target):
                received = self._written(name, checked)
        if not received:
            self._compare(name)
        elif received != (digest.hexdigest() if digest else sent):
            raise Transient("What arrived is not what was sent.")

    def _written(self, name: str, content: Content) -> str:
        try:
            return self.target.write(name, content)
        except FileNotFoundError as error:  # of the target, so the file is not missing
            raise OSError(f"{self.target} does not take the file. {error}") from error

    def _stream_in_parts(self, name: str, source_file: FileInfo) -> None:
        def send(upload: str, number: int, part: range) -> str:
            with self._streams, self.source.open(name, part, source_file.etag) as content:
                checked = replace(content, chunks=self._checked(content, None))
                return self.target.write_part(name, upload, number, checked)

        headers = self.source.copied_headers(name)
        with writing(self.target):
            self.target.create_from_parts(
                name, source_file.size, headers, lambda *part: self.retry(lambda: send(*part))
            )
        self._compare(name)

    def _checked(self, content: Content, digest) -> Iterator[bytes]:
        """Yield the content's chunks, the last one only if size and MD5 are right.

        A target that has not received the last chunk stores nothing.
        """
        missing, held = content.info.size, b""
        for chunk in content.chunks:
            if self.retry.stopping.is_set():
                raise Stopped
            if digest:
                digest.update(chunk)
            missing -= len(chunk)
            if held:
                yield held
            held = chunk
        if missing:
            raise Transient("The source sent fewer bytes than it had announced.")
        if digest and content.info.md5 not in {"", digest.hexdigest()}:
            raise Transient("What was read has not the MD5 that is the source's ETag.")
        yield held

    def _compare(self, name: str) -> None:
        """Raise Transient unless both stores report the same size and, if known, MD5."""
        source_file, target_file = self.source.find(name), self._find_in_target(name)
        if (
            target_file
            and source_file
            and source_file.size == target_file.size
            and not (source_file.md5 and target_file.md5 and source_file.md5 != target_file.md5)
        ):
            return
        raise Transient("The copy differs from the source, which may have changed meanwhile.")


@contextlib.contextmanager
def writing(target: Target) -> Iterator[None]:
    """Turn a PermissionError of the target into an OSError: it is not about the source."""
    try:
        yield
    except PermissionError as error:
        raise OSError(f"{target} may not be written. {error}") from error
