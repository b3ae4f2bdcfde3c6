"""Signed requests to a bucket, dozens at a time, at a tenth of boto3's cost.

boto3 spends 2.3 ms of Python on each request, so a process sends at most 430 a second, however many
threads it has. This module spends 0.2 ms. docs/decisions/copier-http.md compares the libraries.
"""

import contextlib
import ssl
from collections import deque
from collections.abc import Iterable
from hashlib import sha256
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from urllib3.util.wait import wait_for_read

from portal.s3.addresses import bucket_url, quote_key, service
from portal.s3.codes import CONNECTION_KINDS, ERROR_CODE, ERROR_MESSAGE, KINDS, Kind
from portal.s3.connections import CONNECT_TIMEOUT_SECONDS, trusted_authorities
from portal.s3.signing import EMPTY_SHA256, UNSIGNED_PAYLOAD, query_string, signed_headers

from .stores import Changed, Transient, Unusable

READ_TIMEOUT_SECONDS = 120  # S3 copies a gigabyte before it answers
MAX_LINE_BYTES = 65_536
MAX_IDLE_CONNECTIONS = 64

BUSY_STATUSES = {429, 500, 502, 503, 504}
UNUSABLE = {
    Kind.ACCESS_KEY: "The access key for {bucket} does not exist.",
    Kind.SECRET_KEY: "The secret key for {bucket} is not that of its access key.",
    Kind.KEYS_EXPIRED: "The keys for {bucket} have expired.",
    Kind.KEYS_NOT_TAKEN: "S3 refuses the kind of keys given for {bucket}.",
    Kind.CLOCK: "This machine's clock is wrong: S3 refuses its requests for {bucket}.",
    Kind.BUCKET: "There is no bucket {bucket} (or not at this endpoint).",
    Kind.REGION: "The region or the endpoint of {bucket} is wrong. S3 answered: {message}",
}


class Refused(OSError):
    """S3 has refused a request for a reason that no exception in stores.py stands for."""


# The exceptions that refusal() makes of an answer; a broken connection raises none of them.
OF_STORES = (FileNotFoundError, PermissionError, Transient, Changed, Refused)


class RawResponse(HTTPResponse):
    """A response whose headers are a dict with names in lower case.

    http.client parses headers with the email package, which takes a third of a request's time.
    """

    def begin(self):
        """Read the status line and the headers, in the place of http.client's own parser."""
        status = 100
        while status == 100:  # "continue": the response itself is still to come
            words = self.fp.readline(MAX_LINE_BYTES).split(None, 2)
            if len(words) < 2 or not words[1].isdigit():
                raise HTTPException("The connection was closed, or this is no HTTP.")
            status = int(words[1])
            headers = {}
            while (line := self.fp.readline(MAX_LINE_BYTES)) not in {b"\r\n", b"\n", b""}:
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip(" \t\r\n")
        self.status, self.headers = status, headers
        self.chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        self.chunk_left = None
        length = headers.get("content-length", "")
        if length and not length.isdecimal():
            raise HTTPException("The length of the body is no number.")
        self.length = int(length) if length and not self.chunked else None
        if status == 204 or self._method == "HEAD":
            self.length = 0
        ends_with_connection = self.length is None and not self.chunked
        self.will_close = ends_with_connection or headers.get("connection", "").lower() == "close"


