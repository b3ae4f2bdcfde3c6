"""The questions of check_storage one by one: what is asked, and each finding with its hint."""

import pytest

from portal.exposure import anonymous_access, signed_links
from portal.exposure.anonymous_access import (
    changes_are_refused,
    how_to_open,
    listing_is_refused,
    protected_file,
    public_file,
)
from portal.exposure.anonymous_client import Response
from portal.exposure.findings import FAIL, OK, WARN, Finding
from portal.exposure.probes import Probe
from portal.exposure.signed_links import link_hint, only_tls
from portal.files.storages import ProtectedMediaStorage, PublicMediaStorage

AWS = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
    "region_name": "eu-west-1",
}  # fmt: skip
BUCKET, CDN = "https://society.s3.eu-west-1.amazonaws.com", "https://cdn.example.org"
LISTING = b"<ListBucketResult></ListBucketResult>"
DENIED = Response(403, body=b"<Code>AccessDenied</Code>")
SILENT = Response(0, body=b"no answer: ConnectTimeoutError")
PROBE = "check-storage-1.txt"


class Client:
    """Answers with one response after the other, the last one from then on."""

    def __init__(self, *responses):
        self.responses, self.asked = list(responses), []

    def ask(self, method, url, body=None):
        self.asked.append((method, url, body))
        return self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]


def probe_in(kind, **options) -> Probe:
    location = "media" if kind is PublicMediaStorage else "protected"
    return Probe(kind(**AWS | {"location": location} | options), PROBE, b"probe")


def unproven(base: str) -> str:
    return f"Find out why {base} answers so, and run check_storage again: nothing is proven."


LISTS = (
    "Remove what lets Principal * list (s3:ListBucket, s3:List*, s3:*) from the bucket's policy, or"
    " switch listing off in the CDN."
)


@pytest.mark.parametrize(
    ("responses", "count", "outcome", "observed", "hint"),
    [
        ([DENIED], 3, OK, "", ""),
        ([Response(404)], 3, OK, "", ""),
        ([Response(200, body=b"Welcome")], 3, OK, "", ""),
        ([Response(200, body=LISTING)], 1, FAIL, "answered 200", LISTS),
        ([DENIED, DENIED, Response(200, body=LISTING)], 3, FAIL, "answered 200", LISTS),
        ([DENIED, SILENT], 2, FAIL, "no answer: ConnectTimeoutError", unproven(BUCKET)),
        ([DENIED, Response(499)], 3, OK, "", ""),
        ([DENIED, Response(500)], 2, FAIL, "answered 500", unproven(BUCKET)),
        ([Response(503)], 1, FAIL, "answered 503", unproven(BUCKET)),
    ],
)
def test_a_bucket_is_asked_for_a_listing_and_for_one_of_each_prefix(
    responses, count, outcome, observed, hint
):
    client = Client(*responses)
    own = {"default": probe_in(PublicMediaStorage).storage,
           "protected": probe_in(ProtectedMediaStorage).storage}  # fmt: skip

    found = listing_is_refused(BUCKET, own, client)

    assert found == Finding(
        outcome, "bucket", f"anonymous clients cannot list {BUCKET}", observed, hint
    )
    assert client.asked == [
        ("GET", f"{BUCKET}/?{query}", None)
        for query in (
            "max-keys=1",
            "list-type=2&prefix=media%2F&max-keys=1",
            "list-type=2&prefix=protected%2F&max-keys=1",
        )[:count]
    ]


HEADERS = {"Content-Type": "text/plain", "Cache-Control": "public, max-age=86400"}
READS = "anonymous clients can read it at {}"
COMES = "it comes with the content-type, cache-control of its policy"


@pytest.mark.parametrize(("domain", "base"), [(None, BUCKET), ("cdn.example.org", CDN)])
def test_a_public_file_is_read_where_pages_link_to_it(domain, base):
    probe = probe_in(PublicMediaStorage, custom_domain=domain)
    domains = {CDN: probe.storage} if domain else {}
    is_there = Finding(OK, "default", READS.format(base))
    drops = f"Make {base} pass on the headers that a file is stored with."
    serves = f"Make {base} serve society from its root, and unchanged."
    for response, expected in (
        (Response(200, HEADERS, b"probe"), [is_there, Finding(OK, "default", COMES)]),
        (
            Response(200, {"Content-Type": "text/plain"}, b"probe"),
            [is_there, Finding(FAIL, "default", COMES, "cache-control: (none)", drops)],
        ),
        (
            Response(200, HEADERS, b"else"),
            [Finding(FAIL, "default", READS.format(base), "answered with other content", serves)],
        ),
        (
            Response(206, HEADERS, b"probe"),
            [Finding(FAIL, "default", READS.format(base), "answered 206",
                     how_to_open(probe.storage, base, is_domain=bool(domain)))],
        ),
    ):  # fmt: skip
        client = Client(response)
        response.headers.update({name.lower(): value for name, value in response.headers.items()})
        assert list(public_file("default", probe, domains, client)) == expected
        assert client.asked == [("GET", f"{base}/media/{PROBE}", None)]


def test_how_a_public_file_is_opened():
    storage = probe_in(PublicMediaStorage).storage

    assert how_to_open(storage, CDN, is_domain=True) == (
        f"Make {CDN} serve media/* of the bucket society."
    )
    assert how_to_open(storage, BUCKET, is_domain=False).startswith(
        "Run setup_bucket, which opens media/* of society; a provider without bucket policies needs"
        " a public domain instead, named in "
    )


