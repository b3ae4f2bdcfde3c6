"""One client per process, bounded in time, and understood by servers that are not AWS's."""

from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages

from portal.s3 import client
from portal.s3.client import client_config


def test_requests_are_bounded():
    config = client_config("virtual")

    assert (config.connect_timeout, config.read_timeout) == (2, 5)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}
    assert config.signature_version == "s3v4"


def test_an_upload_carries_no_checksum_that_other_providers_refuse(on_s3):
    """boto3 adds one to every upload unless it is told to add those that S3 demands."""
    storages["protected"].save("resumes/x.pdf", ContentFile(b"x"))

    (upload,) = (request for request in on_s3.requests if request.method == "PUT")
    assert upload.status == 200
    assert not [name for name in upload.headers if "checksum" in name or "trailer" in name]
    assert not upload.headers["x-amz-content-sha256"].startswith("STREAMING-")
    assert "aws-chunked" not in upload.headers.get("content-encoding", "")


def test_a_download_asks_for_no_checksum(on_s3):
    storages["protected"].save("resumes/x.pdf", ContentFile(b"x"))
    on_s3.clear()

    with storages["protected"].open("resumes/x.pdf") as file:
        assert file.read() == b"x"

    assert not [
        name for request in on_s3.requests for name in request.headers if "checksum" in name
    ]


@pytest.mark.parametrize("attempts", [None, 5])
def test_one_thread_at_a_time_builds_a_client_that_all_share(monkeypatch, attempts):
    """boto3's first client of a kind takes a second, and is not safe to build twice at once."""
    held, built = [], []

    class Lock:
        def __enter__(self):
            held.append(True)

        def __exit__(self, *error):
            held.pop()

    class Resource:
        def __init__(self, client):
            self.meta = SimpleNamespace(client=client)

    def build(*arguments):
        built.append((arguments, list(held)))
        return Resource("the client")

    monkeypatch.setattr(client, "_building", Lock())
    monkeypatch.setattr(client, "_first_resource", build)
    options = {"attempts": attempts} if attempts else {}

    made = [
        client.shared_resource(
            access_key="A", secret_key="S", region="r", endpoint_url="e", style="path", **options
        )
        for _ in range(2)
    ]

    assert built == [(("A", "S", "r", "e", "path", attempts or 2), [True])] * 2
    assert [each.meta.client for each in made] == ["the client"] * 2
    assert made[0] is not made[1]
    assert held == []
