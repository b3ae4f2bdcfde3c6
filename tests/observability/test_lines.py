"""The lines of the log: one for each request, in three formats, and all others."""

import json
import logging
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from structlog.contextvars import bound_contextvars
from structlog.stdlib import ProcessorFormatter

from portal.observability.logs import REQUEST_LOG, formatter
from tests.conftest import settings_for
from tests.settings import without_site_variables

from .views import SECRET

ROOT = Path(__file__).parents[2]
HEROKU_ID = "f9ed4675f1c53513c61a3b3b4e25b4c0"

logger = logging.getLogger("tests.views")
with_failing_views = pytest.mark.urls("tests.observability.views")


def test_a_request_ends_in_one_line(log, client, member, owner):
    client.force_login(member)

    with CaptureQueriesContext(connection) as queries:
        response = client.get(reverse("resume", args=[owner.profile.pk]))

    [line] = log.requests
    assert log.others == []
    assert 0 < line.pop("db_ms") <= line.pop("ms") < 10_000
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "portal.observability.request_log",
        "message": "request",
        "request_id": response["X-Request-ID"],
        "method": "GET",
        "route": "members/<int:pk>/resume/",
        "status": 302,
        "user_id": member.pk,
        "db_queries": len(queries),
        "s3_calls": 0,
        "s3_ms": 0.0,
    }


def test_logfmt_is_what_a_deployed_site_writes(log, client, db):
    log.use("logfmt")

    client.get("/members/", headers={"X-Request-ID": HEROKU_ID})

    assert re.fullmatch(
        r"time=\S+Z level=info logger=portal\.observability\.request_log message=request "
        rf"request_id={HEROKU_ID} method=GET route=members/ status=200 ms=[\d.]+ user_id= "
        r"db_queries=1 db_ms=[\d.]+ s3_calls=0 s3_ms=0\.0\n",
        log.text,
    )
    assert settings_for({})["LOG_FORMAT"] == "plain"


OTHER_LINES = {
    "logfmt": r'time=\S+Z level=warning logger=tests\.views message="Two words" '
    r'request_id=id-1 yes=true nothing= half=0\.5 quoted="a \\"b\\"" items="\[1, 2\]"\n',
    "json": r'\{"time": "\S+Z", "level": "warning", "logger": "tests\.views", '
    r'"request_id": "id-1", "message": "Two words", "yes": true, "nothing": null, '
    r'"half": 0\.5, "quoted": "a \\"b\\"", "items": \[1, 2\]\}\n',
    "plain": r"\d\d:\d\d:\d\d WARNING tests\.views: Two words yes=True nothing=None half=0\.5 "
    r'quoted=a "b" items=\[1, 2\]\n',
}


@pytest.mark.parametrize("log_format", OTHER_LINES)
def test_another_line_has_its_fields_behind_those_that_all_lines_have(log, log_format):
    log.use(log_format)
    fields = {"yes": True, "nothing": None, "half": 0.5, "quoted": 'a "b"', "items": [1, 2]}

    with bound_contextvars(request_id="id-1"):
        logger.warning("Two %s", "words", extra=fields)

    assert re.fullmatch(OTHER_LINES[log_format], log.text), log.text


def test_a_newcomer_reads_words(log, client, db):
    log.use("plain")

    client.get("/members/")
    client.get("/nothing")

    assert re.fullmatch(
        r"\d\d:\d\d:\d\d GET /members/ 200 in \d+ ms, database \d+ ms \(1\)\n"
        r"\d\d:\d\d:\d\d GET \(no route\) 404 in \d+ ms\n",
        log.text,
    )


