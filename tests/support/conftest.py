"""A strict S3 server with one bucket, as the tests of the server itself need it."""

import pytest

from tests.support.strict_s3 import StrictS3, read_only
from tests.support.strict_s3_calls import (
    BUCKET,
    CONTENT,
    CREDENTIALS,
    RELAXED,
    RESUME,
    allow,
    client_of,
    create_bucket,
    presign,
    put_policy,
)


@pytest.fixture(scope="module")
def running():
    with StrictS3(CREDENTIALS, permissions={"reader": read_only}) as server:
        yield server


@pytest.fixture(scope="module")
def owner(running):
    return client_of(running, "owner", "owner-secret")


@pytest.fixture(scope="module")
def reader(running):
    return client_of(running, "reader", "reader-secret")


@pytest.fixture
def server(running, owner):
    """A server with one bucket, as new, that holds a resume."""
    create_bucket(owner, BUCKET)
    owner.put_object(Bucket=BUCKET, Key=RESUME, Body=CONTENT)
    running.clear()
    yield running
    running.wipe()


@pytest.fixture
def public(server, owner):
    """The same server, its bucket's prefix public/ opened to everybody."""
    owner.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=RELAXED)
    put_policy(owner, allow("public/*"))
    owner.put_object(Bucket=BUCKET, Key="public/avatar.webp", Body=b"RIFF")
    return server


@pytest.fixture
def link(server, owner):
    return presign(owner)
