"""One client per process, bounded in time, and understood by servers that are not AWS's."""

from django.core.files.base import ContentFile
from django.core.files.storage import storages

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
