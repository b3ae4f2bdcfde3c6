"""A gunicorn worker whose threads never wait for a client to send.

gunicorn's threaded worker reads requests in its threads: eight bodies at a byte a second stop two
workers with three threads each, for as long as their senders like. Here the main loop receives
every request, bounded in time and size, into memory or a temporary file, and a thread is given what
is whole. Uploads have threads of their own, and so have health checks, so that neither a queue of
photos nor a storage that hangs keeps a page waiting. docs/decisions/threads.md weighs the
alternatives.
"""

import contextlib
import logging
import re
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from os import SEEK_END
from selectors import EVENT_READ
from socket import SHUT_WR
from tempfile import SpooledTemporaryFile

from django.conf import settings
from django.db import connections
from django.template.loader import render_to_string
from gunicorn import http
from gunicorn.workers.gthread import ThreadWorker

logger = logging.getLogger(__name__)

READ_BYTES = 64 * 1024
MAX_HEAD_BYTES = 64 * 1024
SMALL_BODY_BYTES = 64 * 1024  # kept in memory; every form of this site without files is smaller
ARRIVAL_SECONDS = 5  # for the head, and for a small body
UPLOAD_BYTES_PER_SECOND = 20_000  # at least, after ARRIVAL_SECONDS
IDLE_SECONDS = 10  # for a new connection to send its first byte
LINGER_SECONDS = 2  # for a client to read why it is refused, before the connection is closed

UPLOAD_THREADS = 4  # most of their time they wait for their turn (profiles/uploads/turns.py), or S3
UPLOAD_PLACES = 8  # uploads that are received, wait or are worked on; who comes then is told so
RETRY_SECONDS = 20

