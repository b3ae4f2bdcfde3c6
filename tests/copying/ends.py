"""The sources and targets of tests of the copy engine."""

import os
from datetime import UTC, datetime, timedelta

from django.core.files.storage import FileSystemStorage

from portal.copying.engine import copy
from portal.copying.folder_store import Folder

REGION = "eu-west-1"


KEYS = {"AKIALIVE": "live-secret", "AKIASTAGING": "staging-secret"}


DAY = 24 * 3600


class Bucket:
    """A bucket of the strict server, as a test arranges it and looks into it."""

    def __init__(self, server, name):
        self.server, self.name = server, name
        self.backend = server._backend
        self.backend.create_bucket(name, REGION)

    def store(self, kind, access_key, **options):
        return kind(
            bucket=self.name,
            prefix="media",
            access_key=access_key,
            secret_key=options.pop("secret_key", KEYS[access_key]),
            region=REGION,
            endpoint_url=self.server.endpoint_url,
            **options,
        )

    def put(self, name, content=b"content", *, seconds=0, at=None, headers=None, multipart=False):
        key = self.backend.put_object(self.name, f"media/{name}", content)
        at = datetime.now(UTC) if at is None else datetime.fromtimestamp(at, UTC)
        key.last_modified = at.replace(tzinfo=None) + timedelta(seconds=seconds)
        headers = {"Content-Type": "image/webp", **(headers or {})}
        key.set_metadata({name.lower(): value for name, value in headers.items()}, replace=True)
        if multipart:
            key._etag = "0" * 31 + "1-2"

    def described(self, access_key):
        keys = {"access_key": access_key, "secret_key": KEYS[access_key], "region": REGION}
        return {"bucket": self.name, "endpoint_url": self.server.endpoint_url, **keys}

    def delete(self, name):
        self.backend.delete_object(self.name, f"media/{name}")

    def contents(self):
        keys = self.backend.buckets[self.name].keys
        # list(): the server may still be at the last request of a process that was killed.
        return {key.removeprefix("media/"): keys[key].value for key in list(keys)}

    def headers(self, name):
        return self.backend.buckets[self.name].keys[f"media/{name}"].metadata


class Directory:
    """A folder on disk, likewise."""

    def __init__(self, path):
        self.path = path

    def store(self):
        return Folder(FileSystemStorage(self.path))

    def put(self, name, content=b"content", *, seconds=0, at=None, **about):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        time = (datetime.now(UTC).timestamp() if at is None else at) + seconds
        os.utime(path, (time, time))

    def described(self, access_key):
        return {"path": str(self.path)}

    def delete(self, name):
        (self.path / name).unlink()

    def contents(self):
        files = (path for path in self.path.rglob("*") if path.is_file())
        return {str(path.relative_to(self.path)): path.read_bytes() for path in files}


class Ends:
    """The source and the target of a copy."""

    def __init__(self, live, staging, source, target):
        self.live, self.staging, self.source, self.target = live, staging, source, target

    def copy(self, *names, **options):
        """The outcomes' results by name, of a run as the command makes it."""
        wanted = ((name, [name]) for name in sorted(names))
        return {
            done.name: done.result for done in copy(wanted, self.source, self.target, **options)
        }

    def reasons(self, *names):
        wanted = ((name, None) for name in sorted(names))
        return {done.name: done.reason for done in copy(wanted, self.source, self.target)}


AWKWARD = [
    "résumé 日本 😀.pdf", "a+b.pdf", "100%.pdf", "a%20b.pdf", "a%2Fb.pdf", "a b.pdf", "a&b<c>.pdf",
    "quo'te\"(1)!*~;=?#[x].pdf", "-dash", "\ufffd\U00010000", "control\x02", "a\\b", "ä",
    "a\u0308",
]  # fmt: skip


def requests_of(s3, access_key=None):
    return [
        (request.method, request.bucket, request.key)
        for request in s3.requests
        if access_key in {None, request.access_key}
    ]


def is_write(request):
    return request.method == "PUT"
