"""The time that a request has waited before this process got it: X-Request-Start in the log."""

import re
from pathlib import Path
from unittest import mock

import pytest

ROOT = Path(__file__).parents[2]
NOW = 1_700_000_000.5


@pytest.fixture(autouse=True)
def _clock():
    """Stop the clock that the header is compared with; the request's own time goes on."""
    with mock.patch("portal.observability.request_log.time.time", return_value=NOW):
        yield


@pytest.fixture
def behind_a_proxy(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1


def line(log, client, header=None) -> dict:
    client.get("/healthz", headers={} if header is None else {"X-Request-Start": header})
    return log.requests[-1]


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("1699999999000", 1500),
        ("t=1699999999.000", 1500),
        ("t=1699999999000000", 1500),
        ("1699999999000000", 1500),
        ("t=1699999999000", 1500),
        ("1699999999.25", 1250),
        ("1699999999", 1500),
        (" 1700000000500 ", 0),
        ("1700000001000", 0),  # the router's clock is half a second ahead
        ("1699999410000", 590_500),
        ("1700000002500", 0),  # by two seconds
        ("1699999400500", 600_000),
    ],
)
def test_the_queue_is_in_the_line_and_in_its_total(log, client, behind_a_proxy, header, waited):
    """Heroku sends milliseconds, nginx seconds, others microseconds."""
    found = line(log, client, header)

    assert found["queue_ms"] == pytest.approx(waited, abs=1)
    assert waited <= found["ms"] < waited + 10_000


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "now",
        "-1",
        "1699999999000ms",
        "t=",
        "x=1699999999000",
        "1699999999000, 1699999999000",
        "1700000003000",  # from the future
        "1700000002510",
        "1699999400490",
        "1699999000000",  # a quarter of an hour ago
        "0",
        "9" * 13,
        "9" * 4000,
        "1" * 11,
        "1" * 14,
        "nan",
        "1e12",
        "१६९९९९९९९९०००",
        "1699999999000\x00",
    ],
)
def test_what_is_no_time_of_a_router_is_left_out(log, client, behind_a_proxy, header):
    found = line(log, client, header)

    assert "queue_ms" not in found
    assert found["ms"] < 10_000


def test_a_client_is_not_believed_where_there_is_no_proxy(log, client, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 0

    assert "queue_ms" not in line(log, client, "1699999999000")


def test_people_read_it_in_words(log, client, behind_a_proxy):
    log.use("plain")

    client.get("/healthz", headers={"X-Request-Start": "1699999999000"})

    assert re.search(r"GET /healthz 200 in 15\d\d ms, queue 1500 ms\n", log.text)


def test_browsers_show_it_in_development(client, behind_a_proxy, settings):
    settings.DEBUG = True

    response = client.get("/healthz", headers={"X-Request-Start": "1699999999000"})

    assert "queue;dur=1500.0" in response["Server-Timing"]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("nginx.conf", 'proxy_set_header X-Request-Start "t=${msec}";'),
        ("Caddyfile", "header_up X-Request-Start {time.now.unix_ms}"),
    ],
)
def test_the_proxies_set_it_themselves(name, setting):
    """They replace what a client sends."""
    assert setting in (ROOT / "deploy" / name).read_text()
