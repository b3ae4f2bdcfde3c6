"""Clients of the gunicorn worker that have gone when something is done with their connection."""

import errno
import socket
from http import HTTPStatus

import pytest

from portal.refusals import refusal
from tests.site.test_buffering_worker import get, post
from tests.support.worker_here import send, status_of, worker_here


@pytest.fixture
def worker():
    with worker_here() as worker:
        yield worker


class Line:
    """A client's end of a connection, which fails at a step, as one that is closed may."""

    def __init__(self, sock, failing):
        self.sock, self.failing, self.sent = sock, failing, []

    def __getattr__(self, name):
        return self.fail if name == self.failing else getattr(self.sock, name)

    def fail(self, *arguments):
        raise BrokenPipeError

    def send(self, data):
        return self.fail() if self.failing == "send" else self.sent.append(data)


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_refusal_is_in_the_log_and_its_client_may_be_gone(worker, caplog, is_gone):
    send(worker)
    worker.turns(2)
    [conn] = worker.arriving

    conn.sock = Line(conn.sock, "send" if is_gone else "")
    caplog.clear()
    worker.guarded(lambda conn: worker.refuse(conn, HTTPStatus.REQUEST_TIMEOUT), conn)

    [record] = caplog.records
    assert (record.levelname, record.name) == ("WARNING", "portal.buffering_worker")
    assert (record.getMessage(), record.status) == ("refused before a view saw it", 408)
    assert conn.sock.sent == ([] if is_gone else [refusal(HTTPStatus.REQUEST_TIMEOUT)])
    assert worker.leaving == {conn: worker.clock.now + 20}
    assert worker.arriving == {}


def test_a_buffer_that_cannot_be_made_larger_is_no_fault(worker, monkeypatch):
    def refuse(sock, *option):
        raise OSError(errno.EINVAL, "Invalid argument")

    client = send(worker)
    monkeypatch.setattr(socket.socket, "setsockopt", refuse, raising=False)

    client.sendall(get())

    assert status_of(worker, client) == 200
    assert status_of(worker, send(worker, get())) == 200


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_client_that_has_gone_is_not_told_to_continue(worker, caplog, is_gone):
    send(worker)
    worker.turns(2)
    [conn] = worker.arriving
    conn.sock = Line(conn.sock, "send" if is_gone else "")

    worker.guarded(lambda conn: worker.take(conn, post(3, "Expect: 100-continue\r\n")), conn)

    assert conn.sock.sent == ([] if is_gone else [b"HTTP/1.1 100 Continue\r\n\r\n"])
    assert list(worker.arriving) == [conn]
    assert "a connection failed" not in caplog.text


def test_an_answer_that_nobody_takes_any_more_ends_no_other(worker, caplog):
    worker.site.may_answer.clear()
    send(worker, get())
    worker.until(lambda: worker.site.environs)
    [conn] = worker.answering
    conn.sock = Line(conn.sock, "shutdown")
    worker.clock.now += 31

    worker.murder_pending()

    assert list(worker.answering) == [conn]
    assert "a connection failed" not in caplog.text
    conn.sock = conn.sock.sock
