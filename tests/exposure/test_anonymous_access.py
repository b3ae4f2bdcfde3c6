"""check_storage: green where files are as exposed as the policies say, and red everywhere else."""

import io
import json
from collections import Counter

import pytest
from django.core.management import call_command

from tests.conftest import BUCKET

from .runs import LIVE_BUCKET, check, failed, names, only, open_to_everyone


def test_all_is_green_that_is_asked(live):
    """S2 S3 S4 S5, Y2: each question once, in order; what it is for is in the other tests."""
    live._backend.put_object(LIVE_BUCKET, "media/another", b"of which one is enough")

    found, ending = check()

    assert ending is None
    at = f"{live.endpoint_url}/{BUCKET}"
    of_link = "content-type, content-disposition, cache-control"
    assert [(each.outcome, each.subject, each.statement) for each in found] == [
        ("ok", "bucket", f"{BUCKET} answers at {at}"),
        ("ok", "bucket", f"anonymous clients cannot list {at}"),
        ("ok", "default", "the site's key lists, stores and deletes below media/"),
        ("ok", "default", f"anonymous clients can read it at {at}"),
        ("ok", "default", "it comes with the content-type, cache-control of its policy"),
        ("ok", "default", "anonymous clients can neither write nor delete"),
        ("ok", "protected", "the site's key lists, stores and deletes below protected/"),
        ("ok", "protected", f"anonymous clients are refused it at {at}"),
        ("ok", "protected", "a signed link opens it"),
        ("ok", "protected", f"it comes with the {of_link} of the link"),
        ("ok", "protected", "it was stored with content-type, cache-control, content-disposition"),
        ("ok", "protected", "an expired link is refused"),
        ("ok", "protected", "an altered link is refused"),
        ("warn", "protected", "links are sent over TLS alone"),
        ("ok", "protected", "anonymous clients can neither write nor delete"),
        ("ok", "assets", "the site's key lists, stores and deletes below assets/"),
        ("ok", "assets", f"anonymous clients can read it at {at}"),
        ("ok", "assets", "it comes with the content-type, cache-control of its policy"),
        ("ok", "assets", "anonymous clients can neither write nor delete"),
        ("ok", "bucket", f"{LIVE_BUCKET} answers at {live.endpoint_url}/{LIVE_BUCKET}"),
        ("ok", "live default", "the key lists and reads below media/"),
        ("ok", "live default", "the key cannot store"),
        ("ok", "live default", "the key cannot delete"),
        ("ok", "live protected", "the key lists and reads below protected/"),
        ("ok", "live protected", "the key cannot store"),
        ("ok", "live protected", "the key cannot delete"),
    ]
    assert {(each.observed, each.hint) for each in found if each.outcome != "ok"} == {
        (
            "the endpoint is http://",
            "Set AWS_S3_ENDPOINT_URL to an address that starts with https://.",
        )
    }
    assert {(each.observed, each.hint) for each in found if each.outcome == "ok"} == {("", "")}
    listed = [r.query["prefix"] for r in live.requests if "prefix" in r.query and not r.access_key]
    assert listed == ["media/", "protected/", "assets/"], "below each prefix, anonymously"
    asked = Counter((r.method, r.access_key, r.status) for r in live.requests)
    assert asked == {
        ("HEAD", None, 403): 2, ("GET", None, 403): 7, ("GET", None, 200): 2,
        ("PUT", None, 403): 3, ("DELETE", None, 403): 3,
        ("GET", "AKIAPORTAL", 200): 5,
        ("PUT", "AKIAPORTAL", 200): 3, ("HEAD", "AKIAPORTAL", 404): 2,
        ("DELETE", "AKIAPORTAL", 204): 6,
        ("GET", "AKIALIVE", 200): 2, ("HEAD", "AKIALIVE", 200): 2,
        ("POST", "AKIALIVE", 403): 2, ("DELETE", "AKIALIVE", 403): 2,
    }  # fmt: skip


