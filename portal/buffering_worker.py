"""A gunicorn worker whose threads never wait for a client.

gunicorn's threaded worker reads requests in its threads: eight bodies at a byte a second stop two
workers with three threads each, for as long as their senders like. Here the main loop receives
every request, bounded in time and size, into memory or a temporary file, and gives a thread what is
whole. Uploads have threads of their own, and so have health checks, so that neither a queue of
photos nor a storage that hangs keeps a page waiting. docs/decisions/threads.md weighs the
alternatives.

A connection is in one of four states: `arriving`, `answering` (a thread has it, or will),
`leaving` (answered, and the client may still read), or kept by the parent class for a next request.
"""

import contextlib
import logging
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from socket import SHUT_RDWR, SHUT_WR, SO_SNDBUF, SOL_SOCKET

from django.conf import settings
from django.db import connections
from gunicorn.errors import ConfigError
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import ThreadWorker

from portal.arrivals import READ_BYTES, Arrival, received
from portal.refusals import language_of, refusal

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 64 * 1024
SEND_BUFFER_BYTES = 256 * 1024  # the kernel's: no thread waits until a client has read a page

QUEUE_SECONDS = 10  # for a thread; what waits longer is told to come again
UPLOAD_QUEUE_SECONDS = 4  # the same, so that a frozen S3 has answered nobody later than in 15
ANSWER_SECONDS = 30  # from whole request to sent answer; Heroku's router waits no longer
SEND_SECONDS = 5  # for a client to take one piece of an answer that the buffer does not hold
LINGER_SECONDS = 2  # for a client to read its answer, before the connection is closed
REFUSED_SECONDS = 20  # the same, for one that still sends: browsers read only when they have sent
STOP_SECONDS = 8  # after SIGTERM, for what is arriving; graceful_timeout leaves the rest for work
LOOK_SECONDS = 0.5  # between two looks at the deadlines

# Begins the names of the threads for pages, of which there are `threads` (gunicorn.conf.py).
PAGES = "pages"
UPLOAD_THREADS = 4  # most of their time they wait for their turn (profiles/uploads/turns.py), or S3
UPLOAD_PLACES = 8  # uploads that are received, wait or are worked on; who comes then is told so
UPLOADS_BYTES = 100_000_000  # of all these together, on the temporary folder's disk


