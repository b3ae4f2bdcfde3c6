"""The site's own Signature Version 4 beside botocore's, and before a server that verifies it."""

import calendar
import time
from datetime import UTC, datetime
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import example, given, settings
from hypothesis import strategies as st

from portal.s3.addresses import bucket_url, quote_key
from portal.s3.signing import (
    EMPTY_SHA256,
    UNSIGNED_PAYLOAD,
    canonical_request,
    presigned_url,
    query_string,
    signed_headers,
    signing_key,
    timestamp,
)
from tests.support.strict_s3 import StrictS3

REGION = "eu-west-1"
KEYS = {"access_key": "AKIA/+ =&", "secret_key": "wJalr/XUtn+é"}
SERVER_KEYS = {"access_key": "AKIAPORTAL", "secret_key": "portal-secret"}
ENDPOINTS = [
    None, "http://127.0.0.1:9000", "http://[::1]:9000", "https://MinIO.example:443/s3",
    "http://minio.example:80", "https://minio.example:80",
]  # fmt: skip

# Everything but lone surrogates, which have no UTF-8, and what no header and no key can hold.
texts = st.text(st.characters(codec="utf-8"), max_size=30)
keys = texts.filter(bool)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=12)
values = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])).map(str.strip)
moments = st.integers(0, 2**32)


class At:
    """botocore's signers at a moment that a test chooses."""

    def __init__(self, monkeypatch, seconds):
        self.monkeypatch, self.moment = monkeypatch, datetime.fromtimestamp(seconds, UTC)

    def sign(self, signer, request):
        with self.monkeypatch.context() as patched:
            patched.setattr(auth, "get_current_datetime", lambda *args: self.moment)
            signer.add_auth(request)
        return request


def credentials():
    return Credentials(KEYS["access_key"], KEYS["secret_key"])


@settings(deadline=None)
@given(
    key=keys,
    parameters=st.dictionaries(texts, texts, max_size=4),
    seconds=st.integers(1, 604_800),
    at=moments,
    endpoint=st.sampled_from(ENDPOINTS),
)
@example("a b+ü~%2F?#&.pdf", {"a-b": "1", "a": "2", "a=": ""}, 600, 0, None)
@example("//", {"": "", " ": "~*'()", "response-content-type": 'text/html; x="é"'}, 1, 1, None)
def test_a_link_equals_botocores_byte_for_byte(key, parameters, seconds, at, endpoint):
    url = f"{bucket_url('files', REGION, endpoint)}/{quote_key(key)}"

    ours = presigned_url(url, **KEYS, region=REGION, seconds=seconds, parameters=parameters, at=at)

    with pytest.MonkeyPatch.context() as monkeypatch:
        signer = auth.S3SigV4QueryAuth(credentials(), "s3", REGION, expires=seconds)
        request = AWSRequest("GET", url, params=dict(parameters))
        theirs = At(monkeypatch, at).sign(signer, request).url
    assert ours == theirs


@settings(deadline=None)
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]),
    key=texts,
    query=st.dictionaries(texts, texts, max_size=4),
    headers=st.dictionaries(names.map("x-amz-meta-".__add__), values, max_size=4),
    body=st.one_of(st.none(), st.binary(max_size=50)),
    at=moments,
    endpoint=st.sampled_from(ENDPOINTS),
)
@example("PUT", "à", {"a-b": "", "a": ""}, {"x-amz-meta-a": "  à   la  carte "}, b"", 0, None)
@example("GET", "", {"uploads": ""}, {"content-type": "a\u00a0b"}, None, 0, None)
def test_a_request_is_signed_as_botocore_signs_it(method, key, query, headers, body, at, endpoint):
    url = urlsplit(f"{bucket_url('files', REGION, endpoint)}/{quote_key(key)}")
    host = auth._host_from_url(url.geturl())
    payload = auth.sha256(body).hexdigest() if body else EMPTY_SHA256
    on_the_wire = {name: value.encode().decode("latin-1") for name, value in headers.items()}

    ours = signed_headers(
        method, url.path, query_string(query), on_the_wire | {"host": host}, payload,
        **KEYS, region=REGION, at=at,
    )  # fmt: skip

    with pytest.MonkeyPatch.context() as monkeypatch:
        signer = auth.S3SigV4Auth(credentials(), "s3", REGION)
        request = AWSRequest(method, url.geturl(), dict(headers), data=body, params=dict(query))
        theirs = At(monkeypatch, at).sign(signer, request).headers
    assert ours["authorization"] == theirs["Authorization"]
    assert ours["x-amz-date"] == theirs["X-Amz-Date"]
    assert ours["x-amz-content-sha256"] == theirs["X-Amz-Content-SHA256"]


