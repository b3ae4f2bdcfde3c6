"""A refresh of staging that is killed at any moment, and run again, ends as if it had not been.

Catalogue Y4. make kills-copy has 50 moments; make other-server does the same over a gateway of
MinIO's code, whose listings have milliseconds.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import boto3
import pytest

from tests.settings import without_site_variables
from tests.support import juicefs
from tests.support.strict_s3 import StrictS3

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "5"))
SECONDS = 300


@pytest.fixture(params=["moto", "gateway"])
def endpoint(request, tmp_path):
    """The address, key, secret and region of an S3 server."""
    if request.param == "moto":
        with StrictS3({"AKIA": "secret"}, region="eu-west-1") as server:
            yield server.endpoint_url, "AKIA", "secret", "eu-west-1"
        return
    if not shutil.which("juicefs"):
        pytest.skip("needs juicefs, which make other-server installs")
    with juicefs.Gateway(tmp_path) as gateway:
        yield gateway.endpoint_url, juicefs.KEY, juicefs.SECRET, juicefs.REGION


@pytest.fixture
def environment(endpoint, tmp_path):
    """Staging's variables; both buckets are there, and empty."""
    address, key, secret, region = endpoint
    client = boto3.client(
        "s3", endpoint_url=address, region_name=region,
        aws_access_key_id=key, aws_secret_access_key=secret,
    )  # fmt: skip
    for bucket in ("society-live", "society-staging"):
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        client.create_bucket(
            Bucket=bucket, **({"CreateBucketConfiguration": place} if place else {})
        )
    own = {"STORAGE_BUCKET_NAME": "society-staging", "ACCESS_KEY_ID": key}
    own |= {"SECRET_ACCESS_KEY": secret, "S3_REGION_NAME": region, "S3_ENDPOINT_URL": address}
    others = without_site_variables()
    return others | {f"AWS_{name}": value for name, value in own.items()} | {
        "LIVE_STORAGE_BUCKET_NAME": "society-live",
        "LIVE_READ_ONLY_ACCESS_KEY_ID": key,
        "LIVE_READ_ONLY_SECRET_KEY": secret,
        "LIVE_S3_REGION_NAME": region,
        "LIVE_S3_ENDPOINT_URL": address,
        "DATABASE_URL": f"sqlite:///{tmp_path}/staging.sqlite3",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@pytest.mark.whole
@pytest.mark.any_database
def test_a_killed_refresh_that_is_run_again_has_the_same_end(environment, tmp_path):
    """Y4: rows, objects with their headers, and no file more; killed at random moments."""
    moments = [random.random() for _ in range(KILLS)]

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.refresh_and_die", tmp_path, json.dumps(moments)],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    *rounds, total = map(json.loads, done.stdout.splitlines())
    assert total["kills"] == KILLS, total
    assert {each["end"] for each in rounds} == {total["end"]}, (moments, rounds)
    assert total["copied"] > 0
