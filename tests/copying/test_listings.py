"""As few pages as hold the wanted names, in whatever form a server lists them."""

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.copying import listings
from portal.copying.engine import copy
from portal.copying.s3_store import S3Source
from portal.copying.stores import Unusable
from tests.copying.ends import DAY, requests_of


def test_it_leaps_over_what_nobody_asked_for(by_service, s3, small_pages):
    """Six pages of a hundred hold the wanted names: six requests, and none at the target's end."""
    names = [f"{number:04}" for number in range(1000)]
    for name in names:
        by_service.live.put(name, b"", seconds=-DAY)
    wanted = [*names[5:9], names[300], names[511], names[512], names[700], names[900], names[999]]

    results = by_service.copy(*wanted, dry_run=True)

    assert results == dict.fromkeys(wanted, "copied")
    assert requests_of(s3, "AKIALIVE") == [("GET", "live", "")] * 6
    assert len(requests_of(s3, "AKIASTAGING")) == 1  # an empty listing says all at once


def test_it_turns_pages_where_more_is_in_between_than_one_holds(by_service, s3, small_pages):
    crowd = [f"a{number:03}" for number in range(50)] + [f"a~{number:03}" for number in range(50)]
    for name in [*crowd, "b"]:
        by_service.live.put(name)

    assert by_service.copy("a", "b", dry_run=True) == {"a": "missing", "b": "copied"}


def test_it_reads_no_more_pages_than_there_are(by_service, s3, small_pages):
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        by_service.live.put(name, b"", seconds=-DAY)
        by_service.staging.put(name, b"")

    by_service.copy(*names)

    assert requests_of(s3, "AKIALIVE") == [("GET", "live", "")] * 10
    assert requests_of(s3, "AKIASTAGING") == [("GET", "staging", "")] * 10


def test_it_asks_ahead_where_many_are_wanted(by_service, small_pages, monkeypatch):
    """One while the names are read; two before the first of a page's outcomes is read."""
    names = [f"{number:03}" for number in range(100)]
    for name in names:
        by_service.live.put(name, b"", seconds=-DAY)
        by_service.staging.put(name, b"")
    page, requested = S3Source.page, threading.Semaphore(0)

    def counted(store, after):
        if store is by_service.source:
            requested.release()
        return page(store, after)

    monkeypatch.setattr(S3Source, "page", counted)

    def wanted():
        yield names[0], None
        assert requested.acquire(timeout=10)
        yield from ((name, None) for name in names[1:])

    run = copy(wanted(), by_service.source, by_service.target)
    next(run)

    assert [requested.acquire(timeout=10) for _ in range(2)] == [True] * 2
    assert not requested.acquire(timeout=0)  # nor more than that, which would be memory
    run.close()


def test_it_looks_at_each_file_where_it_may_not_list(buckets, s3):
    buckets.live.put("a", seconds=-DAY)
    buckets.live.put("b", seconds=-DAY)
    allowed = s3.permissions.get("AKIASTAGING", lambda *_: True)
    s3.permissions = {
        "AKIALIVE": lambda method, _, key: bool(key) and method in {"GET", "HEAD"},
        "AKIASTAGING": lambda method, bucket, key: bool(key) and allowed(method, bucket, key),
    }

    results = buckets.copy("a", "b", "missing")

    assert results == {"a": "copied", "b": "copied", "missing": "denied"}
    assert buckets.staging.contents() == buckets.live.contents()
    assert buckets.copy("a", "b") == {"a": "unchanged", "b": "unchanged"}


@given(st.sets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=2))
def test_a_page_begins_before_the_name_that_it_is_requested_for(texts):
    for text in texts:
        before = listings.just_before(text).encode()

        assert before < text.encode()


CONTENTS = (
    b"<Contents><Key>media/a</Key><Size>7</Size>"
    b"<LastModified>2026-01-02T03:04:05.000Z</LastModified></Contents>"
)


def in_place_of_listings(s3, monkeypatch, make_body):
    answer = type(s3)._answer

    def answer_with(server, request, environ):
        response = answer(server, request, environ)
        if request.access_key == "AKIALIVE" and not request.key:
            response.data = make_body()
        return response

    monkeypatch.setattr(type(s3), "_answer", answer_with)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome</html>",
        b"\xff\xfe",
        b"<ListBucketResult>" + CONTENTS,
        b"<ListBucketResult>" + CONTENTS.replace(b"Key", b"Kea") + b"</ListBucketResult>",
        b"<ListBucketResult>" + CONTENTS.replace(b"7", b"seven") + b"</ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    ],
)
def test_what_is_no_listing_ends_the_run(by_service, s3, monkeypatch, body):
    in_place_of_listings(s3, monkeypatch, lambda: body)

    with pytest.raises(Unusable, match="something other than a listing"):
        by_service.copy("a")


@pytest.mark.parametrize("prefix", [b"", b"s3:"])
def test_a_listing_may_name_its_namespace(by_service, s3, monkeypatch, prefix):
    by_service.live.put("a")
    body = b"<ListBucketResult>\n" + CONTENTS + b"\n</ListBucketResult>\n"
    body = re.sub(rb"<(/?)", rb"<\1" + prefix, body)
    in_place_of_listings(s3, monkeypatch, lambda: body)

    assert by_service.copy("a", "b") == {"a": "copied", "b": "missing"}


@pytest.mark.parametrize("quote", [b'"', b"&quot;", b"&#34;"])
def test_an_etag_has_no_quotes_however_they_are_written(by_service, s3, monkeypatch, quote):
    etag = b"<ETag>" + quote + b"a&amp;b-2" + quote + b"</ETag><Size>"
    body = b"<ListBucketResult>" + CONTENTS.replace(b"<Size>", etag) + b"</ListBucketResult>"
    in_place_of_listings(s3, monkeypatch, lambda: body)

    assert dict(by_service.source.page("").files)["a"].etag == "a&b-2"


def listing_of(names, *, is_truncated=False):
    entries = (CONTENTS.replace(b"media/a", f"media/{name}".encode()) for name in names)
    said = str(is_truncated).lower().encode()
    about = b"<IsTruncated>" + said + b"</IsTruncated>"
    return b"<ListBucketResult>" + about + b"".join(entries) + b"</ListBucketResult>"


@pytest.mark.parametrize("pages", [["adb", "c"], ["cab"], ["abcd"]])
def test_a_listing_in_another_order_is_not_relied_upon(by_service, s3, monkeypatch, pages):
    """Nor one that says again and again that there is more, be it in order."""
    for name in "abcd":
        by_service.live.put(name)
    answers = [listing_of(names, is_truncated=names != "c") for names in pages]
    in_place_of_listings(s3, monkeypatch, lambda: answers.pop(0) if answers[1:] else answers[0])

    assert by_service.copy(*"abcde") == dict.fromkeys("abcd", "copied") | {"e": "missing"}