@pytest.mark.parametrize(
    ("ask", "status", "route", "reason"),
    [
        pytest.param({"path": "/members/"}, 301, None, None, id="security redirect"),
        pytest.param(
            {"path": "/members/", "headers": {"host": "evil.example"}, "secure": True},
            400,
            None,
            "evil.example",
            id="host",
        ),
        pytest.param(
            {"method": "POST", "path": "/accounts/login/", "secure": True},
            403,
            "accounts/login/",
            "Referer checking failed",
            id="csrf",
        ),
        pytest.param({"path": "/nothing", "secure": True}, 404, None, None, id="not found"),
        pytest.param({"path": "/healthz"}, 200, "healthz", None, id="answered"),
    ],
)
def test_what_is_refused_is_a_line_too_and_only_one(
    log, visitor, settings, ask, status, route, reason
):
    """The reason that Django would log once more is in it."""
    settings.SECURE_SSL_REDIRECT = True

    response = visitor.generic(**{"method": "GET"} | ask)

    assert response.status_code == status
    [line] = log.requests
    assert log.others == []
    assert (line["status"], line["route"]) == (status, route)
    assert line["request_id"] == response["X-Request-ID"]
    if reason:
        assert reason in line["reason"]
    else:
        assert "reason" not in line


def test_an_error_that_has_no_traceback_is_one_line(log, visitor, db, monkeypatch):
    monkeypatch.setattr(
        "portal.views.MigrationExecutor.migration_plan", lambda *_: [("profiles", "0002")]
    )

    assert visitor.get("/readyz").status_code == 503

    assert [line["status"] for line in log.requests] == [503]
    assert log.others == []


@with_failing_views
def test_a_traceback_is_a_field_of_one_line(log, visitor):
    response = visitor.get("/crash/")

    [traceback] = log.others
    assert set(traceback) == {"time", "level", "logger", "message", "request_id", "exception"}
    assert traceback["request_id"] == response["X-Request-ID"]
    assert traceback["level"] == "error"
    assert traceback["exception"].startswith("Traceback (most recent call last):\n")
    assert traceback["exception"].endswith("\nand another")
    assert [line["status"] for line in log.requests] == [500]

    log.use("logfmt")
    visitor.get("/crash/")

    [line] = log.errors.getvalue().splitlines()
    assert re.search(
        r'exception="Traceback .*\\n.*ValueError: first \\"line\\" .*\\nand another"', line
    )


@with_failing_views
def test_a_long_traceback_keeps_its_end(log, visitor):
    """Heroku would cut a line at 10,000 bytes, and the end is what tells."""
    log.use("logfmt")

    visitor.get("/deep-crash/")

    [line] = log.errors.getvalue().splitlines()
    assert 8000 < len(line) < 10_000
    kept = re.search(r'exception="\.\.\.(.*)"$', line)[1]
    assert len(kept.encode().decode("unicode_escape")) == 8000
    assert line.endswith('\\nand another"')


@pytest.mark.parametrize("log_format", ["json", "logfmt"])
def test_nobody_forges_a_line(log, log_format):
    log.use(log_format)

    logger.info("x\nlevel=error\r\x1b[2J\u2028\udcff y", extra={"name_": "a\nb\x00"})

    [line] = log.text.splitlines()
    assert line.isprintable()


@pytest.mark.parametrize("given", [HEROKU_ID, "a+b/c=d-" * 25])
def test_the_routers_id_is_kept(log, client, given):
    response = client.get("/healthz", headers={"X-Request-ID": given})

    assert response["X-Request-ID"] == given
    assert log.requests[0]["request_id"] == given


@pytest.mark.parametrize(
    "given", [None, "", "short", "a" * 201, "a" * 20 + "\nforged=1", "a" * 20 + " b", "é" * 20]
)
def test_any_other_id_is_replaced_by_a_new_one(log, client, given):
    headers = {} if given is None else {"X-Request-ID": given}

    first, second = (client.get("/healthz", headers=headers) for _ in range(2))

    assert re.fullmatch(r"[0-9a-f-]{36}", first["X-Request-ID"])
    assert first["X-Request-ID"] != second["X-Request-ID"]


@with_failing_views
def test_requests_at_once_keep_their_ids_apart(log):
    """Each is in the middle of its view while the other logs."""
    answers = {}

    def ask(name):
        answers[name] = Client().get(f"/meet/{name}/")["X-Request-ID"]

    threads = [threading.Thread(target=ask, args=(name,)) for name in ("ada", "grace")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(answers.values())) == 2
    assert [line["message"] for line in log.others] == ["before", "before", "after", "after"]
    assert all(line["request_id"] == answers[line["who"]] for line in log.others)
    assert {line["request_id"] for line in log.requests} == set(answers.values())


