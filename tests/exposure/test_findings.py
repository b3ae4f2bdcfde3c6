"""The findings of check_storage about a server's headers."""

import pytest

from portal.exposure.anonymous_client import Response
from portal.exposure.findings import FAIL, OK, WARN, Finding, headers_are, refused

WANTED = {"content-type": "text/plain", "cache-control": "public, max-age=86400"}


@pytest.mark.parametrize(
    ("headers", "outcome"),
    [
        ({}, OK),
        ({"content-type": "text/plain; charset=utf-8"}, OK),
        ({"content-type": "Text/Plain"}, OK),
        ({"cache-control": "max-age=86400,public"}, OK),
        ({"content-type": "text/html; charset=utf-8"}, FAIL),
        ({"cache-control": "public"}, FAIL),
        ({"cache-control": "public, max-age=86400, no-store"}, FAIL),
        ({"cache-control": ""}, FAIL),
    ],
    ids=str,
)
def test_headers_are_compared_by_what_they_mean(headers, outcome):
    """Servers write them in another order, and name the charset of a text."""
    found = headers_are("default", "", Response(200, WANTED | headers), WANTED, "")

    assert found.outcome == outcome


UNPROVEN = "Find out why https://b answers so, and run check_storage again: nothing is proven."


@pytest.mark.parametrize(
    ("status", "outcome", "hint"),
    [
        (200, FAIL, "Close it."),
        (302, WARN, UNPROVEN),
        (403, OK, ""),
        (404, OK, ""),
        (500, FAIL, UNPROVEN),
        (501, OK, ""),
    ],
)
def test_a_refusal_is_told_from_what_proves_nothing(status, outcome, hint):
    found = refused("media", "it is refused", Response(status), "Close it.", "https://b")

    observed = "" if outcome == OK else f"answered {status}"
    assert found == Finding(outcome, "media", "it is refused", observed, hint)


def test_headers_that_differ_are_named_as_they_came():
    response = Response(200, {"content-type": "text/html"})

    assert headers_are("media", "it has them", response, WANTED, "Correct it.") == (
        FAIL, "media", "it has them", "content-type: text/html; cache-control: (none)",
        "Correct it.",
    )  # fmt: skip
