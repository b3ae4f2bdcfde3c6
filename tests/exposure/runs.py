"""Runs of check_storage, and the mistakes that it is to find."""

import io
import json
from types import SimpleNamespace

from django.core.management import CommandError, call_command

from portal.exposure.findings import FAIL
from tests.conftest import BUCKET, s3_client

LIVE_BUCKET = "portal-live"


def check(*arguments):
    """Run the command; return its findings, and the error that it ended with or None."""
    out = io.StringIO()
    try:
        call_command("check_storage", "--json", *arguments, stdout=out)
    except CommandError as error:
        ending = error
    else:
        ending = None
    found = [SimpleNamespace(**each) for each in json.loads(out.getvalue() or "[]")]
    assert "X-Amz-Signature" not in out.getvalue()
    return found, ending


def failed(*arguments):
    """Return the findings that are red, of a run that ended so; each has a hint in one sentence."""
    found, ending = check(*arguments)
    red = [each for each in found if each.outcome == FAIL]
    assert ending is not None
    assert ending.returncode == 1
    for each in red:
        assert each.hint.endswith(".")
        assert each.hint.count(". ") == 0
    return red


def only(red):
    assert len(red) == 1, red
    return red[0]


def names(server, bucket=BUCKET):
    return [
        item["Key"] for item in s3_client(server).list_objects_v2(Bucket=bucket).get("Contents", [])
    ]


def open_to_everyone(server, action, resource, **more):
    """Make somebody's mistake: a statement more, beside those of setup_bucket."""
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=BUCKET)["Policy"])
    allow = {"Sid": "Oops", "Effect": "Allow", "Principal": "*", "Action": action}
    policy["Statement"].append(allow | {"Resource": resource} | more)
    s3_client(server).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def with_options(settings, everywhere=None, **changes):
    """Give some storages other options, in a new setting, so that Django makes them anew."""
    settings.STORAGES = settings.STORAGES | {
        alias: storage | {"OPTIONS": storage["OPTIONS"] | (everywhere or changes.get(alias, {}))}
        for alias, storage in settings.STORAGES.items()
        if alias != "staticfiles"
    }


def about_live(found):
    return [each for each in found if each.subject.startswith("live ")]
