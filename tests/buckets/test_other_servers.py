"""setup_bucket on servers that lack what AWS has."""

import pytest
from django.core.management import CommandError
from werkzeug.wrappers import Response

from tests.conftest import BUCKET
from tests.support.strict_s3 import StrictS3

from .runs import anonymous_get, refuses, setup_bucket, statements


@pytest.mark.parametrize(
    ("code", "status"), [("MalformedPolicy", 400), ("NotImplemented", 501), ("Odd", 405)]
)
def test_a_server_that_knows_no_age_of_links_is_opened_all_the_same(configured, code, status):
    refuses(configured, "s3:signatureAge", code, status)

    output = setup_bucket()

    assert "policy: set" in output
    assert "without PortalLinkAgeProtected, which this server refuses" in output
    assert anonymous_get(configured, "media/x.webp") == 200
    assert anonymous_get(configured, "protected/x.pdf") == 403
    assert statements(configured).keys() == {"PortalPublicReadMedia", "PortalPublicReadAssets"}


def test_a_refusal_that_is_not_about_the_limits_is_not_worked_around(configured):
    refuses(configured, "s3:signatureAge", "AccessDenied", 403)

    with pytest.raises(CommandError, match="AccessDenied"):
        setup_bucket()


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_server_without_policies_is_set_up_as_far_as_it_goes(configured, method):
    """As on Cloudflare R2: public prefixes have to be opened by other means, which it reports."""
    configured.fail_next(
        status=501,
        code="NotImplemented",
        times=9,
        matching=lambda request: "policy" in request.query and request.method == method,
    )

    output = setup_bucket()

    assert "policy: this server has none" in output
    assert "lifecycle: set" in output
    assert f"{BUCKET}/media/* and arn:aws:s3:::{BUCKET}/assets/*" in setup_bucket.err.getvalue()


def test_a_server_that_answers_another_question_is_left_alone(configured, monkeypatch):
    """Older ones have no ownership controls, and take the request for a listing."""
    listing = "<ListBucketResult><Name>portal-files</Name></ListBucketResult>"
    forward = StrictS3._forward

    def older(server, request, environ):
        if "ownershipControls" in request.query:
            return Response(listing, content_type="application/xml")
        return forward(server, request, environ)

    monkeypatch.setattr(StrictS3, "_forward", older)

    output = setup_bucket()

    assert "object ownership: this server has none, left out" in output
    assert not any(
        request.method == "PUT" and "ownershipControls" in request.query
        for request in configured.requests
    )


def test_a_server_without_lifecycles_is_set_up_all_the_same(configured):
    configured.fail_next(
        status=501,
        code="NotImplemented",
        times=99,
        matching=lambda request: "lifecycle" in request.query,
    )

    output = setup_bucket()

    assert "lifecycle: this server has none" in output
    assert anonymous_get(configured, "media/x.webp") == 200
