"""The gunicorn worker, turn by turn; test_slow_clients.py and others have whole dynos: L1 to L3."""

import errno
import logging
import re
import signal
import socket
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from unittest import mock

import pytest
from gunicorn.config import Config
from gunicorn.errors import ConfigError
from gunicorn.workers.gthread import ThreadWorker

from portal import buffering_worker
from portal.buffering_worker import MAX_HEAD_BYTES, BufferingWorker
from portal.refusals import language_of, refusal, style_policy
from tests.support.worker_here import answer_to, client_of, send, status_of, worker_here

MULTIPART = "Content-Type: Multipart/Form-Data; boundary=x\r\n"


def get(path="/", more="", version="1.1") -> bytes:
    return f"GET {path} HTTP/{version}\r\nHost: a\r\n{more}\r\n".encode()


def post(length, more="", body=b"") -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n{more}\r\n"
    return head.encode() + body


@pytest.fixture
def worker():
    with worker_here() as worker:
        yield worker


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (get(), b"GET / 0 pages"),
        (get("/healthz"), b"GET /healthz 0 health"),
        (get("/healthz/"), b"GET /healthz/ 0 pages"),
        (post(3, body=b"abc"), b"POST / 3 pages"),
        (post(65_536, body=b"a" * 65_536), b"POST / 65536 pages"),
        (post(65_537, body=b"a" * 65_537), b"POST / 65537 upload"),
        (post(3, MULTIPART, b"abc"), b"POST / 3 upload"),
        (post(0, "Expect: 100-continue\r\n"), b"POST / 0 pages"),
    ],
)
def test_each_kind_of_request_has_threads_of_its_own(worker, request_, answer):
    """L3: uploads and health checks keep no page waiting."""
    client = send(worker, request_)

    found = answer_to(worker, client)

    assert found.startswith(b"HTTP/1.1 200 OK\r\n")
    assert found.endswith(b"\r\n\r\n" + answer)
    assert b"Connection: keep-alive" in found
    worker.until(lambda: worker.keepalived_conns)
    assert (worker.answering, worker.arriving, worker.uploads) == ({}, {}, {})
    client.sendall(get("/again"))
    assert answer_to(worker, client).endswith(b"GET /again 0 pages")


def test_requests_in_pieces_and_in_one_packet_are_answered_in_turn(worker):
    """P8: no byte behind a body is taken for it."""
    client = send(worker)
    for piece in (get("/a")[:5], get("/a")[5:-1], get("/a")[-1:]):
        client.sendall(piece)
        worker.turns(2)
    assert answer_to(worker, client).endswith(b"GET /a 0 pages")

    client.sendall(post(4, body=b"abcd") + get("/b") + get("/c"))

    for answer in (b"POST / 4 pages", b"GET /b 0 pages", b"GET /c 0 pages"):
        assert answer_to(worker, client).endswith(answer)
    client.sendall(post(4, body=b"ab"))
    worker.until(lambda: any(arrival.missing == 2 for arrival in worker.arriving.values()))
    client.sendall(b"cd" + get("/d"))
    for answer in (b"POST / 4 pages", b"GET /d 0 pages"):
        assert answer_to(worker, client).endswith(answer)
    client.sendall(get("/e") + post(4, body=b"ab"))
    assert answer_to(worker, client).endswith(b"GET /e 0 pages")
    worker.until(lambda: any(arrival.missing == 2 for arrival in worker.arriving.values()))
    assert [conn.sock.gettimeout() for conn in worker.arriving] == [0], "the main loop never waits"


def test_the_buffer_of_a_connection_is_made_large_once(worker, monkeypatch):
    made = []

    def set_option(sock, *option):
        made.append(option)

    client = send(worker)
    worker.turns()
    monkeypatch.setattr(socket.socket, "setsockopt", set_option, raising=False)
    for _ in range(2):
        client.sendall(get())
        answer_to(worker, client)
    assert made == []
    send(worker)
    assert made.count((socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)) == 1


def test_a_thread_waits_for_no_client_longer_than_seconds(worker):
    """L1: while it sends; and the kernel keeps a page for a client that does not read."""
    answer_to(worker, send(worker, get()))

    [environ] = worker.site.environs
    assert worker.site.timeouts == [5]
    with socket.socket() as reference:
        reference.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
        usual = reference.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert environ["gunicorn.socket"].getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == usual


