"""check_storage: the keys for the live site's files read them, and do nothing else."""

import pytest

from portal.exposure.findings import OK, WARN
from tests.conftest import s3_client
from tests.support.strict_s3 import read_only

from .runs import LIVE_BUCKET, about_live, check, failed, names


def test_keys_that_only_read_live_are_green(live):
    """Y2. What is tried besides reading is refused, and would have stored nothing."""
    found, ending = check()

    assert ending is None
    assert [each.outcome for each in about_live(found)] == [OK] * 6
    asked = {(r.method, *r.query) for r in live.requests if r.access_key == "AKIALIVE"}
    tried = {
        (r.method, r.status) for r in live.requests if r.bucket == LIVE_BUCKET and r.status == 403
    }
    assert {method for method, *_ in asked} == {"GET", "HEAD", "POST", "DELETE"}
    assert {method for method, _ in tried} == {"HEAD", "POST", "DELETE"}
    assert not [r for r in live.requests if r.bucket == LIVE_BUCKET and r.method == "PUT"]


def test_a_live_key_that_stores_is_red_and_leaves_nothing(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions,
        "AKIALIVE",
        lambda method, bucket, key: "x." not in key or method == "HEAD",
    )

    red = failed()

    assert [(each.subject, each.statement) for each in red] == [
        ("live default", "the key cannot store"),
        ("live default", "the key cannot delete"),
        ("live protected", "the key cannot store"),
        ("live protected", "the key cannot delete"),
    ]
    assert red[0].observed == "it could begin an upload; nothing was stored"
    assert "--print-iam live" in red[0].hint
    assert names(live, LIVE_BUCKET) == ["media/avatars/x.webp", "protected/resumes/x.pdf"]
    assert "Uploads" not in s3_client(live).list_multipart_uploads(Bucket=LIVE_BUCKET)


def test_an_upload_to_live_that_cannot_be_taken_back_is_named(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions, "AKIALIVE", lambda method, bucket, key: method != "DELETE"
    )

    red = failed()

    begun = s3_client(live).list_multipart_uploads(Bucket=LIVE_BUCKET)["Uploads"][0]["Key"]
    assert (
        red[0].observed
        == f"it could begin an upload; the unfinished upload of {begun} could not be aborted"
    )


def test_live_keys_that_read_nothing_are_red(live, monkeypatch):
    monkeypatch.setitem(
        live.permissions, "AKIALIVE", lambda *asked: read_only(*asked) and not asked[2]
    )

    red = failed()

    assert {each.statement for each in red} == {
        "the key lists and reads below media/",
        "the key lists and reads below protected/",
    }


def test_a_wrong_secret_for_live_is_red(live, settings):
    settings.LIVE_STORAGES = {
        alias: storage | {"OPTIONS": storage["OPTIONS"] | {"secret_key": "no"}}
        for alias, storage in settings.LIVE_STORAGES.items()
    }

    red = failed()

    assert red[0].hint == (
        "Set LIVE_READ_ONLY_SECRET_KEY to the secret half of LIVE_READ_ONLY_ACCESS_KEY_ID."
    )


def test_a_live_prefix_with_nothing_below_it_is_worth_a_word(live):
    s3_client(live).delete_object(Bucket=LIVE_BUCKET, Key="media/avatars/x.webp")

    found, ending = check()

    assert ending is None
    assert [each.observed for each in about_live(found) if each.outcome == WARN] == [
        "there is nothing to read"
    ]


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_an_answer_other_than_a_refusal_proves_nothing_of_a_live_key(live, method):
    live.fail_next(
        status=405,
        code="MethodNotAllowed",
        times=9,
        matching=lambda request: request.method == method and request.bucket == LIVE_BUCKET,
    )

    red = failed()

    statement = {"POST": "the key cannot store", "DELETE": "the key cannot delete"}[method]
    assert [(each.subject, each.statement) for each in red] == [
        ("live default", statement),
        ("live protected", statement),
    ]
    assert "nothing is proven" in red[0].hint
