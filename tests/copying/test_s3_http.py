"""Requests on connections that are kept from one to the next."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from urllib3.util.wait import wait_for_read

from portal.copying.s3_store import S3Source


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


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), HangsUp) as server:
        server.asked = 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_connection_that_was_given_up_meanwhile_is_no_attempt(server):
    source = S3Source(
        bucket="b",
        prefix="media",
        access_key="AKIA",
        secret_key="secret",
        region="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
    )

    for _ in range(3):
        assert source.find("name")
        [kept] = source._idle
        assert wait_for_read(kept.sock, timeout=5)  # the end of it has come

    kept.close()
    assert server.asked == 3
