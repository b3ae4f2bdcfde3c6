"""S9: no line of the log holds a link that opens something."""

import logging
from urllib.parse import quote

import pytest

from .views import LINK, SECRET

logger = logging.getLogger("tests.views")
with_failing_views = pytest.mark.urls("tests.observability.views")


@with_failing_views
@pytest.mark.parametrize("log_format", ["json", "logfmt", "plain"])
def test_a_traceback_holds_no_link(log, visitor, log_format):
    """S9: neither its own exception nor the one before it, in any format."""
    log.use(log_format)

    assert visitor.get("/crash/").status_code == 500

    assert "ValueError" in log.text
    assert "KeyError" in log.text
    assert "X-Amz-Signature=[redacted]" in log.text
    assert SECRET not in log.text


@pytest.mark.parametrize("log_format", ["json", "logfmt", "plain"])
def test_a_stack_holds_no_link(log, log_format):
    """S9: where a library logs with stack_info, whose lines may have what was called with."""
    log.use(log_format)

    stack = f"Stack (most recent call last):\n  opened({LINK!r})"
    record = logger.makeRecord(logger.name, logging.ERROR, "", 1, "plain", (), None, sinfo=stack)
    logger.handle(record)

    assert "opened" in log.text
    assert "[redacted]" in log.text
    assert SECRET not in log.text


def test_no_address_with_a_key_gets_into_the_log(log, visitor, db):
    """S9: of what matches, the pattern is logged; what does not match is not logged at all."""
    for address in (
        f"/protected/{SECRET}",
        f"/accounts/password/reset/key/1-{SECRET}/",
        f"/accounts/password/reset/key/1-{SECRET}",
        f"/accounts/confirm-email/{SECRET}/",
        f"/elsewhere/?next=/protected/{SECRET}",
    ):
        visitor.get(address)
        visitor.post(address)

    assert len(log.requests) == 10
    assert log.requests[0]["route"] == "protected/<str:token>"
    assert log.requests[2]["route"].startswith("accounts/password/reset/key/(?P<uidb36>")
    assert any("CSRF" in line.get("reason", "") for line in log.requests)
    assert SECRET not in log.text


class Speaking:
    def __str__(self):
        return LINK


@pytest.mark.parametrize(
    ("message", "arguments", "extra"),
    [
        (LINK, (), {}),
        ("%s", (LINK,), {}),
        ("%(link)s", ({"link": LINK},), {}),
        ("%s", (Speaking(),), {}),
        ("plain", (), {"link": LINK}),
        ("plain", (), {"links": [(LINK, 1), {LINK: LINK}]}),
        ("plain", (), {"object": Speaking()}),
        ("of one too many", (LINK,), {}),
        ("?next=%s", (f"%2Fprotected%2F{SECRET}",), {}),
        ("?next=%s", (f"%2Fx.pdf%3FX-Amz-Signature%3D{SECRET}",), {}),
    ],
)
@pytest.mark.parametrize("log_format", ["json", "logfmt", "plain"])
def test_no_part_of_a_line_holds_a_link(log, log_format, message, arguments, extra):
    """S9: message, arguments and fields, whatever they are made of."""
    log.use(log_format)

    logger.error(message, *arguments, extra=extra)

    assert "[redacted]" in log.text
    assert SECRET not in log.text


@pytest.mark.parametrize(
    "link",
    [
        f"/protected/{SECRET}",
        f"/accounts/password/reset/key/1-{SECRET}/",
        f"/accounts/confirm-email/{SECRET}/",
        f"https://files.example/x.pdf?X-Amz-Signature={SECRET}",
        f"https://files.example/x.pdf?X-Amz-Credential={SECRET}%2F20260102%2Feu-west-1",
        f"https://files.example/x.pdf?x-amz-security-token={SECRET}",
        f"https://files.example/x.pdf?AWSAccessKeyId=AKIA&Signature={SECRET}&Expires=1",
        f"https://files.example/x.pdf?Signature={SECRET}",
        f"https://files.example/x.pdf?X-Goog-Signature={SECRET}",
    ],
)
@pytest.mark.parametrize("times_quoted", [0, 1, 2])
def test_a_link_is_known_in_whatever_address_it_stands(log, link, times_quoted):
    """S9: a link to log in and come back quotes the address, and may be quoted itself."""
    for _ in range(times_quoted):
        link = f"/accounts/login/?next={quote(link, safe='')}"

    logger.error("asked for %s, and then went", link)

    [line] = log.others
    assert "[redacted]" in line["message"]
    assert SECRET not in log.text
    assert line["message"].startswith("asked for ")
    assert line["message"].endswith(" and then went")


def test_what_only_sounds_like_a_link_is_kept(log):
    """The control: an address without a key, and a word that ends like a parameter's name."""
    logger.error("/members/1/resume/, /accounts/password/reset/ and Countersignature=none")

    [line] = log.others
    assert "[redacted]" not in line["message"]


def test_what_is_harmless_stays_as_it_is(log):
    logger.info("%s of %d", "one", 2, extra={"count": 3, "share": 0.5, "done": True, "left": None})

    [line] = log.others
    assert line["message"] == "one of 2"
    assert (line["count"], line["share"], line["done"], line["left"]) == (3, 0.5, True, None)
