"""check_storage where a CDN stands before the bucket."""

import pytest

from portal.exposure.findings import WARN
from tests.conftest import BUCKET
from tests.support.cdn import Cdn

from .runs import check, failed, names, only, with_options


@pytest.fixture
def cdn(on_s3, settings):
    """A CDN before the bucket, as AWS_S3_CUSTOM_DOMAIN names one; over http, for want of TLS."""
    with Cdn(on_s3) as cdn:
        domain = {"custom_domain": cdn.domain, "url_protocol": "http:"}
        with_options(settings, default=domain, assets=domain)
        yield cdn


def test_a_cdn_for_the_public_prefixes_is_green(cdn):
    found, ending = check()

    assert ending is None
    at_cdn = [each.statement for each in found if cdn.domain in each.statement]
    assert at_cdn == [
        f"anonymous clients cannot list http://{cdn.domain}",
        f"anonymous clients can read it at http://{cdn.domain}",
        f"anonymous clients are refused it at http://{cdn.domain}",
        f"anonymous clients can read it at http://{cdn.domain}",
    ]


def test_a_cdn_that_opens_the_whole_bucket_is_red(cdn):
    cdn.opens = ("",)

    red = only(failed())

    assert red.statement == f"anonymous clients are refused it at http://{cdn.domain}"
    assert "PROTECTED_BUCKET_NAME" in red.hint


def test_a_redirect_is_neither_followed_nor_taken_for_a_refusal(cdn):
    """It may lead to a page for people to log in, or to the file."""
    cdn.redirects = ("protected/",)

    found, ending = check()

    assert ending is None
    refused = f"anonymous clients are refused it at http://{cdn.domain}"
    [doubtful] = [each for each in found if each.statement == refused]
    assert (doubtful.outcome, doubtful.observed) == (WARN, "answered 302")
    assert "nothing is proven" in doubtful.hint


def test_a_cdn_that_lists_is_red(cdn):
    cdn.lists = True

    assert only(failed()).statement == f"anonymous clients cannot list http://{cdn.domain}"


def test_a_cdn_that_hides_a_public_prefix_is_red(cdn):
    cdn.opens = ("assets/",)

    red = only(failed())

    assert (red.subject, red.observed) == ("default", "answered 403")
    assert red.hint == f"Make http://{cdn.domain} serve media/* of the bucket {BUCKET}."


def test_a_cdn_that_serves_something_else_is_red(cdn):
    cdn.swaps = {"media": b"Welcome."}

    assert only(failed()).observed == "answered with other content"


def test_a_cdn_that_drops_a_header_is_red(cdn):
    cdn.drops = ("Cache-Control",)

    red = failed()

    assert [(each.subject, each.observed) for each in red] == [
        ("default", "cache-control: (none)"),
        ("assets", "cache-control: (none)"),
    ]


def test_a_cdn_that_writes_for_everybody_is_red(cdn, on_s3):
    cdn.writes = True

    red = failed()

    assert [each.subject for each in red] == ["default", "assets"]
    assert {each.statement for each in red} == {"anonymous clients can neither write nor delete"}
    assert names(on_s3) == []
