"""check_storage: green where files are as exposed as the policies say, and red everywhere else."""

import io
import json

import pytest
from django.core.management import call_command

from portal.exposure.findings import OK
from tests.conftest import BUCKET

from .runs import check, failed, names, only, open_to_everyone


def test_all_is_green(on_s3):
    """S2 S3 S4 S5."""
    found, ending = check()

    assert ending is None
    assert [each.statement for each in found if each.outcome != OK] == [
        "links are sent over TLS alone"
    ]
    stated = {(each.subject, each.statement.partition(" http")[0]) for each in found}
    assert {
        ("bucket", "anonymous clients cannot list"),
        ("default", "anonymous clients can read it at"),
        ("assets", "anonymous clients can read it at"),
        ("protected", "anonymous clients are refused it at"),
        ("protected", "a signed link opens it"),
        ("protected", "an expired link is refused"),
        ("protected", "an altered link is refused"),
        ("protected", "anonymous clients can neither write nor delete"),
    } < stated


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
