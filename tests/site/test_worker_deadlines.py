"""The deadlines of the gunicorn worker, with a clock that the tests move: L1 to L4, R1."""

import pytest

from tests.site.test_buffering_worker import MULTIPART, get, post
from tests.support.worker_here import answer_to, send, status_of, worker_here


@pytest.fixture
def worker():
    with worker_here() as worker:
        yield worker


@pytest.mark.parametrize(
    ("sent", "seconds", "status"),
    [
        (b"", 10, None),  # closed without an answer: browsers open some in advance
        (b"GET / HT", 5, 408),
        (post(9), 5, 408),
        (post(9, body=b"a"), 5, 408),
    ],
)
def test_what_takes_too_long_to_arrive_is_given_up(worker, sent, seconds, status):
    """L1, L2."""
    client = send(worker, sent)
    worker.until(lambda: all(each.size == len(sent) for each in worker.arriving.values()))

    worker.clock.now += seconds
    worker.turns(3)
    assert len(worker.arriving) == 1, "not yet"
    worker.clock.now += 0.6

    found = answer_to(worker, client)
    assert (found[9:12] or None) == (str(status).encode() if status else None)
    assert worker.arriving == {}


@pytest.mark.parametrize(("kind", "seconds"), [("", 10), (MULTIPART, 4)])
def test_what_waits_too_long_for_a_thread_is_told_to_come_again(worker, kind, seconds):
    """L3, L4."""
    worker.site.may_answer.clear()
    busy = 4 if kind else 1  # the threads of its pool
    clients = [send(worker, post(1, kind, b"a")) for _ in range(busy)]
    worker.until(lambda: len(worker.site.environs) == busy)
    late = send(worker, post(1, kind, b"a"))
    worker.until(lambda: len(worker.answering) == busy + 1)

    worker.clock.now += seconds
    worker.turns(3)
    assert len(worker.answering) == busy + 1, "not yet"
    worker.clock.now += 0.6

    assert status_of(worker, late) == 503
    worker.site.may_answer.set()
    assert [status_of(worker, client) for client in clients] == [200] * busy
    assert len(worker.site.environs) == busy


def test_an_answer_that_takes_too_long_is_given_up(worker):
    """D3: Heroku's router has given up by then."""
    worker.site.may_answer.clear()
    client = send(worker, get())
    worker.until(lambda: worker.site.environs)

    worker.clock.now += 30
    worker.turns(3)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)
    worker.clock.now += 0.6

    assert answer_to(worker, client) == b""


def test_a_client_has_seconds_to_read_the_end_of_its_connection(worker):
    """L1: closing it before might lose the answer."""
    client = send(worker, get(version="1.0"))
    assert status_of(worker, client) == 200
    worker.until(lambda: worker.leaving)

    worker.clock.now += 2
    worker.turns(3)
    assert len(worker.leaving) == worker.nr_conns == 1
    worker.clock.now += 0.6
    worker.until(lambda: not worker.leaving)

    assert worker.nr_conns == 0
    other = send(worker, get(version="1.0"))
    answer_to(worker, other)
    other.close()
    worker.until(lambda: worker.nr_conns == 0)


def test_a_refused_client_may_send_on_for_a_while(worker):
    """L1: browsers read an answer only once they have sent."""
    client = send(worker, b"nonsense\r\n\r\n")
    assert status_of(worker, client) == 400
    refused = send(worker, b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert status_of(worker, refused) == 411

    for _ in range(2):
        worker.clock.now += 10
        refused.sendall(b"a" * 1000)
        worker.turns(3)
        assert len(worker.leaving) == 2
    worker.clock.now += 0.6
    worker.until(lambda: worker.nr_conns == 0)


def test_a_stopping_worker_waits_for_what_arrives(worker):
    """R1: for seconds, and no longer for what has not begun."""
    begun, idle = send(worker, b"GET / HT"), send(worker)
    worker.until(lambda: any(each.size for each in worker.arriving.values()))
    worker.alive = False
    worker.clock.now += 0.6
    worker.turns(2)

    worker.clock.now += 1.9
    worker.turns(2)
    assert len(worker.arriving) == 2
    worker.clock.now += 0.6
    assert answer_to(worker, idle) == b""
    assert len(worker.arriving) == 1

    begun.sendall(get()[8:])
    assert b"Connection: close" in answer_to(worker, begun)


def test_what_has_not_arrived_when_a_worker_stops_is_told_to_come_again(worker):
    """R1."""
    client = send(worker, post(100_000, body=b"a" * 60_000))
    worker.until(lambda: worker.uploads)
    worker.alive = False
    worker.clock.now += 0.6
    worker.turns(2)
    client.sendall(b"a" * 30_000)  # so that it is fast enough for an upload

    worker.clock.now += 7.9
    worker.turns(2)
    assert len(worker.arriving) == 1
    worker.clock.now += 0.6

    assert status_of(worker, client) == 503


@pytest.mark.parametrize(("early", "is_left"), [(0.01, True), (0, False)])
def test_the_deadlines_are_looked_at_twice_a_second(worker, early, is_left):
    """And not after each event: a busy worker has a hundred in that time."""
    send(worker)
    worker.turns(2)
    worker.clock.now += 60
    worker.next_look_at = worker.clock.now + early

    worker.murder_pending()

    assert len(worker.arriving) == is_left
    assert worker.next_look_at == worker.clock.now + (early or 0.5)