def test_only_threads_for_pages_keep_their_database_connection(worker, monkeypatch):
    closed = []
    monkeypatch.setattr(buffering_worker.connections, "close_all", lambda: closed.append(True))

    answer_to(worker, send(worker, get()))
    worker.until(lambda: worker.keepalived_conns)
    assert closed == []

    for request in (get("/healthz"), post(1, MULTIPART, b"a")):
        closed.clear()
        answer_to(worker, send(worker, request))
        worker.until(lambda: not worker.answering)
        assert closed == [True]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ("Transfer-Encoding: chunked\r\n", 411),
        ("Content-Length: 1000\r\n", 0),
        ("Content-Length: 1001\r\n", 413),
        ("Content-Length: +1\r\n", 400),
        ("Content-Length: 1\r\nContent-Length: 1\r\n", 400),
    ],
)
def test_a_request_is_refused_by_its_head_alone(worker, settings, more, status):
    """I8, P8: before its body is there, and whatever comes behind is dropped."""
    settings.UPLOAD_MAX_BODY_BYTES = 1000
    client = send(worker, f"POST / HTTP/1.1\r\nHost: a\r\n{more}\r\n".encode())

    if status:
        assert status_of(worker, client) == status
        client.sendall(b"0" * 100 + get())
        worker.turns()
        assert answer_to(worker, client) == b""
    else:
        worker.until(lambda: worker.arriving)
        worker.turns()
        [arrival] = worker.arriving.values()
        assert arrival.missing == 1000
    assert worker.site.environs == []


def test_a_refusal_is_in_the_language_that_the_browser_asks_for(worker, settings):
    settings.UPLOAD_MAX_BODY_BYTES = 1000
    asked = "Content-Length: 1001\r\nAccept-Language: de-AT,de;q=0.9"
    client = send(worker, f"POST / HTTP/1.1\r\nHost: a\r\n{asked}\r\n\r\n".encode())

    assert b'lang="de"' in answer_to(worker, client)


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        (["de-AT,en;q=0.5"], "de"),
        (["en-US"], "en-gb"),
        (["fr, de;q=0.3"], "de"),
        (["fr", "de"], "de"),
        (["fr"], ""),
        (["*"], ""),
        (["x" * 9_000, "\xff;q=x"], ""),
        ([], ""),
    ],
)
def test_the_first_language_of_the_site_that_is_asked_for_counts(asked, language):
    headers = [("HOST", "de"), *(("ACCEPT-LANGUAGE", each) for each in asked)]

    assert language_of(headers) == language


def test_a_head_has_a_limit(worker):
    """L2."""
    beginning = b"GET / HTTP/1.1\r\nX: "
    fits = send(worker, beginning + b"a" * (MAX_HEAD_BYTES - len(beginning)))
    worker.until(lambda: any(a.size == MAX_HEAD_BYTES for a in worker.arriving.values()))
    worker.turns()
    assert len(worker.arriving) == 1

    fits.sendall(b"a")

    assert status_of(worker, fits) == 431


def test_a_client_that_expects_100_continue_gets_it_once(worker):
    """P8."""
    client = send(worker, post(3, "Expect: 100-continue\r\n"))
    assert answer_to(worker, client) == b"HTTP/1.1 100 Continue\r\n\r\n"

    client.sendall(b"abc")

    assert answer_to(worker, client).startswith(b"HTTP/1.1 200 OK")


def test_only_so_many_uploads_are_received_at_once(worker):
    """L3: eight; who comes then is told so, and has the place of one that has gone."""
    heads = [send(worker, post(100_000)) for _ in range(8)]
    worker.until(lambda: len(worker.uploads) == 8)
    assert set(worker.uploads.values()) == {100_000}

    found = answer_to(worker, send(worker, post(100_000)))

    assert found.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nRetry-After: 20\r\n" in found
    assert answer_to(worker, send(worker, post(1, body=b"a"))).startswith(b"HTTP/1.1 200")
    heads[1].sendall(b"a" * 40_000)  # a place is taken once, and not with each piece
    worker.until(lambda: any(each.missing == 60_000 for each in worker.arriving.values()))
    heads[1].sendall(b"a" * 60_000)
    assert answer_to(worker, heads[1]).startswith(b"HTTP/1.1 200")
    send(worker, post(100_000))
    worker.until(lambda: len(worker.uploads) == 8)
    heads[0].close()
    worker.until(lambda: len(worker.uploads) == 7)
    send(worker, post(100_000))
    worker.until(lambda: len(worker.uploads) == 8)


def test_uploads_may_have_so_many_bytes_together(worker, monkeypatch):
    """L3: of the temporary folder's disk."""
    monkeypatch.setattr(buffering_worker, "UPLOADS_BYTES", 200_000)
    send(worker, post(100_000))
    send(worker, post(100_000))
    worker.until(lambda: len(worker.uploads) == 2)

    assert status_of(worker, send(worker, post(1, MULTIPART))) == 503


@pytest.mark.parametrize(("sent", "lines"), [(b"", 0), (b"GET", 1), (post(5, body=b"a"), 1)])
def test_a_client_that_has_gone_leaves_nothing(worker, caplog, sent, lines):
    """P8."""
    caplog.set_level(logging.INFO, "portal.buffering_worker")
    client = send(worker, sent)
    worker.until(lambda: all(each.size == len(sent) for each in worker.arriving.values()))

    client.close()
    worker.until(lambda: worker.nr_conns == 0)

    assert (worker.arriving, worker.leaving, worker.uploads) == ({}, {}, {})
    said = [r.message for r in caplog.records if r.name == "portal.buffering_worker"]
    assert said == ["a client has gone before its request was whole"] * lines


