"""A refresh of staging that is killed at any moment, and run again, ends as if it had not been.

Catalogue Y4: once the staff alone stay, and once others besides them, as people who do not exist.
make kills-copy has 50 moments; make other-server does the same over a gateway of MinIO's code,
whose listings have milliseconds.
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
KILLS = int(os.environ.get("KILLS", "5"))  # in each part as many
SECONDS = 300
PARTS = ("Scrub", "Draw", "Copy", "Verify", "Sweep")  # of refresh_staging
STAFF = 4


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
        "SECRET_KEY": "the same in each run of the staging site",  # people are invented from it
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip


@pytest.mark.whole
@pytest.mark.any_database
@pytest.mark.parametrize("keep", [0, 3], ids=["staff", "staff and others"])
def test_a_killed_refresh_that_is_run_again_has_the_same_end(environment, tmp_path, keep):
    """Y4: all rows, all objects with their headers, and none beside them.

    It is killed in each part of the command: scrub, placeholders, copy, comparison and sweep.
    """
    seed = random.randrange(1_000_000)
    arguments = [tmp_path, str(keep), str(KILLS), str(seed)]

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.refresh_and_die", *arguments],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SECONDS,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    *rounds, total = map(json.loads, done.stdout.splitlines())
    assert total["kills"] == dict.fromkeys(PARTS, KILLS // len(PARTS)), (seed, total)
    assert [each["differences"] for each in rounds] == [[]] * (KILLS // len(PARTS)), seed
    assert [total[name] for name in ("members", "downloads", "words")] == [keep] * 3
    assert total["objects"] == 2 * (STAFF + keep)
