"""Key pairs of a test server, and the policies that tests give to them."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.support.s3_policy import as_list

from .runs import setup_bucket

REGION = "eu-west-1"

KEYS = {f"AKIA{name}": f"{name}-secret" for name in ("APP", "ASSETS", "LIVE", "OPERATOR", "OTHER")}
SEPARATE = {
    "PROTECTED_BUCKET_NAME": "society-protected",
    "ASSETS_BUCKET_NAME": "society-assets",
    "ASSETS_ACCESS_KEY_ID": "AKIAASSETS",
    "ASSETS_SECRET_ACCESS_KEY": KEYS["AKIAASSETS"],
}

LAYOUTS = {"one bucket": {}, "separate buckets": SEPARATE}

NAMES = (
    "AWS_AVAILABLE", "LIVE_STORAGES", "MEDIA_URL", "PROTECTED_URL_SECONDS", "SITE_ENVIRONMENT",
    "STORAGES",
)  # fmt: skip


in_each_layout = pytest.mark.parametrize("environment", LAYOUTS, indirect=True)


def keys(name: str) -> dict:
    return {"AWS_ACCESS_KEY_ID": f"AKIA{name}", "AWS_SECRET_ACCESS_KEY": f"{name}-secret"}


def connection(bucket: str) -> dict:
    return {"AWS_STORAGE_BUCKET_NAME": bucket, "AWS_S3_REGION_NAME": REGION, **keys("APP")}


def live(bucket: str) -> dict:
    return {
        "LIVE_STORAGE_BUCKET_NAME": bucket,
        "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
        "LIVE_READ_ONLY_SECRET_KEY": KEYS["AKIALIVE"],
        "LIVE_S3_REGION_NAME": REGION,
    }


def printed() -> dict:
    return json.loads(setup_bucket("--print-iam"))


def lend(server, policies: dict) -> None:
    server.identities |= {f"AKIA{key.upper()}": policy for key, policy in policies.items()}


def without(policy: dict, action: str, sid: str = "") -> dict:
    """The policy less one action, in the statements whose names begin so."""
    spared = [each for each in policy["Statement"] if not each["Sid"].startswith(sid)]
    lessened = [each for each in policy["Statement"] if each not in spared]
    assert any(action in as_list(each["Action"]) for each in lessened)
    lessened = [
        each | {"Action": [name for name in as_list(each["Action"]) if name != action]}
        for each in lessened
    ]
    return policy | {"Statement": spared + lessened}


def refused(call, **arguments):
    with pytest.raises(ClientError, match="AccessDenied"):
        call(**arguments)
