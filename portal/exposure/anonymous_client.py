"""A client without credentials: plain requests, each sent once, and their responses.

No boto3 here, which would sign requests, retry them and follow redirects.
"""

import re
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3

from portal.s3 import connections
from portal.s3.codes import ERROR_CODE

MAX_BODY_BYTES = 1024 * 1024
LISTING = re.compile(rb"<List(Bucket|Versions)Result\b")


class Response(NamedTuple):
    """A response; the status is 0 if there was none, and the body then has the reason."""

    status: int
    headers: Mapping[str, str] = {}  # names in any case
    body: bytes = b""  # of a large one, the first MAX_BODY_BYTES

    def __str__(self):
        if not self.status:
            return self.body.decode()
        return f"answered {self.status} {self.code}".rstrip()

    @property
    def code(self) -> str:
        """The error code of S3, such as AccessDenied; empty without one."""
        found = ERROR_CODE.search(self.body)
        return found[1].decode(errors="replace") if found else ""

    @property
    def is_given(self) -> bool:
        """True if the request succeeded."""
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        """True if the client was sent to another address."""
        return 300 <= self.status < 400

    @property
    def is_refused(self) -> bool:
        """True if the request was refused, rather than failed."""
        return 400 <= self.status < 500 or self.status == 501  # 501: the method is not supported

    @property
    def is_listing(self) -> bool:
        """True if the response lists the names of files."""
        return self.is_given and LISTING.search(self.body) is not None


class AnonymousClient:
    """Sends each request once, with time limits, and none to a host that did not answer before."""

    def __init__(self):
        self._silent: set[tuple[str, str]] = set()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(
                connect=connections.CONNECT_TIMEOUT_SECONDS,
                read=connections.READ_TIMEOUT_SECONDS,
            ),
            retries=False,  # and no redirects
            ssl_context=connections.trusted_authorities(),
            headers={"User-Agent": "check_storage", "Accept-Encoding": "gzip"},
        )

    def ask(self, method: str, url: str, body: bytes | None = None) -> Response:
        """Return the response; its text never holds the address, which may be a signed one."""
        if self.has_given_up(url):
            return Response(0, body=b"no answer, as before")
        try:
            response = self._pool.request(method, url, body=body, preload_content=False)
            with closing(response):
                return Response(response.status, response.headers, response.read(MAX_BODY_BYTES))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.give_up(url)
            return Response(0, body=f"no answer: {type(error).__name__}".encode())

    def has_given_up(self, url: str) -> bool:
        """Return True if the host of an address did not answer before."""
        return host_of(url) in self._silent

    def give_up(self, url: str) -> None:
        """Send no more requests to the host of an address."""
        self._silent.add(host_of(url))


def host_of(url: str) -> tuple[str, str]:
    """Return the scheme and the host of an address, with its port."""
    return urlsplit(url)[:2]