class BufferingWorker(ThreadWorker):
    """Receives requests in the main loop, and gives threads what is whole."""

    @classmethod
    def check_config(cls, cfg, log):
        """Refuse what reads from the connection itself: a proxy in front does all of it."""
        names = {"TLS": cfg.is_ssl, "HTTP/2": cfg.http2_cleartext != "off"}
        names |= {"PROXY": cfg.proxy_protocol != "off", "uWSGI": cfg.protocol != "http"}
        if used := [name for name, is_used in names.items() if is_used]:
            raise ConfigError(f"BufferingWorker does not speak {', '.join(used)}.")
        super().check_config(cfg, log)

    def init_process(self):
        self.arriving: dict[object, Arrival] = {}  # by connection, as the others
        self.answering: dict[object, tuple] = {}  # the future, and since when
        self.leaving: dict[object, float] = {}  # when to close
        self.uploads: dict[object, int] = {}  # bytes; of those arriving and those being answered
        self.next_look_at, self.stopped_at = 0.0, None
        self.upload_pool = ThreadPoolExecutor(UPLOAD_THREADS, "upload")
        self.health_pool = ThreadPoolExecutor(1, "health")
        super().init_process()  # which runs the main loop

    def get_thread_pool(self):
        return ThreadPoolExecutor(self.cfg.threads, PAGES)

    def run(self):
        super().run()
        self.shut_down_pools()

    def handle_quit(self, sig, frame):
        self.shut_down_pools()
        super().handle_quit(sig, frame)

    def shut_down_pools(self):
        """Start nothing more: the interpreter waits for threads when it exits."""
        for pool in (self.tpool, self.upload_pool, self.health_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    # Arriving.

    def accept(self, listener):
        try:
            super().accept(listener)
        except OSError:
            logger.exception("cannot accept a connection; closing those that are idle")
            self.murder_keepalived(force=True)
            time.sleep(0.05)  # the listener stays readable

    def enqueue_req(self, conn):
        """Begin to receive a request; the parent class would give the connection to a thread."""
        rest = conn.parser.unreader.take_buffered() if conn.parser else b""
        if conn.parser is None:
            conn.initialized = True  # else a thread would look for HTTP/2
            with contextlib.suppress(OSError):
                conn.sock.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)
        conn.parser = self.arriving[conn] = Arrival(self.cfg, conn)
        conn.sock.setblocking(False)
        self.watch(conn, self.receive)
        self.guarded(partial(self.take, data=rest) if rest else self.receive, conn)

    def receive(self, conn):
        """Read what a connection has, and no byte behind the body."""
        data = received(conn.sock, self.arriving[conn].missing or READ_BYTES)
        if data:
            self.take(conn, data)
        elif data is not None:
            if self.arriving[conn].size:
                logger.info("a client has gone before its request was whole")
            self.close(conn)

    def take(self, conn, data):
        """Add what has come; refuse the request by its head, or submit it once it is whole."""
        arrival = self.arriving[conn]
        was_head = arrival.mesg is None
        try:
            arrival.add(data)
        except ParseException as error:
            self.handle_error(None, conn.sock, conn.client, error)
            self.leave(conn, REFUSED_SECONDS)
            return
        except OSError:
            logger.exception("no room for a request: is the temporary folder's disk full?")
            self.refuse(conn, HTTPStatus.INSUFFICIENT_STORAGE)
            return
        if was_head and (status := self.reason_to_refuse(arrival)):
            self.refuse(conn, status)
        elif arrival.mesg and not arrival.missing:
            self.submit(conn)
        elif was_head and arrival.mesg and arrival.mesg._expected_100_continue:
            with contextlib.suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def reason_to_refuse(self, arrival) -> HTTPStatus | None:
        """The status for a request that its head alone rules out; keeps a place for an upload."""
        if arrival.mesg is None:
            is_too_large = len(arrival.head) > MAX_HEAD_BYTES
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_too_large else None
        if not arrival.is_measured:  # chunks: no browser sends them, and Django reads none
            return HTTPStatus.LENGTH_REQUIRED
        if arrival.length > settings.UPLOAD_MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if arrival.is_upload:
            is_full = sum(self.uploads.values()) + arrival.length > UPLOADS_BYTES
            if is_full or len(self.uploads) >= UPLOAD_PLACES:
                return HTTPStatus.SERVICE_UNAVAILABLE
            self.uploads[arrival.conn] = arrival.length
        return None

    # Answering.

    def submit(self, conn):
        """Give a whole request to a thread."""
        self.unwatch(conn)
        arrival = self.arriving.pop(conn)
        arrival.mesg._expected_100_continue = False  # it has been, or need not be
        pool = self.tpool
        if arrival.is_upload:
            pool = self.upload_pool
        elif arrival.mesg.path == "/healthz":
            pool = self.health_pool
        future = pool.submit(self.answer, conn)
        self.answering[conn] = future, time.monotonic()
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def answer(self, conn) -> bool:
        """Answer in a thread; returns True if the connection is to be kept."""
        try:
            return self.handle(conn)
        finally:
            conn.parser.close()
            if not threading.current_thread().name.startswith(PAGES):
                connections.close_all()  # there are more threads than connections to spare

    def handle_request(self, req, conn):
        conn.sock.settimeout(SEND_SECONDS)
        return super().handle_request(req, conn)

    def finish_request(self, conn, future):
        """Keep the connection, or close it without waiting for its client in the main loop."""
        self.answering.pop(conn, None)
        self.uploads.pop(conn, None)
        if future.cancelled():
            conn.parser.close()  # which a thread does for what it answers
            self.guarded(partial(self.refuse, status=HTTPStatus.SERVICE_UNAVAILABLE), conn)
        elif future.exception() is None and future.result():
            super().finish_request(conn, future)
        else:
            self.guarded(self.leave, conn)

    # Giving up.

    def murder_pending(self):
        """Give up what takes too long; the main loop calls this after each wait, of 1 s at most."""
        now = time.monotonic()
        if now < self.next_look_at:
            return
        self.next_look_at = now + LOOK_SECONDS
        if not self.alive and self.stopped_at is None:
            self.stopped_at = now
        stop_at = (self.stopped_at or math.inf) + STOP_SECONDS
        linger_until = (self.stopped_at or math.inf) + LINGER_SECONDS
        for conn, arrival in list(self.arriving.items()):
            if min(arrival.deadline, stop_at if arrival.size else linger_until) < now:
                self.guarded(self.give_up, conn)
        for conn, (future, since) in list(self.answering.items()):
            queued = UPLOAD_QUEUE_SECONDS if conn.parser.is_upload else QUEUE_SECONDS
            if since + queued < now:
                future.cancel()  # unless a thread has it
            if since + ANSWER_SECONDS < now:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(SHUT_RDWR)  # a thread that still sends is free again
        for conn, until in list(self.leaving.items()):
            if min(until, linger_until) < now:
                self.close(conn)

    def give_up(self, conn):
        """Refuse a request that takes too long to arrive; close a connection without one."""
        if not self.arriving[conn].size:
            self.close(conn)
        elif self.alive:
            self.refuse(conn, HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.refuse(conn, HTTPStatus.SERVICE_UNAVAILABLE)

    def refuse(self, conn, status: HTTPStatus):
        """Answer without a thread."""
        logger.warning("refused before a view saw it", extra={"status": status.value})
        mesg = conn.parser.mesg  # of what arrives, or has arrived and waits for a thread
        page = refusal(status, language_of(mesg.headers if mesg else ()))
        with contextlib.suppress(OSError):
            conn.sock.setblocking(False)
            conn.sock.send(page)
        self.leave(conn, REFUSED_SECONDS)

    def leave(self, conn, seconds=LINGER_SECONDS):
        """Close a connection once the client has: closing it before might lose the answer."""
        self.forget(conn)
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(SHUT_WR)
        except OSError:
            self.close(conn)
            return
        self.leaving[conn] = time.monotonic() + seconds
        self.watch(conn, self.read_on)

    def read_on(self, conn):
        """Drop what a client still sends that has its answer."""
        if received(conn.sock, READ_BYTES) == b"":
            self.close(conn)

    def close(self, conn):
        self.forget(conn)
        self.leaving.pop(conn, None)
        self.nr_conns -= 1
        conn.close()

    def forget(self, conn):
        """Free what an arriving request holds."""
        self.unwatch(conn)
        self.uploads.pop(conn, None)
        if arrival := self.arriving.pop(conn, None):
            arrival.close()

    # The main loop's events.

    def watch(self, conn, step):
        self.poller.register(conn.sock, EVENT_READ, partial(self.guarded, step, conn))

    def unwatch(self, conn):
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def guarded(self, step, conn, sock=None):
        """Take a step with one connection; if it fails, the connection ends and not the worker."""
        try:
            step(conn)
        except Exception:
            logger.exception("a connection failed")
            self.close(conn)
