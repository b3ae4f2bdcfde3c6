"""How the web line starts, stops and replaces its workers: catalogue R1, R2."""

import contextlib
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from django.db import connection, transaction

from profiles.models import StoredUpload
from tests.site.test_many_uploads import form_with
from tests.support import samples
from tests.support.dyno import Web, eventually
from tests.support.raw_clients import connect, read_answer
from tests.support.served import HOST, WORKERS

EXIT_SECONDS = 20  # gunicorn.conf.py's graceful_timeout, after which the master kills
MULTIPART = "Content-Type: multipart/form-data; boundary=BoUnDaRyStRiNg"


def upload_head(visitor, length: int) -> bytes:
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    return (
        f"POST /me/uploads/resume/ HTTP/1.1\r\nHost: {HOST}\r\nOrigin: https://{HOST}\r\n"
        f"Cookie: {cookies}\r\nX-Forwarded-Proto: https\r\n{MULTIPART}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def has_exited_cleanly(dyno) -> bool:
    """Return True if all processes have ended in time, none of them by a signal."""
    if not eventually(lambda: dyno.has_ended() and not dyno.processes(), EXIT_SECONDS):
        return False
    return dyno.process.returncode == 0 and not re.search(
        "was sent SIG|exited with code", dyno.said()
    )


@pytest.mark.postgresql
def test_requests_in_flight_are_answered_after_sigterm(request, transactional_db):
    """R1: a page that waits for the database, and an upload of which half has come.

    This one and R2 are in make test, which leaves out whatever names a dyno among its fixtures.
    """
    dyno = request.getfixturevalue("short_lived_dyno")
    member = request.getfixturevalue("member")
    visitor, waiting = dyno.visitor(member), dyno.visitor(member)
    body = form_with(visitor, samples.pdf_of_size(3_000_000), "cv.pdf")
    half = len(body) // 2

    with connect(dyno.port) as upload, ThreadPoolExecutor(1) as pool:
        upload.sendall(upload_head(visitor, len(body)) + body[:half])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE profiles_profile")
            page = pool.submit(waiting.get, "/me/")
            cursor.execute("SELECT 1")
            assert eventually(lambda: is_waiting(cursor), 5)
            dyno.signal(signal.SIGTERM)
            assert eventually(lambda: "Handling signal: term" in dyno.said(), 5)
        upload.sendall(body[half:])
        status, headers, _ = read_answer(upload)

    assert page.result().status == 200
    assert (status, headers["Connection"]) == (201, "close")
    assert StoredUpload.objects.filter(owner=member).count() == 1
    assert has_exited_cleanly(dyno)


def is_waiting(cursor) -> bool:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return cursor.fetchone()[0] > 0


def test_clients_that_never_finish_do_not_delay_an_exit(short_lived_dyno, member):
    """R1: they are told to come again, well before the master kills."""
    dyno = short_lived_dyno
    visitor = dyno.visitor(member)
    visitor.get("/me/")

    with connect(dyno.port) as upload, connect(dyno.port) as silent, connect(dyno.port) as head:
        upload.sendall(upload_head(visitor, 9_000_000) + b"x" * 4_000_000)
        head.sendall(b"GET / HTTP/1.1\r\nHost")
        dyno.signal(signal.SIGTERM)
        status, headers, _ = read_answer(upload)
        assert silent.recv(1) == b""

    assert (status, headers["Retry-After"]) == (503, "20")
    assert has_exited_cleanly(dyno)


def test_a_second_sigterm_to_idle_workers_is_ignored(short_lived_dyno):
    """R1: the master passes a dyno's SIGTERM on, so each worker gets another at any moment."""
    dyno, workers = short_lived_dyno, short_lived_dyno.workers()

    dyno.signal(signal.SIGTERM)

    def have_ended() -> bool:
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.terminate()
        return not any(worker.is_running() for worker in workers)

    assert eventually(have_ended, EXIT_SECONDS, every=0.002)
    assert has_exited_cleanly(dyno)


@pytest.mark.postgresql
def test_three_reloads_under_load_lose_no_request(request, transactional_db):
    """R2: on new connections; the recycling of workers is the same manoeuvre."""
    dyno, is_over = request.getfixturevalue("short_lived_dyno"), threading.Event()
    member = request.getfixturevalue("member")
    cookies = dyno.visitor(member).cookies

    def keep_asking() -> list[int]:
        statuses = []
        while not is_over.is_set():
            visitor = dyno.visitor()
            visitor.cookies = dict(cookies)
            statuses.append(visitor.get("/me/").status)
            visitor.connection.close()
        return statuses

    def is_replaced(before) -> bool:
        after = {worker.pid for worker in dyno.workers()}
        return len(after) == WORKERS and not after & before

    with ThreadPoolExecutor(4) as pool:
        askers = [pool.submit(keep_asking) for _ in range(4)]
        try:
            for _ in range(3):
                before = {worker.pid for worker in dyno.workers()}
                os.kill(dyno.process.pid, signal.SIGHUP)
                assert eventually(lambda before=before: is_replaced(before), EXIT_SECONDS)
        finally:
            is_over.set()
    statuses = [status for asker in askers for status in asker.result()]

    assert len(statuses) > 30
    assert set(statuses) == {200}


@pytest.mark.usefixtures("dyno")  # so that it runs where PostgreSQL is
def test_a_site_that_cannot_serve_starts_no_worker(dyno_environment, tmp_path):
    """A worker that fails would be started again and again; the master loads the site first."""
    tree = dyno_environment["HOME"]
    environment = dyno_environment | {"AWS_SECRET_ACCESS_KEY": ""}

    with Web("gunicorn portal.wsgi", tree, environment, tmp_path / "log") as web:
        assert not web.serves()

    assert "AWS_SECRET_ACCESS_KEY" in web.said()
    assert "Booting worker" not in web.said()


def test_no_process_listens_for_commands(dyno):
    """gunicorn's control socket would lie in $HOME, which is read-only on a dyno."""
    found = [each for process in dyno.processes() for each in process.net_connections("unix")]

    assert [each.laddr for each in found if each.laddr] == []
    assert "control" not in dyno.said().lower()


@pytest.mark.usefixtures("dyno")  # so that it runs where PostgreSQL is
def test_the_proxy_protocol_is_refused(dyno_environment, tmp_path):
    """A worker that ignored it would take every proxy for the client."""
    line = "gunicorn --proxy-protocol auto portal.wsgi"

    with Web(line, dyno_environment["HOME"], dyno_environment, tmp_path / "log") as web:
        assert eventually(web.has_ended, 20), web.said()

    assert "BufferingWorker does not speak PROXY" in web.said()
