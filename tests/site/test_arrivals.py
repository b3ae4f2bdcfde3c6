"""How long a request may take to arrive: catalogue L1, L2."""

from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from portal import arrivals
from portal.arrivals import Arrival, is_multipart, received

BEGAN = 1000.0


@pytest.fixture
def arrival():
    made = Arrival(Config(), SimpleNamespace(client=("192.0.2.1", 1)))
    made.began_at = made.last_at = BEGAN
    yield made
    made.close()


@pytest.mark.parametrize(
    ("size", "is_upload", "last", "deadline"),
    [
        (0, False, BEGAN, BEGAN + 10),  # a connection that has sent nothing
        (1, False, BEGAN, BEGAN + 5),
        (60_000, False, BEGAN + 4, BEGAN + 5),  # a small body earns no time
        (60_000, True, BEGAN, BEGAN + 8),
        (1_000_000, True, BEGAN + 50, BEGAN + 55),
        (1_000_000, True, BEGAN + 20, BEGAN + 50),  # and then not a byte for half a minute
    ],
)
def test_an_upload_earns_time_by_its_bytes(arrival, size, is_upload, last, deadline):
    arrival.size, arrival.is_upload, arrival.last_at = size, is_upload, last

    assert arrival.deadline == deadline


def test_the_time_counts_from_the_first_byte(arrival, monkeypatch):
    clock = SimpleNamespace(monotonic=lambda: BEGAN + 7)
    monkeypatch.setattr(arrivals, "time", clock)
    arrival.add(b"GET / HTTP")
    clock.monotonic = lambda: BEGAN + 9
    arrival.add(b"/1.1\r\nHost: a\r\n")

    assert (arrival.began_at, arrival.last_at, arrival.size) == (BEGAN + 7, BEGAN + 9, 25)
    assert arrival.mesg is None
    arrival.add(b"Content-Length: 4\r\n\r\nab")
    assert (arrival.length, arrival.missing, arrival.is_measured) == (4, 2, True)
    assert arrival.is_upload is False
    arrival.add(b"cdGET /")
    assert arrival.missing == 0
    assert next(arrival) is arrival.mesg
    assert arrival.mesg.body.read() == b"abcd"
    assert arrival.finish_body() is True
    assert arrival.unreader is arrival.mesg.unreader


@pytest.mark.parametrize(
    ("length", "more", "is_upload"),
    [
        (65_536, "", False),
        (65_537, "", True),
        (1, "Content-Type: multipart/form-data; boundary=x\r\n", True),
        (1, "Content-Type: MULTIPART/mixed\r\n", True),
        (1, "Content-Type: text/plain\r\n", False),
        (1, "X-Type: multipart/form-data\r\n", False),
    ],
)
def test_an_upload_is_known_by_its_head(arrival, length, more, is_upload):
    """L3: everything large, and forms that may hold files."""
    arrival.add(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n{more}\r\n".encode())

    assert arrival.is_upload is is_upload
    assert is_multipart(arrival.mesg) is ("multipart" in more.lower() and "Content" in more)


def test_chunks_are_not_measured(arrival):
    arrival.add(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")

    assert (arrival.is_measured, arrival.length, arrival.missing) == (False, 0, 0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [(None, b"data"), (BlockingIOError, None), (ConnectionResetError, b"")],
)
def test_a_socket_has_something_nothing_yet_or_an_end(error, expected):
    asked = []

    def recv(size):
        asked.append(size)
        if error:
            raise error
        return b"data"

    assert received(SimpleNamespace(recv=recv), 10) == expected
    assert received(SimpleNamespace(recv=recv), 10_000_000) == expected
    assert asked == [10, 64 * 1024]


def test_a_body_that_cannot_be_written_is_not_missed(arrival):
    """The disk may be full when its temporary file is closed."""

    def close():
        closed.append(True)
        raise OSError(28, "No space left on device")

    closed = []
    arrival.body.close()
    arrival.body = SimpleNamespace(close=close)

    arrival.close()

    assert closed == [True]
    arrival.body = SimpleNamespace(close=bool)