class SignedRequests:
    """Sends requests to one bucket, signed with one key pair.

    `style` is "virtual" or "path", and by default follows from the endpoint. Threads may share an
    instance: each request has a connection to itself, which stays open for the next one as long as
    at most `connections` are idle.
    """

    def __init__(
        self,
        *,
        bucket: str,
        access_key: str,
        secret_key: str,
        region: str,
        endpoint_url: str | None = None,
        style: str | None = None,
        connections: int = MAX_IDLE_CONNECTIONS,
    ):
        self.bucket, self.region = bucket, region
        self.access_key, self._secret_key = access_key, secret_key
        self.service = service(endpoint_url, region)
        self.address = urlsplit(bucket_url(bucket, region, endpoint_url, style))
        self._idle: deque[HTTPConnection] = deque()
        self._max_idle = connections

    def _ask(
        self,
        method: str,
        key: str = "",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Send a request once; returns the headers and the body of the response.

        Raises the exceptions of stores.py, or Refused.
        """
        connection, response = self._send(method, key, query, headers, body)
        try:
            content = response.read()
        except (OSError, HTTPException) as error:
            response.will_close = True
            raise self._broken(error) from error
        finally:
            self._keep(connection, response)
        return response.headers, content

    def _send(self, method, key, query=None, headers=None, body=None):
        """Send a request; returns its connection and a response whose body is still to be read.

        The caller passes both to _keep() once it has read the body.
        """
        path, asked = f"{self.address.path}/{quote_key(key)}", query_string(query or {})
        headers = signed_headers(
            method,
            path,
            asked,
            {**(headers or {}), "host": self.address.netloc},
            payload_hash(body),
            access_key=self.access_key,
            secret_key=self._secret_key,
            region=self.region,
        )
        connection = self._connection()
        try:
            if connection.sock is None:
                connection.connect()
                connection.sock.settimeout(READ_TIMEOUT_SECONDS)
            # S3 may refuse, and close the connection, before it has read all that is sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, f"{path}?{asked}" if asked else path, body, headers)
            response = connection.getresponse()
            if response.status >= 300:
                raise refusal(response.status, response.read(), self.bucket, has_key=bool(key))
            return connection, response
        except BaseException as error:
            connection.close()
            if isinstance(error, OF_STORES):
                raise
            if isinstance(error, (OSError, HTTPException)):
                raise self._broken(error) from error
            raise

    def _connection(self) -> HTTPConnection:
        """Return an idle connection that S3 has not closed, or else a new one."""
        with contextlib.suppress(IndexError):
            while connection := self._idle.pop():
                if not wait_for_read(connection.sock, timeout=0):
                    return connection
                connection.close()  # S3 has closed it; using it would waste an attempt
        options: dict[str, Any] = {
            "host": self.address.hostname,
            "port": self.address.port,
            "timeout": CONNECT_TIMEOUT_SECONDS,
        }
        if self.address.scheme == "https":
            connection = HTTPSConnection(**options, context=trusted_authorities())
        else:
            connection = HTTPConnection(**options)
        connection.response_class = RawResponse
        return connection

    def _keep(self, connection: HTTPConnection, response: RawResponse) -> None:
        """Keep the connection for the next request, if nothing is left to read from it."""
        is_reusable = response.isclosed() and not response.will_close
        if is_reusable and len(self._idle) < self._max_idle:
            self._idle.append(connection)
        else:
            response.close()
            connection.close()

    def _broken(self, error: Exception) -> Exception:
        """Return the exception of stores.py for a connection that failed."""
        host = self.address.netloc
        if isinstance(error, ssl.SSLCertVerificationError):
            return Unusable(f"{host} has no trusted certificate: {error.verify_message}.")
        return Transient(f"{host} does not answer: {type(error).__name__}.")


def payload_hash(body: bytes | Iterable[bytes] | None) -> str:
    """Return the hash of a body for its signature.

    A stream is not hashed, because it can be read only once; its MD5 is compared afterwards.
    """
    if body is None:
        return EMPTY_SHA256
    return sha256(body).hexdigest() if isinstance(body, bytes) else UNSIGNED_PAYLOAD


def refusal(status: int, body: bytes, bucket: str, *, has_key: bool = True) -> Exception:
    """Return the exception of stores.py for an error that S3 has answered with, or Refused.

    `has_key` is False where the request was about the bucket: some servers answer for one that
    does not exist as they do for an object, or with a bare 404.
    """
    code, message = (
        match[1].decode(errors="replace") if (match := pattern.search(body)) else ""
        for pattern in (ERROR_CODE, ERROR_MESSAGE)
    )
    kind = KINDS.get(code)
    if kind in CONNECTION_KINDS:
        return Unusable(UNUSABLE[kind].format(bucket=bucket, message=message))
    if status == 404 and not has_key:
        return Unusable(UNUSABLE[Kind.BUCKET].format(bucket=bucket, message=message))
    if status == 404 and (not code or kind is Kind.NO_OBJECT):
        return FileNotFoundError("There is no such object.")
    if status in {401, 403}:
        return PermissionError(f"S3 answered {code or status}.")
    if status == 412:
        return Changed("The source's file has changed meanwhile.")
    sentence = f"S3 answered {status} {code}".rstrip()
    if status in BUSY_STATUSES or kind is Kind.BUSY:
        return Transient(f"{sentence}.")
    return Refused(f"{sentence}: {message}" if message else f"{sentence}.")
