"""Clients that send and read as slowly as they like: catalogue L1, L2.

Threads are counted, not seconds: on gunicorn's own threaded worker each of these clients holds one,
and nobody else is answered before Visitor gives up.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from tests.support.dyno import eventually
from tests.support.raw_clients import SlowClients, connect, read_answer, repeated
from tests.support.served import HOST, THREADS, WORKERS

MANY = 64
FREED_SECONDS = 20  # the longest deadline of portal/arrivals.py, and a busy machine's slack
SLOW = {
    "head": f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nX-Slow: ",
    "small body": f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9000\r\n\r\n",
    "upload": f"POST /me/edit/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9000000\r\n"
    "Content-Type: multipart/form-data; boundary=x\r\n\r\n--x",
}
EXPECTED = {"head": {408}, "small body": {408}, "upload": {408, 503}}


def open_connections(dyno) -> int:
    """The connections of clients that the workers have not closed."""
    found = [each for worker in dyno.workers() for each in worker.net_connections("tcp")]
    return sum(each.laddr.port == dyno.port and each.status != "LISTEN" for each in found)


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_hold_no_thread(dyno, member, kind):
    """L1, L2: everybody else is served meanwhile, and each slow one is refused in the end."""
    pages = ["/healthz", "/me/", "/accounts/login/", "/me/edit/"]
    visitors = [dyno.visitor(member) for _ in range(WORKERS * THREADS)]

    with SlowClients(dyno.port, MANY, SLOW[kind].encode()) as slow:
        with repeated(slow.send_a_byte, every=0.2), ThreadPoolExecutor(len(visitors)) as pool:
            look = lambda visitor: [visitor.get(page).status for page in pages]  # noqa: E731
            statuses = list(pool.map(look, visitors))
        assert eventually(slow.are_answered, FREED_SECONDS)

        assert statuses == [[200, 200, 302, 200]] * len(visitors)
        assert set(slow.statuses) == EXPECTED[kind]
    dyno.hang_up()
    assert eventually(lambda: not open_connections(dyno), FREED_SECONDS)


def test_a_connection_that_sends_nothing_is_closed(dyno):
    """L2: without an answer, for browsers open some in advance."""
    with connect(dyno.port) as client:
        assert client.recv(100) == b""


def test_an_upload_that_is_fast_enough_may_take_its_time(dyno, member):
    """L1: the control: more than ARRIVAL_SECONDS, at more than 20 kB/s."""
    body = b"x" * 400_000
    head = (
        f"POST /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n"
        "X-Forwarded-Proto: https\r\n\r\n"
    )
    pieces = iter([head.encode(), *[body[i : i + 6000] for i in range(0, len(body), 6000)]])

    with connect(dyno.port) as client:

        def is_sent() -> bool:
            piece = next(pieces, None)
            client.sendall(piece or b"")
            return piece is None

        assert eventually(is_sent, 30, every=0.1)
        assert read_answer(client)[0] == 403  # by the view, for want of a token


def test_clients_that_do_not_read_hold_no_thread(dyno, member):
    """L1: the kernel keeps a page for them, and what it cannot keep is given up."""
    request = f"GET /accounts/login/ HTTP/1.1\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n\r\n"
    clients = [connect(dyno.port, receive_buffer=1) for _ in range(WORKERS * THREADS + 2)]
    visitors = [dyno.visitor(member) for _ in range(WORKERS * THREADS)]

    for client in clients:
        client.sendall(request.encode() * 1000)  # answers of several megabytes

    assert eventually(lambda: not open_connections(dyno), 2 * FREED_SECONDS)
    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(lambda visitor: visitor.get("/me/").status, visitors))
    assert set(statuses) == {200}
    for client in clients:
        client.close()


def test_a_client_that_stays_after_its_answer_stops_nobody(dyno):
    """L1: gunicorn's own worker waits two seconds for each in its main loop: a minute in all."""
    request = f"GET /healthz HTTP/1.0\r\nHost: {HOST}\r\nX-Forwarded-Proto: https\r\n\r\n"
    staying, statuses = [], []

    def one_more() -> bool:
        staying.append(connect(dyno.port))
        staying[-1].sendall(request.encode())
        statuses.append(read_answer(staying[-1])[0])
        return len(statuses) == MANY

    assert eventually(one_more, FREED_SECONDS, every=0)
    assert statuses == [200] * MANY
    for client in staying:
        client.close()


def test_a_hanging_database_does_not_keep_a_health_check_waiting(dyno, member, database_line):
    """D3: while all threads for pages wait, and more requests than there are threads."""
    visitors = [dyno.visitor(member) for _ in range(2 * WORKERS * THREADS)]

    with ThreadPoolExecutor(len(visitors)) as pool, database_line.frozen():
        answers = [pool.submit(visitor.get, "/me/") for visitor in visitors]
        alive = [dyno.visitor().get("/healthz").status for _ in range(10)]
        waiting = sum(not answer.done() for answer in answers)
        statuses = {answer.result().status for answer in answers}

    assert alive == [200] * 10
    assert waiting == len(visitors)
    assert statuses == {503}


def test_more_visitors_than_threads_need_no_more_connections(short_lived_dyno, member):
    """L1: a worker's threads have one each, and its sender one, which it may open meanwhile.

    They share the database's plan of 20 connections with all that a release starts.
    """
    visitors = [short_lived_dyno.visitor(member) for _ in range(40)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [began] = cursor.fetchone()

    with ThreadPoolExecutor(len(visitors)) as pool:
        statuses = list(pool.map(lambda visitor: visitor.get("/me/").status, visitors))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'dyno' AND backend_start > %s",
            [began],
        )
        [connections] = cursor.fetchone()

    assert set(statuses) == {200}
    assert 0 < connections <= WORKERS * (THREADS + 1)
