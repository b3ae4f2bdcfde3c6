"""A request as far as it has come, and how long it may take."""

import contextlib
import time
from tempfile import SpooledTemporaryFile

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

READ_BYTES = 64 * 1024
SMALL_BODY_BYTES = 64 * 1024  # kept in memory; every form of this site without files is smaller
IDLE_SECONDS = 10  # for a new connection to send its first byte
ARRIVAL_SECONDS = 5  # for the head, and for a small body
UPLOAD_BYTES_PER_SECOND = 20_000  # at least, after ARRIVAL_SECONDS
STALL_SECONDS = 30  # without a byte of an upload that was fast before


class Arrival:
    """A request as far as it has come. Once it is whole, it stands in for gunicorn's parser."""

    def __init__(self, cfg, conn):
        self.cfg, self.conn = cfg, conn
        self.head = bytearray()
        self.mesg: Request | None = None  # once the head is whole; the name is the parser's
        self.body = SpooledTemporaryFile(SMALL_BODY_BYTES)  # noqa: SIM115 - close() does
        self.size = self.length = self.missing = 0  # bytes: all that came, the body's, to come
        self.is_measured = self.is_upload = False
        self.began_at = self.last_at = time.monotonic()

    def add(self, data: bytes) -> None:
        """Take what has come. Raises ParseException for a bad head, OSError where there is no room.

        gunicorn's own parser decides where a head ends and how long the body is, once.
        """
        self.last_at = time.monotonic()
        self.began_at = self.began_at if self.size else self.last_at
        self.size += len(data)
        if self.mesg is None:
            self.head += data
            if b"\n" not in data:
                return
            unreader = IterUnreader([bytes(self.head)])
            try:
                self.mesg = Request(self.cfg, unreader, self.conn.client, req_number=1)
            except NoMoreData:
                return
            data = unreader.take_buffered()
            reader = self.mesg.body.reader
            self.is_measured = isinstance(reader, LengthReader)
            self.length = self.missing = reader.length if self.is_measured else 0
            unreader.unread(data[self.length :])  # of the next request: finish_request looks there
            self.is_upload = self.length > SMALL_BODY_BYTES or is_multipart(self.mesg)
        self.body.write(data[: self.missing])
        self.missing -= min(len(data), self.missing)
        if not self.missing:
            self.body.seek(0)
            self.mesg.body = self.body

    @property
    def deadline(self) -> float:
        """When to give up, by time.monotonic()."""
        if not self.size:
            return self.began_at + IDLE_SECONDS
        earned = self.size / UPLOAD_BYTES_PER_SECOND if self.is_upload else 0
        return min(self.began_at + ARRIVAL_SECONDS + earned, self.last_at + STALL_SECONDS)

    def close(self):
        with contextlib.suppress(OSError):  # what could not be written is not missed
            self.body.close()

    # The parser, as far as ThreadWorker uses it.

    def __next__(self) -> Request:
        return self.mesg

    @property
    def unreader(self):
        return self.mesg.unreader

    def finish_body(self, deadline=None) -> bool:
        """Return True: what the application has not read is not on the connection."""
        return True


def is_multipart(request: Request) -> bool:
    """Return True for a form that may hold files."""
    types = [value for name, value in request.headers if name == "CONTENT-TYPE"]
    return any(value.lower().startswith("multipart/") for value in types)


def received(sock, size: int) -> bytes | None:
    """What a socket has; None where that is nothing yet, and empty where nothing more will come."""
    try:
        return sock.recv(min(size, READ_BYTES))
    except BlockingIOError:
        return None
    except OSError:
        return b""
