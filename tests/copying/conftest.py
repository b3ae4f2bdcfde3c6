"""A strict S3 server, and every pair of stores that a copy may be between."""

import pytest

from portal.copying import retry, s3_store
from portal.copying.s3_store import S3Source, S3Target
from tests.copying.ends import KEYS, REGION, Bucket, Directory, Ends
from tests.support.strict_s3 import StrictS3, read_only


@pytest.fixture(scope="module")
def server():
    with StrictS3(KEYS, region=REGION) as server:
        yield server


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch):
    monkeypatch.setattr(retry, "FIRST_PAUSE_SECONDS", 0.001)


@pytest.fixture
def s3(server):
    """The server, on which the source's keys may only read, and the target's may do all."""
    server.permissions = {"AKIALIVE": read_only}
    yield server
    server.wipe()


@pytest.fixture
def by_service(s3):
    """Two buckets; the target's keys may read the source."""
    live, staging = Bucket(s3, "live"), Bucket(s3, "staging")
    return Ends(
        live, staging, live.store(S3Source, "AKIALIVE"), staging.store(S3Target, "AKIASTAGING")
    )


@pytest.fixture
def streaming(by_service, s3):
    """Two buckets; the target's keys may not read the source."""
    s3.permissions["AKIASTAGING"] = lambda method, bucket, key: bucket == "staging"
    return by_service


@pytest.fixture
def to_disk(s3, tmp_path):
    live, staging = Bucket(s3, "live"), Directory(tmp_path / "staging")
    return Ends(live, staging, live.store(S3Source, "AKIALIVE"), staging.store())


@pytest.fixture
def from_disk(s3, tmp_path):
    live, staging = Directory(tmp_path / "live"), Bucket(s3, "staging")
    return Ends(live, staging, live.store(), staging.store(S3Target, "AKIASTAGING"))


@pytest.fixture(params=["by_service", "streaming", "to_disk", "from_disk"])
def ends(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["by_service", "streaming"])
def buckets(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(s3_store, "PAGE_NAMES", 10)


@pytest.fixture
def small_parts(monkeypatch):
    """Large begins above 6 MiB here, and a part has the smallest size that S3 takes."""
    monkeypatch.setattr(S3Target, "single_bytes", 6 * 1024**2)
    monkeypatch.setattr(s3_store, "PART_BYTES", 5 * 1024**2)
