"""gunicorn.conf.py as gunicorn reads it; test_stopping.py has its processes."""

import os
import runpy
import signal
from pathlib import Path
from types import SimpleNamespace

import pytest

from portal.outbox import sender

FILE = Path(__file__).parents[2] / "gunicorn.conf.py"
PLAN = 20  # connections of the smallest database
RELEASES = 2  # overlap during a deploy


@pytest.fixture
def conf(monkeypatch):
    for name in ("PORT", "WEB_CONCURRENCY", "DYNO"):
        monkeypatch.delenv(name, raising=False)
    return runpy.run_path(str(FILE))


def test_the_dynos_of_two_releases_fit_the_databases_plan(conf):
    """Each worker has its threads for pages, and the outbox's sender."""
    assert RELEASES * conf["workers"] * (conf["threads"] + 1) <= PLAN


def test_the_site_is_loaded_once_and_before_the_workers(conf):
    assert conf["preload_app"] is True


def test_nothing_listens_but_the_port(conf):
    assert conf["control_socket_disable"] is True
    assert conf["bind"] == "[::]:8000"


@pytest.mark.parametrize("is_own", [True, False])
def test_a_worker_that_exits_ignores_a_second_sigterm_and_ends_its_sender(
    conf, monkeypatch, is_own
):
    """R1. The master calls it too, for a worker that has exited: it must go on hearing."""
    ignored, stopped = [], []
    monkeypatch.setattr(signal, "signal", lambda *args: ignored.append(args))
    monkeypatch.setattr(sender, "stop", lambda: stopped.append(True))

    conf["worker_exit"](None, SimpleNamespace(pid=os.getpid() if is_own else 1))

    assert ignored == [(signal.SIGTERM, signal.SIG_IGN)] * is_own
    assert stopped == [True] * is_own


def test_each_worker_delivers_the_outbox(conf, monkeypatch):
    started = []
    monkeypatch.setattr(sender, "start", lambda: started.append(True))

    conf["post_worker_init"](None)

    assert started == [True]


@pytest.mark.parametrize(("dyno", "kept"), [("web.1", ["203.0.113.7"]), ("", ["203.0.113.7", "x"])])
def test_on_a_dyno_the_first_of_several_addresses_counts(conf, monkeypatch, dyno, kept):
    """A8: Heroku's router appends to the first header and passes the others on."""
    monkeypatch.setenv("DYNO", dyno)
    request = SimpleNamespace(
        headers=[("X-FORWARDED-FOR", "203.0.113.7"), ("HOST", "x"), ("X-FORWARDED-FOR", "x")]
    )

    conf["pre_request"](None, request)

    assert [value for name, value in request.headers if name != "HOST"] == kept
    assert ("HOST", "x") in request.headers