def test_a_line_outside_requests_has_no_id(log, client):
    client.get("/healthz")

    logger.info("a command at work")

    assert "request_id" not in log.others[0]


def test_health_stays_without_session_and_database(log, client, member):
    """The line does not look up who is there if the request did not."""
    client.force_login(member)

    with connection.execute_wrapper(lambda *_: pytest.fail("the database was asked")):
        client.get("/healthz")

    assert log.requests[0]["user_id"] is None


def test_a_log_in_is_the_members(log, client, member):
    client.post("/accounts/login/", {"login": member.email, "password": "a long enough passphrase"})
    client.get("/me/")

    assert [line["user_id"] for line in log.requests] == [member.pk, member.pk]
    assert member.email not in log.text


def test_an_asset_is_a_line_under_one_route(log, settings):
    settings.STATIC_ROOT.mkdir(parents=True)
    (settings.STATIC_ROOT / "own.css").write_text("p {}")
    visitor = Client()

    list(visitor.get("/static/own.css"))

    assert [(line["route"], line["status"]) for line in log.requests] == [("static/<path>", 200)]


def test_runserver_does_not_say_it_again(log):
    server = logging.getLogger("django.server")
    about = {"status_code": 200, "server_time": "now"}
    server.info('"%s" %s %s', f"GET /protected/{SECRET} HTTP/1.1", "200", "5", extra=about)
    server.error('"%s" %s %s', "GET / HTTP/1.1", "500", "5", extra=about | {"status_code": 500})
    assert log.text == ""

    server.error("You're accessing it over HTTPS", extra=about | {"status_code": 500})

    assert log.others[0]["message"].startswith("You're")


def test_only_django_is_taken_to_repeat_itself(log):
    logger.warning("The mail server refuses", extra={"status_code": 421})

    assert log.others[0]["message"] == "The mail server refuses"


@pytest.mark.whole
def test_gunicorn_speaks_the_sites_language_once(tmp_path):
    """A HUP would bring back gunicorn's own handler beside the site's."""
    others = without_site_variables()
    environment = others | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "LOG_FORMAT": "logfmt",
        "WEB_CONCURRENCY": "1",
    }
    site = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "gunicorn", "--bind", "127.0.0.1:0", "portal.wsgi"],
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    giving_up = threading.Timer(60, site.kill)
    giving_up.start()
    lines = []

    def read_until(words):
        while not (lines and words in lines[-1]):
            lines.append(site.stderr.readline())
            assert lines[-1], "".join(lines)

    with site:
        read_until("Booting worker")
        site.send_signal(signal.SIGHUP)
        read_until("Handling signal: hup")
        read_until("Booting worker")
        site.terminate()
        lines += site.stderr.readlines()
    giving_up.cancel()

    assert site.returncode == 0
    formatted = re.compile(r"time=\S+ level=info logger=gunicorn\.error message=")
    assert all(formatted.match(line) for line in lines)
    assert sum("Handling signal: hup" in line for line in lines) == 1


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_a_requests_line_has_the_format_of_all_others(log_format):
    """It takes a shorter way; what may differ in the time is its last digits."""
    fields = {
        "method": "GET", "route": "members/<int:pk>/", "status": 403, "ms": 1.5, "user_id": None,
        "reason": 'a "quoted" \\ reason=x\nwith two lines \x1b[31m', "path": "back\\slash",
    }  # fmt: skip
    record = logging.makeLogRecord(
        {"name": REQUEST_LOG, "msg": "request", "levelname": "INFO", "exc_text": None, **fields}
    )
    short = formatter(log_format)

    with bound_contextvars(request_id=HEROKU_ID):
        lines = [short.format(record), ProcessorFormatter.format(short, record)]

    same, usual = (re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", line) for line in lines)
    assert "TIME" in same
    assert as_fields(same, log_format) == as_fields(usual, log_format)


def as_fields(line: str, log_format: str):
    return json.loads(line) if log_format == "json" else line
