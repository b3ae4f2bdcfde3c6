"""Requests to tests/support/strict_s3.py: their action, resource and signer.

The signature is computed again with botocore's own signer, on what arrived on the wire.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5, sha256
from hmac import compare_digest
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, unquote_plus
from xml.sax.saxutils import escape

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.s3.responses import ALLOWED_HEADER_OVERRIDES
from werkzeug.wrappers import Response

from . import s3_policy

MAX_LINK_SECONDS = 7 * 24 * 3600
MAX_SKEW_SECONDS = 15 * 60

PRESIGNED = {
    f"X-Amz-{name}"
    for name in ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")
}
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)"
)
VIRTUAL_HOST = re.compile(r"(?P<bucket>.+)\.(localhost|s3[.-].*amazonaws\.com)(:\d+)?")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
OWNER_ACL = "bucket-owner-full-control"  # the one ACL that changes nothing


class Refusal(Exception):
    """An answer in S3's own words instead of the one that was asked for."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message or code

    def as_response(self) -> Response:
        error = f"<Error><Code>{self.code}</Code><Message>{escape(self.message)}</Message></Error>"
        xml = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
        return Response(xml, self.status, content_type="application/xml")


class AccessDenied(Refusal):
    def __init__(self, message: str = "Access Denied") -> None:
        super().__init__(403, "AccessDenied", message)


