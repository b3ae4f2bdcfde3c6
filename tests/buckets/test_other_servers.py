"""setup_bucket on servers that lack what AWS has."""

import pytest
from django.core.management import CommandError
from werkzeug.wrappers import Response

from tests.conftest import BUCKET, s3_client
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


@pytest.mark.parametrize(
    ("query", "setting"), [("ownershipControls", "object ownership"), ("policy", "policy")]
)
def test_a_server_that_answers_another_question_is_left_alone(
    configured, monkeypatch, query, setting
):
    """Older ones and rclone's answer a question about a setting they lack with a listing."""
    listing = "<ListBucketResult><Name>portal-files</Name></ListBucketResult>"
    answer = StrictS3._answer

    def older(server, request, environ):
        if query in request.query:
            return Response(listing, content_type="application/xml")
        return answer(server, request, environ)

    monkeypatch.setattr(StrictS3, "_answer", older)

    output = setup_bucket()

    assert f"{setting}: this server has none, left out" in output
    assert not any(
        request.method == "PUT" and query in request.query for request in configured.requests
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


def refusal(status: int, code: str) -> Response:
    body = f"<Error><Code>{code}</Code></Error>"
    return Response(body, status=status, content_type="application/xml")


@pytest.fixture
def refuses_uploads_when_blocked(configured, monkeypatch):
    """As Ceph 16.2 does, whoever uploads; its new buckets have no block, unlike those of AWS."""
    forward, blocked = StrictS3._forward, set()

    def as_ceph(server, request, environ):
        if "publicAccessBlock" in request.query:
            change = {"PUT": blocked.add, "DELETE": blocked.discard}.get(request.method)
            if change:
                change(request.bucket)
            elif request.bucket not in blocked:
                return refusal(404, "NoSuchPublicAccessBlockConfiguration")
        if request.method == "PUT" and request.key and request.bucket in blocked:
            return refusal(403, "AccessDenied")
        return forward(server, request, environ)

    monkeypatch.setattr(StrictS3, "_forward", as_ceph)
    return configured


def test_a_block_that_makes_a_server_refuse_uploads_is_taken_back(refuses_uploads_when_blocked):
    for _ in range(2):  # the second run finds no block, and tries again
        output = setup_bucket()

        assert "public access block: taken back: with it this server refuses uploads" in output
        assert "policy: " in output
        assert anonymous_get(refuses_uploads_when_blocked, "media/x.webp") == 200


def test_a_block_from_an_earlier_run_is_taken_back_where_it_refuses_uploads(
    refuses_uploads_when_blocked,
):
    """A release before this one has set it, and said nothing."""
    client = s3_client(refuses_uploads_when_blocked)
    setup_bucket()
    blocked = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
    blocked |= {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    client.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=blocked)

    output = setup_bucket("--force-color")

    green, plain = "\x1b[32;1m", "\x1b[0m"  # what has changed
    taken_back = "taken back: with it this server refuses uploads"
    assert f"public access block: {green}{taken_back}{plain}" in output
    assert green not in setup_bucket("--force-color"), "nothing is changed by a further run"
    client.put_object(Bucket=BUCKET, Key="media/y.webp", Body=b"y")


def test_a_block_that_was_there_is_put_back_where_another_makes_a_server_refuse_uploads(
    configured, monkeypatch
):
    """One on which the block of ACLs alone stands in the way."""
    forward, refusing = StrictS3._forward, set()

    def refuses_acls(server, request, environ):
        if request.method == "PUT" and "publicAccessBlock" in request.query:
            is_refusing = b"<BlockPublicAcls>true" in request.body
            (refusing.add if is_refusing else refusing.discard)(request.bucket)
        if request.method == "PUT" and request.key and request.bucket in refusing:
            return refusal(403, "AccessDenied")
        return forward(server, request, environ)

    configured._backend.create_bucket(BUCKET, "eu-west-1")
    monkeypatch.setattr(StrictS3, "_forward", refuses_acls)
    client = s3_client(configured)
    present = {"BlockPublicAcls": False, "IgnorePublicAcls": True}
    present |= {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    client.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration=present)

    output = setup_bucket("--force-color")

    taken_back = "taken back: with it this server refuses uploads"
    assert f"public access block: {taken_back}" in output, "in no colour: nothing has changed"
    found = client.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert found == present


@pytest.mark.parametrize("setting", ["encryption", "lifecycle"])
def test_set_is_said_only_of_what_has_changed(as_on_aws, monkeypatch, setting):
    """A gateway that answers 200 to everything; the other settings are the control."""
    forward = StrictS3._forward

    def as_gateway(server, request, environ):
        if request.method == "PUT" and setting in request.query:
            return Response("")
        return forward(server, request, environ)

    monkeypatch.setattr(StrictS3, "_forward", as_gateway)

    output = setup_bucket()

    assert f"  {setting}: sent, but this server answers as before" in output
    assert "public access block: set" in output


def test_a_block_that_lets_uploads_through_stays_and_nothing_stored_on_trial_does(configured):
    """The control."""
    assert "public access block: set" in setup_bucket()

    assert "Contents" not in s3_client(configured).list_objects_v2(Bucket=BUCKET)
    assert s3_client(configured).get_public_access_block(Bucket=BUCKET)


@pytest.mark.parametrize("methods", [{"PUT", "DELETE"}, {"PUT"}, {"DELETE"}])
def test_a_key_that_may_not_upload_proves_nothing(configured, methods):
    """An operator's key need not: the block stays. Nothing is stored that cannot be deleted."""
    configured.fail_next(
        status=403,
        code="AccessDenied",
        times=99,
        matching=lambda request: bool(request.key) and request.method in methods,
    )

    assert "public access block: set" in setup_bucket()
    assert "Contents" not in s3_client(configured).list_objects_v2(Bucket=BUCKET)
