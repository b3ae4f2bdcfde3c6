"""A request's line for people: its status in colour, what it waited for, and why it was refused."""

from types import SimpleNamespace

import pytest
from django.utils import translation

from portal.observability import logs
from portal.observability.logs import in_words, plain, shorten_traceback, tidy

REQUEST = {
    "method": "GET", "route": "members/", "status": 200, "ms": 12.4, "user_id": None,
    "db_queries": 0, "db_ms": 0.0, "s3_calls": 0, "s3_ms": 0.0,
}  # fmt: skip


USUAL = "<SUCCESS>GET /members/ 200</> in 12 ms"


@pytest.fixture(autouse=True)
def _colours(monkeypatch):
    def colour(name):
        return lambda text: f"<{name}>{text}</>"

    names = ("SUCCESS", "REDIRECT", "NOT_FOUND", "SERVER_ERROR")
    style = SimpleNamespace(**{f"HTTP_{name}": colour(name) for name in names})
    monkeypatch.setattr(logs, "color_style", lambda: style)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "<SUCCESS>GET /members/ 200</> in 12 ms"),
        ({"status": 299}, "<SUCCESS>GET /members/ 299</> in 12 ms"),
        ({"status": 302}, "<REDIRECT>GET /members/ 302</> in 12 ms"),
        ({"status": 404, "route": None}, "<NOT_FOUND>GET (no route) 404</> in 12 ms"),
        ({"status": 500}, "<SERVER_ERROR>GET /members/ 500</> in 12 ms"),
        ({"status": 101}, "<SERVER_ERROR>GET /members/ 101</> in 12 ms"),
        ({"route": "/"}, "<SUCCESS>GET / 200</> in 12 ms"),
        ({"route": "//a"}, "<SUCCESS>GET /a 200</> in 12 ms"),
        ({"route": ""}, "<SUCCESS>GET / 200</> in 12 ms"),
        ({"method": "POST", "ms": 1000.5}, "<SUCCESS>POST /members/ 200</> in 1000 ms"),
        ({"queue_ms": 0.0}, "<SUCCESS>GET /members/ 200</> in 12 ms, queue 0 ms"),
        (
            {"queue_ms": 7.6, "db_queries": 3, "db_ms": 2.2, "s3_calls": 1, "s3_ms": 30.0,
             "reason": "Why."},
            f"{USUAL}, queue 8 ms, database 2 ms (3), S3 30 ms (1): Why.",
        ),
        ({"db_queries": 1, "db_ms": 0.0}, f"{USUAL}, database 0 ms (1)"),
        ({"s3_ms": 9.0}, "<SUCCESS>GET /members/ 200</> in 12 ms"),
    ],
)  # fmt: skip
def test_a_request_in_words(fields, words):
    with translation.override("de"):
        assert in_words(REQUEST | fields) == words


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            {"time": "12:00:00", "level": "info", "logger": logs.REQUEST_LOG, "message": "request",
             "request_id": "r", **REQUEST},
            "12:00:00 <SUCCESS>GET /members/ 200</> in 12 ms",
        ),
        (
            {"time": "12:00:00", "level": "info", "logger": "a.b", "message": "Done.",
             "request_id": "r"},
            "12:00:00 INFO a.b: Done.",
        ),
        (
            {"time": "12:00:00", "level": "error", "logger": "a", "message": "Bad.", "x": 1,
             "y": "", "exception": "Traceback\n  ..."},
            "12:00:00 ERROR a: Bad. x=1 y=\nTraceback\n  ...",
        ),
        ({"message": "Only."}, "  : Only."),
    ],
)  # fmt: skip
def test_a_line_for_people(event, line):
    assert plain(None, "info", event) == line


def test_a_line_has_no_second_account_of_its_request():
    event = {"request": 1, "server_time": 2, "status_code": 3, "status": 4, "text": "a\x1b\u2028b"}

    assert tidy(None, "info", event) == {"status": 4, "text": "a\\x1b\\u2028b"}


def test_a_long_traceback_loses_its_beginning():
    for length, kept in ((8000, "x" * 7999 + "y"), (8001, "..." + "x" * 7999 + "y")):
        event = {"exception": "x" * (length - 1) + "y", "message": "z" * 9000}
        assert shorten_traceback(None, "error", event) == event | {"exception": kept}
    assert shorten_traceback(None, "error", {"message": "z"}) == {"message": "z"}
