"""What is left of an error before it is sent to Sentry; test_sentry.py sends some."""

from types import SimpleNamespace

import pytest
from structlog.contextvars import bound_contextvars

from portal.observability import apps, sentry
from portal.observability.timing import measure_s3

DSN = "https://abcdef0123456789@o1.ingest.sentry.example/42"
LINK = "https://files.example/protected/x.pdf?X-Amz-Signature=5ecre7"
REDACTED = "https://files.example/protected/[redacted]"


@pytest.fixture
def init(monkeypatch):
    """The options with which Sentry has been started, and the loggers that it ignores."""
    given = SimpleNamespace(options={}, ignored=[])
    monkeypatch.setattr(sentry.sentry_sdk, "init", lambda **options: given.options.update(options))
    monkeypatch.setattr(sentry, "ignore_logger", given.ignored.append)
    return given


def test_it_is_started_with_errors_alone_and_nothing_about_people(init, settings):
    """S9: every kind of data is listed, because Sentry collects those that are missing."""
    settings.SENTRY_DSN, settings.SENTRY_RELEASE = DSN, "v1"
    settings.SITE_ENVIRONMENT = "staging"

    sentry.start()

    off = {"mode": "off"}
    assert init.ignored == ["django.security.*"]
    assert init.options == {
        "dsn": DSN,
        "environment": "staging",
        "release": "v1",
        "data_collection": {
            "user_info": False, "cookies": off, "http_headers": {"request": off},
            "http_bodies": [], "url_query_params": off, "database_query_data": False,
            "queues": False, "stack_frame_variables": False,
            "graphql": {"document": False, "variables": False},
            "gen_ai": {"inputs": False, "outputs": False},
        },
        "auto_session_tracking": False,
        "before_send": sentry.clean_event,
        "before_breadcrumb": sentry.clean_breadcrumb,
    }  # fmt: skip


def test_a_project_without_these_settings_is_production(init, settings):
    settings.SENTRY_DSN = DSN
    del settings.SITE_ENVIRONMENT, settings.SENTRY_RELEASE

    sentry.start()

    assert (init.options["environment"], init.options["release"]) == ("production", None)


@pytest.mark.parametrize(("dsn", "is_started"), [(DSN, True), (None, False), ("", False)])
def test_it_is_started_where_it_has_an_address(init, settings, monkeypatch, dsn, is_started):
    settings.SENTRY_DSN = dsn
    measured = []
    monkeypatch.setattr(apps.botocore, "register_initializer", measured.append)

    apps.ObservabilityConfig("portal.observability", apps).ready()

    assert bool(init.options) is is_started
    assert measured == [measure_s3], "calls to S3 are measured in any case"


def test_an_error_keeps_the_request_line_and_its_id():
    """S9."""
    event = {
        "request": {
            "method": "POST", "url": LINK, "cookies": "x", "headers": {"a": "b"}, "data": "c",
            "query_string": "d", "env": {"REMOTE_ADDR": "192.0.2.1"},
        },
        "tags": {"site": "portal"},
        "exception": {"values": [{"value": f"At {LINK} for ada@example.org", "lineno": 7}]},
    }  # fmt: skip

    with bound_contextvars(request_id="a1"):
        sent = sentry.clean_event(event, {})

    assert sent == {
        "request": {"method": "POST", "url": REDACTED},
        "tags": {"site": "portal", "request_id": "a1"},
        "exception": {"values": [{"value": f"At {REDACTED} for [redacted]", "lineno": 7}]},
    }
    assert sentry.clean_event({"request": {"url": LINK}}, {}) == {"request": {"url": REDACTED}}
    assert sentry.clean_event({"message": "m"}, {}) == {"message": "m"}
    with bound_contextvars(request_id="a1"):
        assert sentry.clean_event({}, {}) == {"tags": {"request_id": "a1"}}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"see {LINK} now", f"see {REDACTED} now"),
        ("ada@example.org, Grace.H+x@mail.example.co.uk", "[redacted], [redacted]"),
        ("email=ada%40example.org&x=1", "email=[redacted]&x=1"),
        ("portal@1.0.0 on localhost", "portal@1.0.0 on localhost"),
        ("__Host-sessionid=5ecre7; a=b", "__Host-sessionid=[redacted]; a=b"),
        ("a=b; csrftoken=5ecre7", "a=b; csrftoken=[redacted]"),
        ("csrfmiddlewaretoken=5ecre7&name=x", "csrfmiddlewaretoken=[redacted]&name=x"),
        ("{'sessionid': '5ecre7'}", "{'sessionid': '[redacted]'}"),
        ('{"csrftoken":"5ecre7"}', '{"csrftoken":"[redacted]"}'),
        ("my session is over", "my session is over"),
    ],
)  # fmt: skip
def test_a_text_loses_links_cookies_and_addresses(text, left):
    """S9."""
    assert sentry.clean(text) == left
    assert sentry.clean_breadcrumb({"message": text, "n": 1}, {}) == {"message": left, "n": 1}


def test_a_field_of_any_kind_is_cleaned():
    data = [(LINK, None, True, 1.5), {LINK: [LINK]}]

    assert sentry.clean_breadcrumb({"data": data}, {}) == {
        "data": [(REDACTED, None, True, 1.5), {REDACTED: [REDACTED]}]
    }
