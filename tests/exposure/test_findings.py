"""The findings of check_storage about a server's headers."""

import pytest

from portal.exposure.anonymous_client import Response
from portal.exposure.findings import FAIL, OK, headers_are

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
