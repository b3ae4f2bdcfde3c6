"""Somebody without credentials: plain requests, sent once, and what comes back.

No boto3 here, which would sign, try again and follow redirects by itself.
"""

import re
from collections.abc import Mapping
from contextlib import closing
from typing import NamedTuple
from urllib.parse import urlsplit

import urllib3

from portal.s3.codes import ERROR_CODE
from portal.s3.connections import (
    CONNECT_TIMEOUT_SECONDS,
    READ_TIMEOUT_SECONDS,
    trusted_authorities,
)

MAX_BODY_BYTES = 1024 * 1024
LISTING = re.compile(rb"<List(Bucket|Versions)Result\b")


class Answer(NamedTuple):
    """What came back; with the status 0 nothing did, and the body says why."""

    status: int
    headers: Mapping[str, str] = {}  # names in any case
    body: bytes = b""  # of a large one, the first MAX_BODY_BYTES

    def __str__(self):
        if not self.status:
            return self.body.decode()
        return f"answered {self.status} {self.code}".rstrip()

    @property
    def code(self) -> str:
        """S3's own word for what is wrong, such as AccessDenied."""
        found = ERROR_CODE.search(self.body)
        return found[1].decode(errors="replace") if found else ""

    @property
    def is_given(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_redirect(self) -> bool:
        return 300 <= self.status < 400

    @property
    def is_refused(self) -> bool:
        return 400 <= self.status < 500 or self.status == 501  # 501: knows no such method

    @property
    def is_listing(self) -> bool:
        return self.is_given and LISTING.search(self.body) is not None


class Stranger:
    """Asks once, waits a few seconds, and never again asks a host that has not answered."""

    def __init__(self):
        self._silent: set[str] = set()
        self._pool = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=READ_TIMEOUT_SECONDS),
            retries=False,
            ssl_context=trusted_authorities(),
            headers={"User-Agent": "check_storage", "Accept-Encoding": "gzip"},
        )

    def ask(self, method: str, url: str, body: bytes | None = None) -> Answer:
        """The answer; its words never hold the address, which may be a signed one."""
        if self.has_given_up(url):
            return Answer(0, body=b"no answer, as before")
        try:
            response = self._pool.request(
                method, url, body=body, redirect=False, preload_content=False
            )
            with closing(response):
                return Answer(response.status, response.headers, response.read(MAX_BODY_BYTES))
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self.give_up(url)
            return Answer(0, body=f"no answer: {type(error).__name__}".encode())

    def has_given_up(self, url: str) -> bool:
        return host_of(url) in self._silent

    def give_up(self, url: str) -> None:
        """Take the host of an address for silent from now on."""
        self._silent.add(host_of(url))


def host_of(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]
