"""Requests on connections that are kept from one to the next."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from urllib3.util.wait import wait_for_read

from portal.copying.s3_store import S3Source

AT_ONCE = 5


class HangsUp(BaseHTTPRequestHandler):
    """An S3 server that gives up a connection as soon as it is idle, without a word."""

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
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def source_at(server, **options):
    return S3Source(
        bucket="b",
        prefix="media",
        access_key="AKIA",
        secret_key="secret",
        region="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        **options,
    )


@pytest.fixture
def server():
    with serving(HangsUp) as server:
        yield server


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
        source._idle.pop().close()
        assert server.closed_connections.acquire(timeout=10)


def test_a_connection_that_was_given_up_meanwhile_is_no_attempt(server):
    source = source_at(server)

    for _ in range(3):
        assert source.find("name")
        [kept] = source._idle
        assert wait_for_read(kept.sock, timeout=5)  # the end of it has come

    kept.close()
    assert server.asked == 3
