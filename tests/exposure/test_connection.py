"""check_storage where keys, buckets, regions, clocks or prefixes are wrong, or nobody answers."""

import io
import socket
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.core.files.storage import storages
from django.core.management import call_command
from django.utils import timezone

from portal.exposure import anonymous_client, reachability
from portal.exposure.anonymous_client import AnonymousClient, Response
from portal.exposure.findings import FAIL, OK
from portal.exposure.reachability import bucket_answers
from portal.s3 import connections
from tests.conftest import BUCKET, s3_client

from .runs import check, failed, names, only, with_options


def test_the_secret_of_another_key_is_red(on_s3, settings):
    with_options(settings, everywhere={"secret_key": "no"})

    red = failed()

    assert [each.subject for each in red] == ["default", "protected", "assets"]
    assert {each.observed for each in red} == {"answered SignatureDoesNotMatch"}
    assert red[0].hint == "Set AWS_SECRET_ACCESS_KEY to the secret half of AWS_ACCESS_KEY_ID."


def test_a_key_that_nobody_knows_is_red(on_s3, settings):
    settings.S3_VARIABLES = {"ASSETS_ACCESS_KEY_ID": "AKIAOTHER"}
    with_options(settings, assets={"access_key": "AKIAOTHER"})

    red = only(failed())

    assert red.observed == "answered InvalidAccessKeyId"
    assert red.hint.startswith("Set ASSETS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key pair")


@pytest.mark.parametrize(
    ("method", "refused"), [("GET", "list"), ("PUT", "store"), ("DELETE", "delete")]
)
def test_a_key_that_may_not_do_its_work_is_red(on_s3, monkeypatch, method, refused):
    monkeypatch.setitem(
        on_s3.permissions,
        "AKIAPORTAL",
        lambda asked, bucket, key: asked != method or (key and not key.startswith("protected/")),
    )

    red = failed()

    assert all("--print-iam" in each.hint for each in red)
    assert all(each.observed.startswith(f"Could not {refused} ") for each in red)
    assert "protected" in {each.subject for each in red}
    monkeypatch.delitem(on_s3.permissions, "AKIAPORTAL")
    assert names(on_s3) == []


def test_another_region_is_red(on_s3, settings):
    with_options(settings, everywhere={"region_name": "us-east-1"})

    red = failed()

    assert {each.observed for each in red} == {"answered AuthorizationHeaderMalformed"}
    assert red[0].hint == f"Set AWS_S3_REGION_NAME to the region that the bucket {BUCKET} is in."


def test_the_region_that_aws_names_is_red(on_s3):
    """AWS answers anonymous clients too with a bucket's region; boto3 would follow silently."""
    aws = SimpleNamespace(ask=lambda *_: Response(301, {"x-amz-bucket-region": "us-east-2"}))

    found = bucket_answers("default", storages["default"], aws)

    assert (found.outcome, found.observed) == (FAIL, "it is in us-east-2")
    assert found.hint.startswith("Set AWS_S3_REGION_NAME")


def test_a_bucket_that_is_not_there_is_red(on_s3, settings):
    with_options(settings, protected={"bucket_name": "portal-nowhere"})
    settings.S3_VARIABLES = {"PROTECTED_BUCKET_NAME": "portal-nowhere"}

    red = only(failed())

    assert red.statement.startswith("portal-nowhere answers")
    assert red.hint == (
        "Run setup_bucket, which makes the bucket portal-nowhere, or correct PROTECTED_BUCKET_NAME."
    )


def test_a_clock_that_s3_refuses_is_red(on_s3):
    on_s3.advance(3600)

    red = failed()

    assert {each.observed for each in red} == {"answered RequestTimeTooSkewed"}
    assert "clock" in red[0].hint


@pytest.mark.parametrize(("seconds", "outcome"), [(-30, OK), (90, FAIL), (-90, FAIL)])
def test_a_clock_that_shortens_links_is_red(on_s3, monkeypatch, seconds, outcome):
    moved = timezone.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(reachability, "timezone", SimpleNamespace(now=lambda: moved))

    found = bucket_answers("default", storages["default"], AnonymousClient())

    assert found.outcome == outcome


