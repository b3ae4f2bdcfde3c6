"""Runs of setup_bucket, and what its buckets then are."""

import io
import json

import requests
from django.core.management import call_command

from tests.conftest import BUCKET, s3_client, settings_for, use_settings


def use(settings, monkeypatch, environment):
    values = settings_for(environment)
    values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
    names = ("AWS_AVAILABLE", "STORAGES", "PROTECTED_URL_SECONDS")
    use_settings(settings, monkeypatch, {name: values[name] for name in names})


def setup_bucket(*arguments) -> str:
    out = io.StringIO()
    setup_bucket.err = io.StringIO()
    call_command("setup_bucket", *arguments, stdout=out, stderr=setup_bucket.err)
    return out.getvalue()


def statements(server, bucket=BUCKET) -> dict:
    """The statements of the bucket's policy, by their Sids."""
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=bucket)["Policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def refuses(server, condition, code="MalformedPolicy", status=400):
    """Have the server refuse policies that name this condition, for ever."""
    server.fail_next(
        status=status,
        code=code,
        times=9,
        matching=lambda request: request.method == "PUT" and condition in request.body.decode(),
    )


def anonymous_get(server, key, content=b"x"):
    s3_client(server).put_object(Bucket=BUCKET, Key=key, Body=content)
    return requests.get(f"{server.endpoint_url}/{BUCKET}/{key}", timeout=5).status_code
