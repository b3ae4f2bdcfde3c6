"""Heads of requests as attackers write them: catalogue P8.

What decides where a request ends must be one parser: two that disagree let one request hide in
another's body.
"""

import re
import socket

import pytest

from tests.support.dyno import eventually
from tests.support.line import RESET
from tests.support.raw_clients import connect, read_answer
from tests.support.served import HOST

COMMON = f"Host: {HOST}\r\nX-Forwarded-Proto: https\r\n"


def get(path="/healthz", more="", version="1.1") -> bytes:
    return f"GET {path} HTTP/{version}\r\n{COMMON}{more}\r\n".encode()


def post(more: str, body: bytes = b"") -> bytes:
    return f"POST /healthz HTTP/1.1\r\n{COMMON}{more}\r\n".encode() + body


ACCEPTED = {
    "HTTP/1.1": get(),
    "HTTP/1.0": get(version="1.0"),
    "absolute form": get(f"https://{HOST}/healthz"),
    "an empty line before": b"\r\n" + get(),
    "a body with GET": get(more="Content-Length: 3\r\n") + b"abc",
    "an offer of h2c": get(more="Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                                "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
}  # fmt: skip
REFUSED = {
    "two lengths": (post("Content-Length: 0\r\nContent-Length: 9\r\n"), 400),
    "two equal lengths": (post("Content-Length: 0\r\nContent-Length: 0\r\n"), 400),
    "a length with a sign": (post("Content-Length: +1\r\n", b"a"), 400),
    "a negative length": (post("Content-Length: -1\r\n"), 400),
    "a list of lengths": (post("Content-Length: 1, 1\r\n", b"a"), 400),
    "a length with a space": (post("Content-Length: 1 1\r\n", b"a"), 400),
    "a length of 5,000 digits": (post(f"Content-Length: {'1' * 5000}\r\n"), 400),
    "a space before the colon": (post("Content-Length : 1\r\n", b"a"), 400),
    "chunks": (post("Transfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 411),
    "chunks and a length": (
        post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"),
        400,
    ),
    "chunks that hide": (post("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 501),
    "a folded line": (post("X-A: 1\r\n Content-Length: 5\r\n"), 400),
    "a bare LF": (get().replace(b"\r\n", b"\n"), 400),
    "a bare LF in a head": (get(more="X-A: 1\nContent-Length: 5\r\n"), 400),
    "a NUL": (get(more="X-A: \0\r\n"), 400),
    "two hosts": (get(more="Host: evil.example\r\n"), 400),
    "an address of 9 kB": (get("/" + "a" * 9000), 414),
    "a head of 70 kB in one line": (get(more=f"X-A: {'a' * 70_000}\r\n"), 431),
    "a head of 130 kB that does not end": (
        b"GET / HTTP/1.1\r\n" + b"X-A: aaaaaaaaaaaa\r\n" * 7000,
        431,
    ),
    "200 headers": (get(more="".join(f"X-{n}: 1\r\n" for n in range(200))), 431),
    "another expectation": (post("Expect: a-miracle\r\nContent-Length: 0\r\n"), 417),
    "HTTP/2 at once": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "the PROXY protocol": (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + get(), 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "more than any form needs": (post("Content-Length: 1000000000000\r\n"), 413),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_heads_that_are_answered(dyno, name):
    with connect(dyno.port) as client:
        client.sendall(ACCEPTED[name])
        assert read_answer(client)[::2] == (200, b"ok\n")


@pytest.mark.parametrize("name", REFUSED)
def test_heads_that_are_refused(dyno, name):
    """P8: at once, and nothing behind them is taken for a request."""
    request, status = REFUSED[name]

    with connect(dyno.port) as client:
        client.sendall(request + get())
        answer = client.makefile("rb").read()

    assert int(answer[9:12]) == status
    assert answer.count(b"HTTP/1.") == 1, "a second answer"
    assert b"ok\n" not in answer


def test_heads_are_the_same_in_pieces(dyno):
    """P8: a byte at a time, and with the end of one request in the packet of the next."""
    login = post("Content-Length: 40\r\nContent-Type: text/plain\r\n", get()[:40])

    with connect(dyno.port) as client, client.makefile("rb") as answers:
        for byte in get():
            client.sendall(bytes([byte]))
        assert read_answer(answers)[0] == 200
        client.sendall(get()[:30])
        client.sendall(get()[30:] + login + get()[:20])
        assert read_answer(answers)[0] == 200
        assert read_answer(answers)[0] == 403  # for want of a token: its body is no request
        client.sendall(get()[20:])
        assert read_answer(answers)[0] == 200


def test_requests_in_one_packet_are_answered_in_turn(dyno):
    with connect(dyno.port) as client, client.makefile("rb") as answers:
        client.sendall((get() + get("/no-such-page/")) * 10)
        statuses = [read_answer(answers)[0] for _ in range(20)]

    assert statuses == [200, 404] * 10


def test_a_client_that_waits_for_100_continue_gets_it(dyno):
    """P8: once, and for a small body as for an upload."""
    for length in (10, 100_000):
        with connect(dyno.port) as client:
            client.sendall(post(f"Expect: 100-continue\r\nContent-Length: {length}\r\n"))
            assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b"a" * length)
            assert read_answer(client)[0] == 403


def test_a_client_that_closes_its_side_is_answered(dyno):
    with connect(dyno.port) as client:
        client.sendall(get())
        client.shutdown(socket.SHUT_WR)
        assert client.makefile("rb").read().startswith(b"HTTP/1.1 200 OK")


def test_what_a_router_says_of_a_request_reaches_the_site(dyno):
    request_id = "as-the-router-has-sent-it"
    with connect(dyno.port) as client:
        client.sendall(get(more=f"X-Request-Id: {request_id}\r\nX-Request-Start: 1\r\n"))
        assert read_answer(client)[1]["X-Request-ID"] == request_id


@pytest.mark.parametrize("length", [0, 10, 100, 1000])
def test_clients_that_vanish_leave_nothing(dyno, length):
    """P8: not one worker ends for it, and no connection stays open."""
    request = post("Content-Length: 900\r\nContent-Type: multipart/form-data\r\n", b"a" * 900)
    workers, said = {worker.pid for worker in dyno.workers()}, len(dyno.said())

    for _ in range(50):
        with connect(dyno.port) as client:
            client.sendall(request[:length])
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    assert dyno.visitor().get("/healthz").status == 200
    dyno.hang_up()

    def none_is_open() -> bool:
        found = [each for worker in dyno.workers() for each in worker.net_connections("tcp")]
        return all(each.laddr.port != dyno.port or each.status == "LISTEN" for each in found)

    assert eventually(none_is_open, 15)
    assert {worker.pid for worker in dyno.workers()} == workers
    assert not re.search("a connection failed|Traceback", dyno.said()[said:])
