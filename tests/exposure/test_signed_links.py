"""check_storage: links to protected files open them, as they were signed, until they expire."""

import io
import json
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from portal.exposure import signed_links
from portal.exposure.anonymous_client import Response
from portal.exposure.findings import OK, WARN
from tests.conftest import BUCKET, s3_client
from tests.support import s3_request, strict_s3

from .runs import check, failed, only


def test_a_server_that_takes_links_for_ever_is_red(on_s3, monkeypatch):
    """S2."""
    monkeypatch.setattr(s3_request, "check_lifetime", lambda *_: None)
    s3_client(on_s3).put_bucket_policy(Bucket=BUCKET, Policy=policy_without_link_age(on_s3))

    assert only(failed()).statement == "an expired link is refused"


def policy_without_link_age(server) -> str:
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=BUCKET)["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    return json.dumps(policy)


def test_a_server_that_takes_any_signature_is_red(on_s3, monkeypatch):
    """S3."""
    monkeypatch.setattr(s3_request, "compare_digest", lambda *_: True)

    assert only(failed()).statement == "an altered link is refused"


def test_a_server_that_ignores_what_is_signed_into_links_is_red(on_s3, monkeypatch):
    """S5."""
    stored = {"Content-Disposition": "attachment"}
    monkeypatch.setattr(strict_s3, "header_overrides", lambda *_: stored)

    red = only(failed())

    assert red.observed == "content-disposition: attachment"
    assert "response-*" in red.hint


def test_a_policy_that_refuses_links_is_red(on_s3):
    """A Deny for everybody is one for the holders of links, too."""
    policy = json.loads(s3_client(on_s3).get_bucket_policy(Bucket=BUCKET)["Policy"])
    deny = {"Sid": "Oops", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject"}
    policy["Statement"].append(deny | {"Resource": f"arn:aws:s3:::{BUCKET}/protected/check*"})
    # An upload begins with a HEAD, which is a GetObject, too: let it pass.
    policy["Statement"][-1]["Condition"] = {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}
    s3_client(on_s3).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    assert only(failed()).statement == "a signed link opens it"


def test_a_bucket_that_refuses_links_before_they_expire_is_red(on_s3, settings):
    """PROTECTED_URL_SECONDS has changed, and the bucket's policy has the former limit."""
    settings.PROTECTED_URL_SECONDS = 3_600

    red = only(failed())

    assert (red.subject, red.statement) == ("protected", "a link opens it until it expires")
    assert "Run setup_bucket" in red.hint
    call_command("setup_bucket", stdout=io.StringIO())
    found, ending = check()
    assert ending is None
    assert "a link opens it until it expires" not in {each.statement for each in found}


@pytest.mark.parametrize(("status", "outcome"), [(200, WARN), (403, OK), (301, OK), (0, OK)])
def test_plain_http_beside_https_is_worth_a_word(on_s3, status, outcome):
    asked = []

    def ask(method, url):
        asked.append(url)
        return Response(status)

    link = "https://files.s3.eu-west-1.amazonaws.com/protected/x.txt?X-Amz-Signature=1"

    found = only(list(signed_links.only_tls("protected", link, SimpleNamespace(ask=ask))))

    assert found.outcome == outcome
    assert asked == [link.replace("https:", "http:")]


def test_an_endpoint_without_tls_is_red_where_people_depend_on_it(on_s3, settings):
    settings.SITE_ENVIRONMENT = "production"

    assert only(failed()).observed == "the endpoint is http://"