def test_a_stream_is_signed_as_botocore_signs_one(monkeypatch):
    url = f"{bucket_url('files', REGION)}/key"
    host = urlsplit(url).netloc

    ours = signed_headers(
        "PUT", "/key", "", {"host": host}, UNSIGNED_PAYLOAD, **KEYS, region=REGION, at=0
    )

    request = AWSRequest("PUT", url)
    request.context["client_config"] = Config(s3={"payload_signing_enabled": False})
    theirs = At(monkeypatch, 0).sign(auth.S3SigV4Auth(credentials(), "s3", REGION), request).headers
    assert ours["authorization"] == theirs["Authorization"]


def test_the_days_key_is_computed_once_a_day():
    midnight = calendar.timegm((2026, 11, 24, 0, 0, 0))
    signing_key.cache_clear()
    links = [
        presigned_url("https://files.example/x", **KEYS, region=REGION, seconds=600, at=at)
        for at in (midnight - 1, midnight - 2, midnight, midnight + 1)
    ]

    assert signing_key.cache_info().misses == 2
    assert len(set(links)) == 4


@pytest.fixture(scope="module")
def server():
    with StrictS3({SERVER_KEYS["access_key"]: SERVER_KEYS["secret_key"]}, region=REGION) as server:
        server._backend.create_bucket("files", REGION)
        yield server


def asked(server, method, target, headers, body=None):
    """The status that a request gets which http.client sends as it is."""
    connection = HTTPConnection(server.host, server.port, timeout=10)
    try:
        connection.request(method, target, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def address(server, key):
    return urlsplit(f"{bucket_url('files', REGION, server.endpoint_url)}/{quote_key(key)}")


# moto keeps no key that is empty or that it would take for another one.
server_keys = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/."), min_size=1,
    max_size=30,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(key=server_keys, meta=values, content=st.binary(max_size=20))
@example("a b+ü~%2F?#&.pdf", "à  la   carte", b"")
def test_a_strict_server_accepts_what_is_signed(server, key, meta, content):
    url = address(server, key)
    headers = {"host": url.netloc, "x-amz-meta-author": meta.encode().decode("latin-1")}
    payload = auth.sha256(content).hexdigest()
    signed = signed_headers("PUT", url.path, "", headers, payload, **SERVER_KEYS, region=REGION)

    assert asked(server, "PUT", url.path, signed, content) == 200

    link = presigned_url(
        url.geturl(), **SERVER_KEYS, region=REGION, seconds=60,
        parameters={"response-content-disposition": "attachment; filename=\"a b~.pdf\""},
    )  # fmt: skip
    assert asked(server, "GET", link.removeprefix(server.endpoint_url), {"host": url.netloc}) == 200


def test_a_strict_server_refuses_what_was_altered(server):
    url = address(server, "key")
    query = query_string({"response-content-type": "text/html"})
    signed = signed_headers(
        "GET", url.path, query, {"host": url.netloc}, EMPTY_SHA256, **SERVER_KEYS, region=REGION
    )
    server._backend.put_object("files", "key", b"x")

    assert asked(server, "GET", f"{url.path}?{query}", signed) == 200  # the control
    assert asked(server, "HEAD", f"{url.path}?{query}", signed) == 403
    assert asked(server, "GET", f"{url.path}2?{query}", signed) == 403
    assert asked(server, "GET", f"{url.path}?{query}x", signed) == 403
    date = signed["x-amz-date"]
    altered = signed | {"x-amz-date": f"{date[:-2]}{(int(date[-2]) + 1) % 10}Z"}
    assert asked(server, "GET", f"{url.path}?{query}", altered) == 403


def test_the_time_is_that_of_utc_wherever_the_machine_is(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert timestamp(0) == "19700101T000000Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_header_that_is_no_utf8_is_signed_as_it_is_sent():
    """Of metadata that another program has stored, say; http.client sends such bytes as Latin-1."""
    assert b"x-amz-meta-by:caf\xe9\n" in canonical_request(
        "GET", "/", "", {"x-amz-meta-by": "caf\xe9"}, EMPTY_SHA256
    )