@dataclass
class S3Request:
    """A request as it arrived, and what became of it. `server.requests` is a list of these."""

    method: str
    bucket: str
    key: str
    path: str  # decoded, and with the bucket only where the client put it there
    pairs: list[tuple[str, str]] = field(repr=False)  # the query, repetitions and all
    headers: dict[str, str]  # names in lower case
    body: bytes = field(repr=False)  # b"" once answered
    status: int | None = None
    access_key: str | None = None  # of the key pair that proved itself

    @classmethod
    def from_environ(cls, environ: dict) -> S3Request:
        """Read the request line itself: WSGI's PATH_INFO has lost what was percent-encoded."""
        path, _, query = environ["strict_s3.target"].partition("?")
        path = unquote_plus(path)  # S3 reads a bare + in a path as a space
        headers: dict[str, str] = {}
        for name, value in environ["strict_s3.headers"]:
            name = name.lower()
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        if host := VIRTUAL_HOST.fullmatch(headers.get("host", "")):
            bucket, key = host["bucket"], path[1:]
        else:
            bucket, _, key = path[1:].partition("/")
        length = -1 if "transfer-encoding" in headers else int(headers.get("content-length", 0))
        body = environ["wsgi.input"].read(length)
        pairs = parse_qsl(query, keep_blank_values=True)
        return cls(environ["REQUEST_METHOD"], bucket, key, path, pairs, headers, body)

    @property
    def query(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def action(self) -> str:
        return s3_policy.action_name(self.method, self.key, self.query)

    @property
    def creates_bucket(self) -> bool:
        parameters = self.query.keys() - PRESIGNED
        return self.method == "PUT" and bool(self.bucket) and not self.key and not parameters

    def touches(self) -> Iterator[tuple[str, str, str, str]]:
        """Yield each method, action, bucket and key that the caller must be allowed."""
        yield self.method, self.action, self.bucket, self.key
        if source := self.headers.get("x-amz-copy-source"):
            bucket, _, key = unquote(source.partition("?")[0]).lstrip("/").partition("/")
            yield "GET", "s3:GetObject", bucket, key
        if self.method == "POST" and "delete" in self.query:
            try:
                elements = list(ET.fromstring(self.body).iter())
            except ET.ParseError as error:
                raise Refusal(400, "MalformedXML") from error
            for element in elements:
                if element.tag.endswith("Key"):
                    yield "DELETE", "s3:DeleteObject", self.bucket, element.text or ""

    def target(self, path: str, without: Container[str]) -> str:
        """Spell a path and the query as AWS does, whatever the client's own spelling was."""
        query = [f"{quote(n, '')}={quote(v, '')}" for n, v in self.pairs if n not in without]
        return f"{quote(path)}?{'&'.join(query)}"


def refuse_other_content(request: S3Request) -> None:
    """Refuse a body that is not the one that the header's MD5 was made of."""
    told = request.headers.get("content-md5")
    if told and told != b64encode(md5(request.body, usedforsecurity=False).digest()).decode():
        raise Refusal(400, "BadDigest", "The Content-MD5 you specified did not match")


def refuse_acls(request: S3Request) -> None:
    """Buckets made since April 2023 have no ACLs."""
    names = request.query | request.headers  # a presigned link may carry an ACL in its query
    if (
        (request.method == "PUT" and "acl" in request.query)
        or names.get("x-amz-acl", OWNER_ACL) != OWNER_ACL
        or any(name.lower().startswith("x-amz-grant-") for name in names)
    ):
        raise Refusal(400, "AccessControlListNotSupported", "The bucket does not allow ACLs")


def header_overrides(request: S3Request, caller: Caller) -> dict[str, str]:
    """Return the headers that a link asks for (moto sets them on GET, but not on HEAD)."""
    asked = ALLOWED_HEADER_OVERRIDES.keys() & request.query.keys()
    if asked and not caller.access_key:
        words = "Request specific response headers cannot be used for anonymous GET requests."
        raise Refusal(400, "InvalidRequest", words)
    overrides = {ALLOWED_HEADER_OVERRIDES[name]: request.query[name] for name in asked}
    if not all(HEADER_VALUE.fullmatch(value) for value in overrides.values()):
        words = "Header value cannot be represented using ISO-8859-1."
        raise Refusal(400, "InvalidArgument", words)
    return overrides


class Caller(NamedTuple):
    """The signer, and for a presigned link its age. An anonymous client has no access key."""

    access_key: str | None = None
    signature_age_ms: float | None = None

    @property
    def auth_type(self) -> str | None:
        """The way of signing, as policies call it."""
        if not self.access_key:
            return None
        return "REST-HEADER" if self.signature_age_ms is None else "REST-QUERY-STRING"


def authenticate(
    request: S3Request, secrets: Mapping[str, str], region: str, now: datetime
) -> Caller:
    """Verify the Signature Version 4 in the header or in the query string."""
    header = request.headers.get("authorization", "")
    if header.startswith("AWS ") or "AWSAccessKeyId" in request.query:
        raise Refusal(400, "InvalidRequest", "Please use AWS4-HMAC-SHA256.")
    presigned = PRESIGNED & request.query.keys()
    if not header and not presigned:
        return Caller()
    if header and presigned:
        raise Refusal(400, "InvalidArgument", "Only one auth mechanism allowed")
    if "x-amz-security-token" in request.headers or "X-Amz-Security-Token" in request.query:
        raise Refusal(400, "InvalidToken", "There are no temporary credentials here")

    if header:
        malformed = "AuthorizationHeaderMalformed"
        if not (parts := AUTHORIZATION.fullmatch(header)):
            raise Refusal(400, malformed)
        credential, signed_names, signature = parts.groups()
        timestamp = request.headers.get("x-amz-date", "")
    else:
        malformed = "AuthorizationQueryParametersError"
        if missing := PRESIGNED - presigned:
            raise Refusal(400, malformed, f"Missing {', '.join(sorted(missing))}")
        names = ("Credential", "SignedHeaders", "Signature", "Date")
        values = (request.query[f"X-Amz-{name}"] for name in names)
        credential, signed_names, signature, timestamp = values
    try:
        signed_at = datetime.strptime(timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise AccessDenied("AWS authentication requires a valid x-amz-date") from error
    access_key, *scope = credential.rsplit("/", 4)
    if scope != (wanted := [timestamp[:8], region, "s3", "aws4_request"]):
        raise Refusal(400, malformed, f"The scope {scope} is wrong; expecting {wanted}")
    if access_key not in secrets:
        raise Refusal(403, "InvalidAccessKeyId")

    age = (now - signed_at).total_seconds()
    if presigned:
        check_lifetime(request.query["X-Amz-Expires"], age)
    elif abs(age) > MAX_SKEW_SECONDS:
        raise Refusal(403, "RequestTimeTooSkewed")
    signed = {n: request.headers[n] for n in signed_names.split(";") if n in request.headers}
    if unsigned := {n for n in request.headers if n.startswith("x-amz-")} - signed.keys():
        raise AccessDenied(f"There were headers which were not signed: {sorted(unsigned)}")
    signer_class = S3SigV4QueryAuth if presigned else S3SigV4Auth
    signer = signer_class(Credentials(access_key, secrets[access_key]), "s3", region)
    if not compare_digest(signature, expected_signature(request, signed, timestamp, signer)):
        raise Refusal(403, "SignatureDoesNotMatch")
    check_payload(request, hash_required=not presigned)
    return Caller(access_key, age * 1000 if presigned else None)


def check_lifetime(expires: str, age: float) -> None:
    """Refuse a link outside its lifetime (seconds), and one that asks for more than a week."""
    if not expires.isdecimal() or int(expires) > MAX_LINK_SECONDS:
        words = "X-Amz-Expires must be less than a week (in seconds); that is 604800"
        raise Refusal(400, "AuthorizationQueryParametersError", words)
    if age > int(expires):
        raise AccessDenied("Request has expired")
    if age < -MAX_SKEW_SECONDS:
        raise AccessDenied("Request is not yet valid")


def expected_signature(
    request: S3Request, headers: dict[str, str], timestamp: str, signer: S3SigV4Auth
) -> str:
    """Sign what arrived, in its canonical spelling.

    AWS does so too; text compared as sent would let in a client that signs a spelling of its own.
    """
    target = request.target(request.path, without={"X-Amz-Signature"})
    headers = {name: value.encode("latin-1").decode() for name, value in headers.items()}
    again = AWSRequest(request.method, f"http://{request.headers['host']}{target}", headers)
    again.context["timestamp"] = timestamp
    canonical = signer.canonical_request(again)
    return signer.signature(signer.string_to_sign(again, canonical), again)


def check_payload(request: S3Request, *, hash_required: bool) -> None:
    """Compare the body with its signed hash, if it has one, and with its length."""
    if len(request.body) < int(request.headers.get("content-length", 0)):
        raise Refusal(400, "IncompleteBody")
    declared = request.headers.get("x-amz-content-sha256")
    if declared is None and hash_required:
        raise Refusal(400, "InvalidRequest", "Missing required header: x-amz-content-sha256")
    if declared is None or declared == "UNSIGNED-PAYLOAD" or declared.startswith("STREAMING-"):
        return
    if declared != sha256(request.body).hexdigest():
        raise Refusal(400, "XAmzContentSHA256Mismatch")
