"""Requests on connections that are kept from one to the next."""

import contextlib
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import BaseRequestHandler, ThreadingTCPServer

import pytest
from urllib3.util.wait import wait_for_read

from portal.copying.s3_http import RawResponse, Refused, refusal
from portal.copying.s3_store import S3Source, S3Target
from portal.copying.stores import Changed, Content, FileInfo, Transient, Unusable
from portal.s3.connections import trusted_authorities
from tests.support.certificates import self_signed_certificate

AT_ONCE = 5


class HangsUp(BaseHTTPRequestHandler):
    """An S3 server that closes each connection as soon as it is idle, without notice."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.server.asked += 1
        self.send_response(200)
        for name, value in [("Content-Length", "1"), ("ETag", '"x"')]:
            self.send_header(name, value)
        self.send_header("Last-Modified", "Mon, 23 Nov 2026 12:00:00 GMT")
        self.end_headers()
        self.close_connection = True

    def log_message(self, *args):
        pass


class Keeps(HangsUp):
    """An S3 server that answers when AT_ONCE requests are there, and counts its connections."""

    def setup(self):
        super().setup()
        self.server.open_connections.release()

    def do_HEAD(self):
        self.server.all_are_there.wait(10)
        super().do_HEAD()
        self.close_connection = False

    def finish(self):
        super().finish()
        self.server.closed_connections.release()


@contextlib.contextmanager
def serving(handler):
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked, server.all_are_there = 0, threading.Barrier(AT_ONCE)
        server.open_connections = threading.Semaphore(0)
        server.closed_connections = threading.Semaphore(0)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def source_at(server, kind=S3Source, scheme="http", **options):
    return kind(
        bucket="b",
        prefix="media",
        access_key="AKIA",
        secret_key="secret",
        region="eu-west-1",
        endpoint_url=f"{scheme}://127.0.0.1:{server.server_port}",
        **options,
    )


@pytest.fixture
def server():
    with serving(HangsUp) as server:
        yield server


@pytest.mark.parametrize(
    ("endpoint", "kind", "host", "port"),
    [
        (None, HTTPSConnection, "b.s3.eu-west-1.amazonaws.com", 443),
        ("https://s3.example.org:9", HTTPSConnection, "b.s3.example.org", 9),
        ("http://[::1]:9", HTTPConnection, "::1", 9),
        ("http://s3.example.org", HTTPConnection, "b.s3.example.org", 80),
    ],
)
def test_a_connection_is_made_to_the_host_of_the_bucket(endpoint, kind, host, port):
    """With TLS it trusts what boto3 trusts, and it waits for seconds only."""
    keys = {"access_key": "AKIA", "secret_key": "secret", "region": "eu-west-1"}
    made = S3Source(bucket="b", prefix="media", endpoint_url=endpoint, **keys)._connection()

    assert (type(made), made.host, made.port, made.timeout) == (kind, host, port, 2)
    assert made.sock is None
    assert made.response_class is RawResponse
    assert getattr(made, "_context", None) is (
        trusted_authorities() if kind is HTTPSConnection else None
    )


def test_no_more_connections_are_kept_than_is_said():
    with serving(Keeps) as server:
        source = source_at(server, connections=2)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            assert all(pool.map(source.find, "abcde"))

        closed = [server.closed_connections.acquire(timeout=10) for _ in range(AT_ONCE - 2)]
        assert closed == [True] * 3
        assert len(source._idle) == 2
        for kept in source._idle:
            kept.close()
        assert [server.closed_connections.acquire(timeout=10) for _ in range(2)] == [True] * 2


def test_a_connection_is_kept_for_the_next_request():
    with serving(Keeps) as server:
        server.all_are_there = threading.Barrier(1)
        source = source_at(server)

        assert all(map(source.find, "abc"))

        assert server.open_connections.acquire(timeout=0)
        assert not server.open_connections.acquire(timeout=0)
        [kept] = source._idle
        assert kept.sock.gettimeout() == 120, "S3 copies a gigabyte before it answers"
        kept.close()
        assert server.closed_connections.acquire(timeout=10)


def test_a_connection_that_was_given_up_meanwhile_is_no_attempt(server):
    source = source_at(server)

    for _ in range(3):
        assert source.find("name")
        [kept] = source._idle
        assert wait_for_read(kept.sock, timeout=5)  # the end of it has come

    kept.close()
    assert server.asked == 3


LISTING = (
    b"<ListBucketResult><Contents><Key>media/a</Key><Size>7</Size>"
    b"<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents></ListBucketResult>"
)
LENGTH = f"{len(LISTING):x}".encode()
WITH_LENGTH = b"content-LENGTH:%d\r\n\r\n%s" % (len(LISTING), LISTING)
IN_CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n%s\r\n%s\r\n0\r\n\r\n" % (LENGTH, LISTING)
UNTIL_THE_END = b"Content-Type: application/xml\r\n\r\n" + LISTING
OK = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def answering(answer, *, hang_up):
    """A server that sends these bytes for each request, and counts its connections."""

    class Raw(BaseRequestHandler):
        def handle(self):
            self.server.connections += 1
            while b"\r\n\r\n" in self.request.recv(65_536):
                self.request.sendall(answer)
                if hang_up:
                    return

    with ThreadingTCPServer(("127.0.0.1", 0), Raw) as server:
        server.server_port, server.connections = server.server_address[1], 0
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "hang_up", "connections"),
    [
        (OK + WITH_LENGTH, False, 1),
        (OK + IN_CHUNKS, False, 1),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + WITH_LENGTH, False, 1),
        (OK + b"Connection: close\r\n" + WITH_LENGTH, False, 2),
        (OK + WITH_LENGTH, True, 2),
        (OK + UNTIL_THE_END, True, 2),
        (b"HTTP/1.1 200\nContent-Length: %d\n\n%s" % (len(LISTING), LISTING), False, 1),
    ],
    ids=["length", "chunks", "continue", "close", "unannounced", "until the end", "bare lines"],
)
def test_it_reads_what_servers_send(answer, hang_up, connections):
    with answering(answer, hang_up=hang_up) as server:
        source = source_at(server)

        for _ in range(2):
            assert [name for name, _ in source.page("").files] == ["a"]
            if hang_up and source._idle:
                assert wait_for_read(source._idle[0].sock, timeout=10)

        assert server.connections == connections
        for kept in source._idle:
            kept.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        OK + WITH_LENGTH[:-1],
        OK + IN_CHUNKS[:-8],
        OK + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        OK + b"Content-Length: many\r\n\r\n" + LISTING,
    ],
    ids=["nothing", "another protocol", "cut off", "cut in chunks", "no chunks", "no length"],
)
def test_what_is_no_whole_answer_is_worth_another_attempt(answer):
    with answering(answer, hang_up=True) as server:
        source = source_at(server)

        with pytest.raises(Transient, match="does not answer"):
            source.page("")

        assert not source._idle


OBJECT = OK + b"Last-Modified: Mon, 23 Nov 2026 12:00:00 GMT\r\nContent-Length: 9\r\n"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (OBJECT + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", Transient),
        (OBJECT.replace(b"Last-Modified", b"X") + b"\r\n123456789", Refused),
        (OBJECT.replace(b"Mon", b"Sometime").replace(b"2026", b"") + b"\r\n123456789", Refused),
        (OBJECT.replace(b"Content-Length", b"X") + b"\r\n123456789", Refused),
    ],
    ids=["cut in chunks", "no time", "nonsense for a time", "no size"],
)
def test_what_is_no_object_is_reported_and_its_connection_not_kept(answer, error):
    with answering(answer, hang_up=True) as server:
        source = source_at(server)

        with pytest.raises(error), source.open("a") as content:
            list(content.chunks)

        assert not source._idle


@pytest.mark.parametrize(
    ("status", "code", "has_key", "kind"),
    [
        (301, "PermanentRedirect", True, Unusable),
        (400, "RequestTimeout", True, Transient),
        (400, "EntityTooLarge", True, Refused),
        (401, "", True, PermissionError),
        (403, "AccessDenied", True, PermissionError),
        (404, "", True, FileNotFoundError),
        (404, "NoSuchKey", True, FileNotFoundError),
        (404, "NoSuchUpload", True, Refused),
        (404, "", False, Unusable),  # as gateways answer for a bucket
        (404, "NoSuchKey", False, Unusable),
        (412, "PreconditionFailed", True, Changed),
        *((status, "", True, Transient) for status in (429, 500, 502, 503, 504)),
    ],
)
def test_an_answer_becomes_an_error_of_its_kind(status, code, has_key, kind):
    body = f"<Error><Code>{code}</Code><Message>Words</Message></Error>".encode()

    assert type(refusal(status, body, "live", has_key=has_key)) is kind


def test_a_server_without_a_trusted_certificate_is_asked_nothing(tmp_path):
    """It would get the resumes of the members, and no retry makes it another server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed_certificate(tmp_path / "server.pem"))
    with serving(HangsUp) as server:
        server.handle_error = lambda *client: None  # which ends the handshake
        server.socket = context.wrap_socket(server.socket, server_side=True)
        source = source_at(server, scheme="https")

        with pytest.raises(Unusable, match="has no trusted certificate: self-signed"):
            source.find("name")

        assert server.asked == 0


def test_a_refusal_before_all_is_sent_is_read():
    """S3 closes the connection then; to send the file again would be refused again."""
    refused = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
    with answering(refused, hang_up=True) as server:
        target = source_at(server, kind=S3Target)
        chunks = (b"x" * 1_000_000 for _ in range(50))

        with pytest.raises(PermissionError, match="403"):
            target.write("a", Content(FileInfo(50_000_000, 0), {}, chunks))


def test_an_object_is_read_whole():
    """The control."""
    with answering(OBJECT + b"\r\n123456789", hang_up=False) as server:
        source = source_at(server)

        with source.open("a") as content:
            assert list(content.chunks) == [b"123456789"]

        source._idle.pop().close()
