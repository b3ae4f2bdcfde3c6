"""What check_storage makes of an answer, by its status and its body."""

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from portal.exposure.anonymous_client import MAX_BODY_BYTES, AnonymousClient, Response, host_of
from portal.s3 import connections
from tests.support.certificates import self_signed_certificate

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


class Echo(BaseHTTPRequestHandler):
    """A server that keeps what it was asked."""

    def do_PUT(self):
        length = int(self.headers.get("Content-Length", 0))
        self.server.asked.append((self.path, dict(self.headers), self.rfile.read(length)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        """Print nothing."""


@pytest.mark.parametrize(("is_trusted", "words"), [(True, "answered 204"), (False, "SSLError")])
def test_a_server_is_asked_over_tls_that_is_trusted(tmp_path, monkeypatch, is_trusted, words):
    """Another one could answer for the bucket; the client says who it is, and sends what it has."""
    certificate = self_signed_certificate(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if is_trusted:
        trusting = ssl.create_default_context(cafile=certificate)
        monkeypatch.setattr(connections, "trusted_authorities", lambda: trusting)
    with HTTPServer(("localhost", 0), Echo) as server:
        server.asked, server.handle_error = [], lambda *client: None
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        response = AnonymousClient().ask("PUT", f"https://localhost:{server.server_port}/a", b"abc")
        server.shutdown()

    assert words in str(response)
    if is_trusted:
        [(path, headers, body)] = server.asked
        assert (path, body) == ("/a", b"abc")
        assert (headers["User-Agent"], headers["Accept-Encoding"]) == ("check_storage", "gzip")


def test_a_server_has_as_long_as_the_sites_own_requests_have():
    timeout = AnonymousClient()._pool.connection_pool_kw["timeout"]

    assert (timeout.connect_timeout, timeout.read_timeout) == (2, 5)
