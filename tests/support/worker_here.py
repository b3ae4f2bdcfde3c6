"""A BufferingWorker in this process: a test takes the turns of its main loop, and has its clock."""

import re
import socket
import threading
from contextlib import contextmanager
from selectors import EVENT_READ
from types import SimpleNamespace
from unittest import mock

from gunicorn.config import Config
from gunicorn.glogging import Logger

from portal import arrivals, buffering_worker
from portal.buffering_worker import BufferingWorker
from tests.support.raw_clients import connect

TURNS = 500
TURN_SECONDS = 0.02  # at most, where nothing happens


class WorkerHere(BufferingWorker):
    """The worker without signals, and with a main loop that ends after each turn."""

    def init_signals(self):
        """Leave the signals of the tests alone."""

    def run(self):
        self.poller.register(
            self.method_queue.fileno(), EVENT_READ, self.method_queue.run_callbacks
        )
        self.set_accept_enabled(True)

    def turn(self):
        self.wait_for_and_dispatch_events(timeout=TURN_SECONDS)
        self.murder_pending()

    def until(self, condition):
        """Take turns until the condition holds; returns what it returns."""
        for _ in range(TURNS):
            if found := condition():
                return found
            self.turn()
        raise AssertionError("It has not come about.")

    def turns(self, number=5):
        for _ in range(number):
            self.turn()


class Site:
    """An application that answers with what it was asked, and by which pool's thread."""

    def __init__(self):
        self.may_answer, self.environs, self.timeouts = threading.Event(), [], []
        self.may_answer.set()

    def __call__(self, environ, start_response):
        self.environs.append(environ)
        self.timeouts.append(environ["gunicorn.socket"].gettimeout())
        body = environ["wsgi.input"].read()
        assert self.may_answer.wait(20)
        pool = threading.current_thread().name.partition("_")[0]
        asked = (environ["REQUEST_METHOD"], environ["PATH_INFO"], str(len(body)), pool)
        answer = " ".join(asked).encode()
        start_response("200 OK", [("Content-Length", str(len(answer)))])
        return [answer]


class Clock:
    """The time of the worker's deadlines, which the test moves on."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@contextmanager
def worker_here():
    """Yield a worker that listens on `port`, with its site and its clock."""
    cfg = Config()
    cfg.set("threads", 1)
    cfg.set("keepalive", 95)
    clock, site = Clock(), Site()
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        mock.patch.object(arrivals, "time", clock),
        mock.patch.object(buffering_worker, "time", clock),
    ):
        app = SimpleNamespace(wsgi=lambda: site)
        worker = WorkerHere(1, 1, [listener], app, 30, cfg, Logger(cfg))
        worker.site, worker.clock, worker.port = site, clock, listener.getsockname()[1]
        worker.clients, worker.read_ahead = [], {}
        try:
            worker.init_process()
            yield worker
        finally:
            site.may_answer.set()
            for client in worker.clients:
                client.close()
            worker.until(lambda: not worker.answering)
            for conn in [*worker.arriving, *worker.leaving]:
                worker.close(conn)
            worker.murder_keepalived(force=True)
            for pool in (worker.tpool, worker.upload_pool, worker.health_pool):
                pool.shutdown(wait=True)
            worker.poller.close()
            worker.method_queue.close()
            worker.tmp.close()


def send(worker, data: bytes = b""):
    """Connect a client that sends these bytes; the worker has accepted it."""
    before = worker.nr_conns
    client = client_of(worker)
    worker.until(lambda: worker.nr_conns > before)
    if data:
        client.sendall(data)
    return client


def client_of(worker):
    """Connect a client; it is closed with the worker."""
    client = connect(worker.port)
    worker.clients.append(client)
    return client


def answer_to(worker, client) -> bytes:
    """Take turns until the client has its next answer, or the end of its connection (empty)."""
    client.setblocking(False)
    came = worker.read_ahead.pop(client, b"")

    def answer() -> list[bytes] | None:
        nonlocal came
        head, end, body = came.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        size = int(length[1]) if length else 0
        if end and len(body) >= size:
            worker.read_ahead[client] = body[size:]
            return [head + end + body[:size]]
        try:
            more = client.recv(1_000_000)
        except BlockingIOError:
            return None
        except OSError:  # reset
            more = b""
        came += more
        return None if more else [came]

    return worker.until(answer)[0]


def status_of(worker, client) -> int:
    return int(answer_to(worker, client)[9:12] or 0)