def test_a_probe_is_stored_under_each_policy_and_none_is_left(on_s3):
    check()

    put = {r.key for r in on_s3.requests if r.method == "PUT" and r.status == 200}
    assert {key.partition("/check-storage-")[0] for key in put} == {"media", "protected", "assets"}
    assert len(put) == 3
    assert names(on_s3) == []


def test_the_least_that_the_key_may_be_allowed_is_enough(on_s3, monkeypatch):
    """It cannot delete assets, as no deploy does; so no probe is stored that would stay."""
    printed = io.StringIO()
    call_command("setup_bucket", "--print-iam", "app", stdout=printed)
    monkeypatch.setitem(on_s3.identities, "AKIAPORTAL", json.loads(printed.getvalue()))

    found, ending = check()

    assert ending is None
    assert [each.statement.partition(", ")[0] for each in found if each.subject == "assets"] == [
        "the site's key lists below assets/",
        "anonymous clients can neither write nor delete",
    ]
    stored = [r.key for r in on_s3.requests if r.method == "PUT" and r.status == 200]
    assert [key.partition("/")[0] for key in stored] == ["media", "protected"]


@pytest.mark.parametrize("resource", ["*", "protected/*"])
def test_a_bucket_that_opens_protected_files_is_red(on_s3, resource):
    open_to_everyone(on_s3, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/{resource}")

    red = only(failed())

    assert (red.subject, red.observed) == ("protected", "answered 200")
    assert red.statement.startswith("anonymous clients are refused it at")
    assert f"Remove what opens protected/* to Principal * from the policy of {BUCKET}" in red.hint
    assert names(on_s3) == []


@pytest.mark.parametrize(
    "limits", [{}, {"Condition": {"StringLike": {"s3:prefix": "protected/*"}}}]
)
def test_a_bucket_that_lists_is_red(on_s3, monkeypatch, limits):
    monkeypatch.setattr(on_s3, "anonymous_may", {"s3:GetObject", "s3:ListBucket"})
    assert check()[1] is None
    open_to_everyone(on_s3, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", **limits)

    red = only(failed())

    assert red.statement == f"anonymous clients cannot list {on_s3.endpoint_url}/{BUCKET}"
    assert "s3:ListBucket" in red.hint


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:DeleteObject"])
def test_a_bucket_that_anybody_may_change_is_red(on_s3, monkeypatch, action):
    monkeypatch.setattr(on_s3, "anonymous_may", {"s3:GetObject", action})
    open_to_everyone(on_s3, action, f"arn:aws:s3:::{BUCKET}/*")

    red = failed()

    assert [each.subject for each in red] == ["default", "protected", "assets"]
    assert {each.statement for each in red} == {"anonymous clients can neither write nor delete"}
    assert names(on_s3) == []


def test_what_an_anonymous_client_wrote_is_removed_or_named(on_s3, monkeypatch):
    """If the key for assets cannot delete, a successful anonymous upload leaves a file."""
    monkeypatch.setattr(on_s3, "anonymous_may", {"s3:GetObject", "s3:PutObject"})
    monkeypatch.setitem(
        on_s3.permissions,
        "AKIAPORTAL",
        lambda method, bucket, key: method != "DELETE" or not key.startswith("assets/"),
    )
    open_to_everyone(on_s3, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/assets/*")

    red = failed()

    assert [each.statement for each in red][1:] == ["the probe was removed"]
    assert f"Delete {names(on_s3)[0]} from {BUCKET} by hand" in red[1].hint


def anonymously(method, *, key):
    """Return the condition for such a request without credentials."""
    return lambda request: (
        request.method == method
        and request.key.startswith(key)
        and "authorization" not in request.headers
        and not request.pairs
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_server_that_fails_has_refused_nothing(on_s3, method):
    """Tomorrow it may work again, and answer."""
    matching = anonymously(method, key="protected/")
    on_s3.fail_next(status=500, code="InternalError", matching=matching)

    red = only(failed())

    assert (red.subject, red.observed) == ("protected", "answered 500 InternalError")
    assert "nothing is proven" in red.hint
