"""The site's own addresses, with a bucket and without one."""

import runpy
import sys

import pytest

EVERYWHERE = [
    ("healthz", "healthz"),
    ("", None),
    ("society/", None),
    ("accounts/", None),
    ("accounts/", None),
    ("admin/", None),
    ("send-again/", "send-again"),
    ("readyz", "readyz"),
    ("favicon.ico", "favicon"),
]
TWINS = [("media/<path:path>", "media"), ("protected/<str:token>", "protected-file")]


@pytest.mark.parametrize(("has_bucket", "twins"), [(True, []), (False, TWINS)])
def test_the_twins_of_what_s3_serves_have_addresses_without_s3_alone(
    settings, monkeypatch, has_bucket, twins
):
    """Or a deployed site would hand out whatever is in MEDIA_ROOT."""
    settings.AWS_AVAILABLE = has_bucket
    monkeypatch.delitem(sys.modules, "portal.urls", raising=False)

    found = runpy.run_module("portal.urls")

    patterns = [(str(each.pattern), getattr(each, "name", None)) for each in found["urlpatterns"]]
    assert patterns == EVERYWHERE + twins
    assert {name: found[name].__qualname__ for name in found if name.startswith("handler")} == {
        "handler400": "bad_request",
        "handler403": "forbidden",
        "handler404": "not_found",
        "handler429": "too_many_requests",
        "handler500": "server_error",
    }