CLOSE = (
    "Remove what opens protected/* to Principal * from the policy of society; setup_bucket"
    " --dry-run prints what belongs there."
)
APART = "Let the CDN serve the public prefixes alone, or give protected files a bucket that it"


def test_a_protected_file_is_asked_for_at_each_address(monkeypatch):
    monkeypatch.setattr(anonymous_access, "link_findings", lambda *given: [given])
    probe, refused = probe_in(ProtectedMediaStorage), "anonymous clients are refused it at {}"
    other = "https://other.example.org"
    client = Client(Response(200), Response(302), Response(403))

    first, second, third, links = protected_file("p", probe, {CDN: 1, other: 2}, client)

    assert first == Finding(FAIL, "p", refused.format(BUCKET), "answered 200", CLOSE)
    assert second == Finding(WARN, "p", refused.format(CDN), "answered 302", unproven(CDN))
    assert third == Finding(OK, "p", refused.format(other))
    assert links == ("p", probe, client)
    assert [url for _, url, _ in client.asked] == [
        f"{base}/protected/{PROBE}" for base in (BUCKET, CDN, other)
    ]
    second = list(protected_file("p", probe, {CDN: 1}, Client(DENIED, Response(200))))[1]
    assert second.outcome == FAIL
    assert second.hint.startswith(APART)


class Probes(list):
    remember = list.append


WRITES = "anonymous clients can neither write nor delete"
NEITHER = (
    "Let the policy of society allow Principal * neither to put nor to delete, and let a CDN pass"
    " on GET and HEAD alone."
)


@pytest.mark.parametrize(
    ("responses", "count", "remembered", "finding"),
    [
        ([DENIED], 4, 0, Finding(OK, "default", WRITES)),
        ([Response(501)], 4, 0, Finding(OK, "default", WRITES)),
        ([Response(200)], 1, 1, Finding(FAIL, "default", WRITES, "answered 200", NEITHER)),
        (
            [DENIED, Response(204)],
            2,
            1,
            Finding(FAIL, "default", WRITES, "answered 204", NEITHER),
        ),
        (
            [DENIED, DENIED, Response(301)],
            3,
            1,
            Finding(WARN, "default", WRITES, "answered 301", unproven(CDN)),
        ),
        (
            [DENIED, DENIED, DENIED, SILENT],
            4,
            1,
            Finding(FAIL, "default", WRITES, "no answer: ConnectTimeoutError", unproven(CDN)),
        ),
    ],
)
def test_a_bucket_and_its_cdn_are_asked_to_write_and_to_delete(
    responses, count, remembered, finding
):
    probe, probes, client = probe_in(PublicMediaStorage), Probes(), Client(*responses)
    elsewhere = probe_in(PublicMediaStorage, bucket_name="another").storage
    domains = {CDN: probe.storage, "https://other.example.org": elsewhere}

    assert changes_are_refused("default", probe, domains, client, probes) == finding

    assert probes == [probe] * remembered
    written = b"An anonymous client has written this.\n"
    assert (
        client.asked
        == [
            (method, f"{base}/media/{PROBE}", written if method == "PUT" else None)
            for base in (BUCKET, CDN)
            for method in ("PUT", "DELETE")
        ][:count]
    )


NAME_THE_REGION = (
    'Set addressing_style in the OPTIONS of STORAGES["p"] to "virtual", so that links name the'
    " region."
)


@pytest.mark.parametrize(
    ("link", "response", "hint"),
    [
        ("https://x/?AWSAccessKeyId=1", Response(403),
         'Set signature_version in the OPTIONS of STORAGES["p"] to "s3v4".'),
        ("https://x/?X-Amz-Date=1", Response(307),
         NAME_THE_REGION),
        ("https://x/", Response(403, body=b"<Code>RequestTimeTooSkewed</Code>"),
         "Set this machine's clock, for S3 checks the time of a signature."),
    ],
)  # fmt: skip
def test_what_to_do_about_a_link_that_opens_nothing(link, response, hint):
    storage = probe_in(ProtectedMediaStorage).storage

    assert link_hint("p", storage, link, response) == hint


PORT_80 = "Run setup_bucket, which makes AWS refuse plain http; elsewhere, close port 80."


@pytest.mark.parametrize(
    ("link", "environment", "response", "finding"),
    [
        ("http://s3.example.org/a?b", "development", DENIED,
         (WARN, "the endpoint is http://", True)),
        ("http://s3.example.org/a?b", "staging", DENIED, (FAIL, "the endpoint is http://", True)),
        ("https://s3.example.org:9/a?b", "production", Response(200), None),
        ("https://s3.example.org/a?b", "production", DENIED, (OK, "", "")),
        ("https://s3.example.org/a?b", "production", SILENT, (OK, "", "")),
        ("https://s3.example.org/a?b", "production", Response(301), (OK, "", "")),
        ("https://s3.example.org/a?b", "production", Response(200),
         (WARN, "answered 200 over http", PORT_80)),
    ],
)  # fmt: skip
def test_links_are_tried_without_tls(settings, link, environment, response, finding):
    settings.SITE_ENVIRONMENT = environment
    client = Client(response)

    found = list(only_tls("protected", link, client))

    if finding and finding[2] is True:
        hint = f"Set {signed_links.variables('protected').endpoint} to an address that starts with https://."
        finding = (*finding[:2], hint)
    outcome = (
        [Finding(finding[0], "protected", "links are sent over TLS alone", *finding[1:])]
        if finding
        else []
    )
    assert found == outcome
    is_asked = link.startswith("https://s3.example.org/")
    assert client.asked == [("GET", "http://s3.example.org/a?b", None)] * is_asked
