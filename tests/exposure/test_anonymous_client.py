"""What check_storage makes of an answer, by its status and its body."""

import pytest

from portal.exposure.anonymous_client import MAX_BODY_BYTES, AnonymousClient, Response, host_of

LISTING = b'<?xml version="1.0"?>\n<ListBucketResult xmlns="x"><Name>a</Name></ListBucketResult>'


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (0, set()),
        (199, set()),
        (200, {"given"}),
        (299, {"given"}),
        (300, {"redirect"}),
        (399, {"redirect"}),
        (400, {"refused"}),
        (403, {"refused"}),
        (499, {"refused"}),
        (500, set()),  # it has failed: tomorrow it may work again, and answer
        (501, {"refused"}),  # the server does not have this method
        (502, set()),
    ],
)
def test_a_status_is_of_one_kind(status, kinds):
    response = Response(status)

    found = {"given": response.is_given, "redirect": response.is_redirect}
    found["refused"] = response.is_refused
    assert found == {kind: kind in kinds for kind in found}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, LISTING, True),
        (206, b"<ListVersionsResult>", True),
        (200, b"<ListBucketResult/>", True),
        (403, LISTING, False),
        (200, b"<ListBuckets>", False),
        (200, b"<ListAllMyBucketsResult>", False),
        (200, b"<html>", False),
        (200, b"", False),
    ],
)
def test_a_listing_is_told_by_its_root(status, body, expected):
    assert Response(status, {}, body).is_listing is expected


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response(0, body=b"no answer: NewConnectionError"), "no answer: NewConnectionError"),
        (Response(200), "answered 200"),
        (Response(403, body=b"<Error><Code>AccessDenied</Code>"), "answered 403 AccessDenied"),
        (Response(403, body=b"<Code>\xff</Code>"), "answered 403 \ufffd"),
    ],
)
def test_an_answer_is_described_in_a_few_words(response, words):
    assert str(response) == words


def test_a_host_that_was_given_up_is_known_by_scheme_name_and_port():
    client = AnonymousClient()

    client.give_up("https://files.example.org:8443/a?X-Amz-Signature=secret")

    assert client.has_given_up("https://files.example.org:8443/b")
    for other in (
        "http://files.example.org:8443/",
        "https://files.example.org/",
        "https://a:8443/",
    ):
        assert not client.has_given_up(other)
    assert client.ask("GET", "https://files.example.org:8443/b") == (0, {}, b"no answer, as before")
    assert host_of("http://localhost:9000/b") == ("http", "localhost:9000")


def test_of_a_large_answer_the_first_megabyte_is_read(on_s3):
    on_s3._backend.put_object("portal-files", "media/large", bytes(MAX_BODY_BYTES + 1))

    response = AnonymousClient().ask("GET", f"{on_s3.endpoint_url}/portal-files/media/large")

    assert (response.status, len(response.body)) == (200, 1024 * 1024)
