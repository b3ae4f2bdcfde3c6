import pytest

from tests.conftest import s3_client, settings_for
from tests.support.strict_s3 import read_only

from .runs import LIVE_BUCKET


@pytest.fixture
def live(on_s3, s3_environment, settings, monkeypatch):
    """The keys of a staging site for its live site, whose bucket has a file below each prefix."""
    on_s3._backend.create_bucket(LIVE_BUCKET, "eu-west-1")
    monkeypatch.setitem(on_s3.credentials, "AKIALIVE", "live-secret")
    monkeypatch.setitem(on_s3.permissions, "AKIALIVE", read_only)
    settings.LIVE_STORAGES = settings_for(
        s3_environment
        | {
            "LIVE_STORAGE_BUCKET_NAME": LIVE_BUCKET,
            "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
            "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
            "LIVE_S3_REGION_NAME": "eu-west-1",
            "LIVE_S3_ENDPOINT_URL": on_s3.endpoint_url,
        }
    )["LIVE_STORAGES"]
    for key in ("media/avatars/x.webp", "protected/resumes/x.pdf"):
        s3_client(on_s3).put_object(Bucket=LIVE_BUCKET, Key=key, Body=b"x")
    on_s3.clear()
    return on_s3
