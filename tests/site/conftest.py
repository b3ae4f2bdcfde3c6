import pytest

from tests.support.links import S3, Disk


@pytest.fixture(params=["disk", "s3"])
def files(request, client, monkeypatch):
    if request.param == "s3":
        return S3(request.getfixturevalue("on_s3"))
    return Disk(client, monkeypatch)