def test_a_full_disk_is_said_to_the_client(worker, monkeypatch, caplog):
    """R3."""
    client = send(worker, post(9))
    worker.until(lambda: any(each.mesg for each in worker.arriving.values()))
    [arrival] = worker.arriving.values()

    def full(data):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(arrival.body, "write", full)
    client.sendall(b"a")

    assert status_of(worker, client) == 507
    assert "no room for a request" in caplog.text


def test_a_connection_that_fails_ends_alone(worker, monkeypatch, caplog):
    kept = send(worker)

    def fail(conn):
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "receive", fail)
    assert answer_to(worker, client_of(worker)) == b""

    assert "a connection failed" in caplog.text
    monkeypatch.undo()
    kept.sendall(get())
    assert answer_to(worker, kept).startswith(b"HTTP/1.1 200 OK")
    assert worker.nr_conns == 1


def test_a_worker_without_file_descriptors_closes_what_is_idle(worker, monkeypatch, caplog):
    idle = send(worker, get())
    answer_to(worker, idle)
    worker.until(lambda: worker.keepalived_conns)

    class Full:
        def accept(self):
            raise OSError(errno.EMFILE, "Too many open files")

    before = worker.clock.now
    worker.accept(Full())

    assert answer_to(worker, idle) == b""
    assert worker.nr_conns == 0
    assert worker.clock.now == before + 0.05
    assert "cannot accept a connection" in caplog.text


def test_it_says_what_it_does_not_speak():
    cfg = Config()
    BufferingWorker.check_config(cfg, None)

    for name, value in {"certfile": "x", "http2_cleartext": "upgrade", "proxy_protocol": True,
                        "protocol": "uwsgi"}.items():  # fmt: skip
        cfg.set(name, value)

    with pytest.raises(ConfigError, match=r"does not speak TLS, HTTP/2, PROXY, uWSGI\."):
        BufferingWorker.check_config(cfg, None)


@pytest.mark.parametrize(
    ("name", "value", "spoken"),
    [
        ("certfile", "x", "TLS"),
        ("http2_cleartext", "upgrade", "HTTP/2"),
        ("proxy_protocol", True, "PROXY"),
        ("protocol", "uwsgi", "uWSGI"),
    ],
)
def test_it_names_what_it_is_asked_to_speak_alone(name, value, spoken):
    cfg = Config()
    cfg.set(name, value)

    with pytest.raises(ConfigError, match=rf"^BufferingWorker does not speak {spoken}\.$"):
        BufferingWorker.check_config(cfg, None)


def test_a_worker_that_could_keep_no_connection_says_so():
    cfg, log = Config(), mock.Mock()
    cfg.set("threads", 3)
    cfg.set("worker_connections", 3)

    BufferingWorker.check_config(cfg, log)

    log.warning.assert_called_once()


@pytest.mark.parametrize(
    ("method", "arguments"), [("run", ()), ("handle_quit", (signal.SIGQUIT, None))]
)
def test_a_worker_that_ends_starts_nothing_more(worker, monkeypatch, method, arguments):
    """R1: the interpreter would wait for what its threads have still to do."""
    called = []
    monkeypatch.setattr(ThreadWorker, method, lambda *given: called.append(given[1:]))

    getattr(BufferingWorker, method)(worker, *arguments)

    assert called == [arguments]
    for pool in (worker.tpool, worker.upload_pool, worker.health_pool):
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(print)


@pytest.mark.parametrize(
    ("status", "line", "retry"),
    [
        (HTTPStatus.REQUEST_TIMEOUT, "HTTP/1.1 408 Request Timeout", []),
        (HTTPStatus.SERVICE_UNAVAILABLE, "HTTP/1.1 503 Service Unavailable", ["Retry-After: 20"]),
    ],
)
def test_a_refusal_is_a_whole_answer(settings, status, line, retry):
    """H1: in the site's language, with the headers that guard it."""
    head, _, page = refusal(status).partition(b"\r\n\r\n")

    assert head.decode().split("\r\n") == [
        line,
        "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}",
        f"Content-Security-Policy: {style_policy()}",
        "X-Content-Type-Options: nosniff",
        "Cache-Control: no-store",
        "Connection: close",
        *retry,
    ]
    assert b"<html" in page
    style = re.search(rb"<style>(.*)</style>", page, re.DOTALL)[1]
    assert f"'sha256-{b64encode(sha256(style).digest()).decode()}'" in style_policy()
    refusal.cache_clear()
    settings.LANGUAGE_CODE = "de"
    assert b'lang="de"' in refusal(status)
    refusal.cache_clear()