def test_a_prefix_that_the_policy_does_not_open_is_red(on_s3, settings):
    with_options(settings, default={"location": "pictures"})

    red = only(failed())

    assert (red.subject, red.observed) == ("default", "answered 403 AccessDenied")
    assert red.hint.startswith(f"Run setup_bucket, which opens pictures/* of {BUCKET};")


@pytest.mark.parametrize("alias", ["default", "protected", "assets"])
def test_a_policy_without_a_prefix_is_red(on_s3, settings, alias):
    with_options(settings, **{alias: {"location": ""}})

    red = failed()

    assert {each.subject for each in red} == {"settings"}
    # The bucket has files of the other kind, too, which are then below that storage's prefix.
    assert {each.observed for each in red} == {"portal.E003", "portal.E004"}
    [about_prefix] = [each for each in red if each.observed == "portal.E003"]
    assert f'STORAGES["{alias}"]' in about_prefix.hint
    assert on_s3.requests == []


def test_what_the_settings_silence_is_not_red(on_s3, settings):
    """A bucket for one storage, which a project has decided to open whole."""
    with_options(settings, default={"location": "", "bucket_name": "society-pictures"})
    assert [each.observed for each in failed()] == ["portal.E003"]

    settings.SILENCED_SYSTEM_CHECKS = ["portal.E003"]
    call_command("setup_bucket", stdout=io.StringIO())

    assert [each for each in check()[0] if each.outcome == FAIL] == []


def test_a_custom_domain_on_the_protected_storage_is_red(on_s3, settings):
    with_options(settings, protected={"custom_domain": "cdn.example.org"})

    red = only(failed())

    assert (red.subject, red.observed) == ("settings", "portal.E002")
    assert "custom_domain" in red.hint
    assert on_s3.requests == []


def test_files_that_are_lives_are_not_touched(on_s3, settings):
    settings.LIVE_STORAGES = {alias: settings.STORAGES[alias] for alias in ("default", "protected")}

    found, ending = check()

    assert "nothing was tried. Give this site a bucket or a prefix of its own" in str(ending)
    assert found == []
    assert on_s3.requests == []


def test_a_server_that_hangs_is_asked_once(on_s3, settings, monkeypatch):
    """F1. The command's time is a few time-outs, however many questions there are."""
    monkeypatch.setattr(connections, "READ_TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hung:
        endpoint_url = f"http://127.0.0.1:{hung.getsockname()[1]}"
        with_options(settings, everywhere={"endpoint_url": endpoint_url})

        red = only(failed())

        hung.setblocking(False)
        connection, _ = hung.accept()
        connection.close()
        with pytest.raises(BlockingIOError):
            hung.accept()
    assert red.observed == "no answer: ReadTimeoutError"
    assert red.hint.startswith("Correct AWS_S3_ENDPOINT_URL, or run this again")


def test_a_server_that_falls_silent_is_asked_no_more(on_s3, settings, monkeypatch):
    """F1."""
    monkeypatch.setattr(AnonymousClient, "ask", lambda *_: Response(403))
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        endpoint_url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    with_options(settings, everywhere={"endpoint_url": endpoint_url})

    red = only(failed())

    assert (red.subject, red.observed) == ("default", "no answer: EndpointConnectionError")


def test_a_host_that_was_silent_once_is_not_asked_again():
    """F1. Be it the bucket's or a CDN's: each costs one time-out."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
    client = AnonymousClient()

    assert str(client.ask("GET", f"{address}/x")) == "no answer: NewConnectionError"
    assert str(client.ask("GET", f"{address}/y")) == "no answer, as before"


def test_only_the_beginning_of_a_large_answer_is_read(on_s3, monkeypatch):
    s3_client(on_s3).put_object(Bucket=BUCKET, Key="media/large", Body=b"x" * 5000)
    monkeypatch.setattr(anonymous_client, "MAX_BODY_BYTES", 1000)

    assert (
        len(AnonymousClient().ask("GET", f"{on_s3.endpoint_url}/{BUCKET}/media/large").body) == 1000
    )