HEAD_END = b"\r\n\r\n"
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
MULTIPART = re.compile(rb"\r\ncontent-type:[ \t]*multipart/form-data\b", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
HEALTH_CHECK = re.compile(rb"(GET|HEAD) /healthz[ ?]")


class Arrival:
    """A request as far as it has come; the parser reads from it once it is whole."""

    def __init__(self, conn):
        self.conn = conn
        # Closed when the connection is read on or ends, or with the last reference.
        self.file = SpooledTemporaryFile(SMALL_BODY_BYTES + MAX_HEAD_BYTES)  # noqa: SIM115
        self.size = 0
        self.head = b""  # empty until it is whole
        self.body_length = 0
        self.is_upload = False
        self.first_byte_at = None
        self.created_at = time.monotonic()

    def add(self, data: bytes) -> bool:
        """Take what has come; returns True when that completes the head."""
        self.first_byte_at = self.first_byte_at or time.monotonic()
        self.file.write(data)
        self.size += len(data)
        if self.head:
            return False
        self.file.seek(0)
        head, end, _ = self.file.read(MAX_HEAD_BYTES).partition(HEAD_END)
        self.file.seek(0, SEEK_END)
        if not end:
            return False
        self.head = head + end
        found = CONTENT_LENGTH.search(self.head)
        self.body_length = int(found[1]) if found else 0
        is_large = self.body_length > SMALL_BODY_BYTES
        self.is_upload = is_large or MULTIPART.search(self.head) is not None
        return True

    @property
    def is_whole(self) -> bool:
        return bool(self.head) and self.size >= len(self.head) + self.body_length

    @property
    def deadline(self) -> float:
        """When to give up, by time.monotonic()."""
        if self.first_byte_at is None:
            return self.created_at + IDLE_SECONDS
        sent = self.size / UPLOAD_BYTES_PER_SECOND if self.is_upload else 0
        return self.first_byte_at + ARRIVAL_SECONDS + sent

    def recv(self, size: int) -> bytes:
        """Read on, as from a socket: gunicorn's parser calls this."""
        return self.file.read(size)


class BufferingWorker(ThreadWorker):
    """Receives requests in the main loop, and gives threads what is whole."""

    def init_process(self):
        self.arriving: dict[object, Arrival] = {}  # by connection
        self.leaving: dict[object, float] = {}  # refused connections, and when to close them
        self.uploads = set()  # connections
        self.upload_pool = ThreadPoolExecutor(UPLOAD_THREADS, "upload")
        self.health_pool = ThreadPoolExecutor(1, "health")
        super().init_process()

    # Receiving.

    def enqueue_req(self, conn):
        """Begin to receive a request; the parent class would give the connection to a thread."""
        arrival = Arrival(conn)
        conn.sock.setblocking(False)
        self.arriving[conn] = arrival
        self.poller.register(conn.sock, EVENT_READ, partial(self.on_readable, arrival))
        if conn.parser is not None and (rest := read_ahead(conn.parser.unreader)):
            self.take(arrival, rest)
        else:
            self.on_readable(arrival, conn.sock)

    def on_readable(self, arrival, sock):
        data = received(sock)
        if data:
            self.take(arrival, data)
        elif data is not None:
            self.drop(arrival)

    def take(self, arrival, data):
        """Add what has come; refuse the request by its head, or dispatch it once it is whole."""
        try:
            is_head_new = arrival.add(data)
        except OSError:
            logger.exception(
                "no room for what a client sends: is the temporary folder's disk full?"
            )
            self.refuse(arrival, HTTPStatus.INSUFFICIENT_STORAGE)
            return
        if is_head_new:
            status = self.reason_to_refuse(arrival)
        else:
            is_head_too_large = not arrival.head and arrival.size >= MAX_HEAD_BYTES
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_head_too_large else None
        if status:
            self.refuse(arrival, status)
            return
        if is_head_new and arrival.is_upload:
            self.uploads.add(arrival.conn)
            if EXPECTS.search(arrival.head):
                arrival.conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if arrival.is_whole:
            self.dispatch(arrival)

    def reason_to_refuse(self, arrival) -> HTTPStatus | None:
        """The status for a request that its head alone rules out."""
        if CHUNKED.search(arrival.head):
            return HTTPStatus.LENGTH_REQUIRED  # no browser sends one, and Django would read none
        if arrival.body_length > settings.UPLOAD_MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        if arrival.is_upload and len(self.uploads) >= UPLOAD_PLACES:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return None

    def dispatch(self, arrival):
        """Give a whole request to a thread."""
        conn = arrival.conn
        self.forget(arrival)
        arrival.file.seek(0)
        if conn.parser is None:
            conn.parser = http.get_parser(self.cfg, arrival, conn.client)
        else:
            conn.parser.unreader.sock = arrival
        conn.data_ready = True
        if arrival.is_upload:
            pool, work = self.upload_pool, self.handle_upload
        elif HEALTH_CHECK.match(arrival.head):
            pool, work = self.health_pool, self.handle
        else:
            pool, work = self.tpool, self.handle
        future = pool.submit(work, conn)
        future.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def handle_upload(self, conn):
        """Answer an upload, and keep no database connection until the next."""
        try:
            return self.handle(conn)
        finally:
            connections.close_all()

    def finish_request(self, conn, fs):
        self.uploads.discard(conn)
        super().finish_request(conn, fs)

    # Giving up.

    def murder_pending(self):
        """Close what has not come in time; the main loop calls this every second."""
        super().murder_pending()
        now = time.monotonic()
        for arrival in [each for each in self.arriving.values() if each.deadline < now]:
            if arrival.first_byte_at is None or not self.alive:
                self.drop(arrival)
            else:
                self.refuse(arrival, HTTPStatus.REQUEST_TIMEOUT)
        for conn in [conn for conn, until in self.leaving.items() if until < now]:
            self.close_left(conn)

    def refuse(self, arrival, status: HTTPStatus):
        """Answer without a thread, and close the connection once the client may have read it."""
        conn = arrival.conn
        logger.warning(
            "refused before it was whole", extra={"status": status.value, "bytes": arrival.size}
        )
        self.forget(arrival)
        self.uploads.discard(conn)
        self.leaving[conn] = time.monotonic() + LINGER_SECONDS
        try:
            conn.sock.send(refusal(status))
            conn.sock.shutdown(SHUT_WR)
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_left_readable, conn))
        except OSError:
            self.close_left(conn)

    def on_left_readable(self, conn, sock):
        """Read on what a refused client still sends: closing at once would lose the answer."""
        if received(sock) == b"":
            self.close_left(conn)

    def close_left(self, conn):
        del self.leaving[conn]
        self.unregister(conn)
        self.nr_conns -= 1
        conn.close()

    def drop(self, arrival):
        """Close a connection that sends nothing, or whose client has gone."""
        if arrival.head:
            logger.info("a client has gone before its request was whole")
        self.forget(arrival)
        self.uploads.discard(arrival.conn)
        self.nr_conns -= 1
        arrival.conn.close()

    def forget(self, arrival):
        self.arriving.pop(arrival.conn, None)
        self.unregister(arrival.conn)

    def unregister(self, conn):
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)


def received(sock) -> bytes | None:
    """What a socket has; None where that is nothing yet, and empty where nothing more will come."""
    try:
        return sock.recv(READ_BYTES)
    except BlockingIOError:
        return None
    except OSError:
        return b""


def read_ahead(unreader) -> bytes:
    """What came on a kept connection behind the request before."""
    rest = unreader.take_buffered() + unreader.sock.file.read()
    unreader.sock.file.close()
    return rest


def refusal(status: HTTPStatus) -> bytes:
    """A whole answer, in the site's own words."""
    page = render_to_string("refused.html", {"status": status.value}).encode()
    retry = f"Retry-After: {RETRY_SECONDS}\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(page)}\r\nCache-Control: no-store\r\n{retry}"
        "Connection: close\r\n\r\n"
    )
    return head.encode("ascii") + page
