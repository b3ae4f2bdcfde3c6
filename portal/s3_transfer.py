"""S3 as the copy engine needs it: few kinds of request, dozens at a time.

Not through boto3, whose Python allows 430 requests a second in a process; here it is a few
thousand. urllib3 (boto3's own) keeps the connections and finds what was cut off; the signature
is AWS's Signature Version 4: docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import contextlib
import hmac
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from hashlib import sha256
from itertools import count, repeat
from typing import NamedTuple
from urllib.parse import quote, unquote_plus, urlsplit
from xml.sax.saxutils import escape

import urllib3

from . import s3
from .places import CHUNK_BYTES, Content, Found, Transient, Unusable

READ_TIMEOUT_SECONDS = 120  # S3 copies a gigabyte before it answers
PAGE_NAMES = 1000  # S3's own limit
PART_BYTES = 64 * 1024 * 1024
PARTS_AT_ONCE = 4
MAX_PARTS = 10_000  # S3's own limit

# What an object is, beside its bytes; user metadata (x-amz-meta-) comes on top.
DESCRIBING = {
    "content-type", "cache-control", "content-disposition", "content-encoding",
    "content-language", "expires",
}  # fmt: skip
EMPTY_SHA256 = sha256().hexdigest()

AWS_HOST = re.compile(r"(.+\.)?s3[.-](.+\.)?amazonaws\.com(\.cn)?")
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::")
ERROR_CODE = re.compile(rb"<Code>([^<]+)<")
ERROR_MESSAGE = re.compile(rb"<Message>([^<]+)<")

BUSY_STATUSES = {429, 500, 502, 503, 504}
BUSY_CODES = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "BadDigest"}
HOPELESS = {
    "InvalidAccessKeyId": "S3 does not know the access key for {bucket}.",
    "SignatureDoesNotMatch": "The secret key for {bucket} is not that of its access key.",
    "RequestTimeTooSkewed": "This machine's clock is wrong: S3 refuses its requests for {bucket}.",
    "NoSuchBucket": "There is no bucket {bucket} (or not at this endpoint).",
    "AuthorizationHeaderMalformed": "The region of {bucket} is wrong: S3 says {message}",
    "PermanentRedirect": "The region or the endpoint of {bucket} is wrong: S3 says {message}",
    "ExpiredToken": "The keys for {bucket} have expired.",
    "InvalidToken": "S3 refuses the kind of keys given for {bucket}.",
}


class Page(NamedTuple):
    """A stretch of a listing."""

    found: dict[str, Found]  # by name, in the order of their UTF-8 bytes
    is_last: bool


class S3Source:
    """The files below a prefix in a bucket, to be read: by construction GET, HEAD and LIST only.

    `style` is "virtual" or "path", and by default what works with the endpoint.
    """

    lists = True

    def __init__(
        self,
        *,
        bucket: str,
        prefix: str,
        access_key: str,
        secret_key: str,
        region: str,
        endpoint_url: str | None = None,
        style: str | None = None,
        connections: int = 64,
    ):
        self.bucket, self.prefix = bucket, f"{prefix}/" if prefix else ""
        self.access_key, self._secret_key, self.region = access_key, secret_key, region
        self.service = service(endpoint_url, region)
        self.address = urlsplit(s3.bucket_url(bucket, region, endpoint_url, style))
        self._pool = urllib3.connection_from_url(
            f"{self.address.scheme}://{self.address.netloc}",
            maxsize=connections,
            timeout=urllib3.Timeout(s3.CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS),
            retries=False,
        )

    def __str__(self):
        return f"The bucket {self.bucket}, below {self.prefix}"

    def key(self, name: str) -> str:
        return self.prefix + name

    def page(self, after: str) -> Page:
        """Up to a thousand files whose names come after the given one."""
        query = {
            "list-type": "2",
            "encoding-type": "url",
            "max-keys": str(PAGE_NAMES),
            "prefix": self.prefix,
            "start-after": self.key(after),
        }
        root = ET.fromstring(self._ask("GET", query=query).data)  # noqa: S314 (S3 wrote it)
        about = dict(fields_of(root))
        is_encoded = about.get("EncodingType") == "url"
        files = {}
        for fields in elements(root, "Contents"):
            key = unquote_plus(fields["Key"]) if is_encoded else fields["Key"]
            modified = datetime.fromisoformat(fields["LastModified"]).timestamp()
            files[key.removeprefix(self.prefix)] = Found(
                int(fields["Size"]), modified, fields.get("ETag", "").strip('"')
            )
        return Page(files, about.get("IsTruncated") != "true")

    def find(self, name: str) -> Found | None:
        try:
            return found(self._ask("HEAD", self.key(name)).headers)
        except FileNotFoundError:
            return None

    def headers(self, name: str) -> dict[str, str]:
        return describing(self._ask("HEAD", self.key(name)).headers)

    @contextlib.contextmanager
    def open(self, name: str, part: range | None = None, etag: str = "") -> Iterator[Content]:
        """Read an object, or a part of it, which must then still be the one with this ETag."""
        headers = {}
        if part is not None:
            headers["range"] = f"bytes={part.start}-{part.stop - 1}"
        if etag:
            headers["if-match"] = f'"{etag}"'
        response = self._ask("GET", self.key(name), headers=headers, is_streamed=True)
        try:
            is_whole = response.status == 200
            if part is not None and is_whole:
                raise OSError("S3 sent all of the object instead of a part")
            yield Content(found(response.headers), describing(response.headers), read(response))
        finally:
            response.close()  # once read to its end, the connection is back in the pool already

    def _ask(
        self,
        method: str,
        key: str = "",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        body: bytes | Iterable[bytes] | None = None,
        is_streamed: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One signed request, and no second attempt; what S3 refuses is raised."""
        path = f"{self.address.path}/{s3.quote_key(key)}"
        pairs = sorted((query or {}).items())
        asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
        headers = self._signed(method, path, asked, headers or {}, body)
        try:
            response = self._pool.urlopen(
                method,
                f"{path}?{asked}" if asked else path,
                body=body,
                headers=headers,
                preload_content=not is_streamed,
                decode_content=False,
                redirect=False,
            )
            if response.status >= 300:
                raise refusal(response.status, response.data, self.bucket)
        except urllib3.exceptions.HTTPError as error:
            raise Transient(
                f"{self.address.netloc} does not answer: {type(error).__name__}."
            ) from error
        return response

    def _signed(self, method, path, query, headers, body) -> dict[str, str]:
        """The headers with those that Signature Version 4 adds."""
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        if body is None:
            payload = EMPTY_SHA256
        else:  # a stream cannot be hashed before it is sent; what arrived is checked afterwards
            payload = sha256(body).hexdigest() if isinstance(body, bytes) else "UNSIGNED-PAYLOAD"
        headers = headers | {
            "host": self.address.netloc,
            "x-amz-content-sha256": payload,
            "x-amz-date": now,
        }
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{payload}"
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        # Header values are whatever bytes they were: http.client reads and writes them as Latin-1.
        hashed = sha256(canonical.encode("latin-1")).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashed}"
        key = signing_key(self._secret_key, now[:8], self.region)
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return headers


class S3Target(S3Source):
    """The files below a prefix in a bucket, to be read and written.

    `describe` gives the headers of files that come from where no headers are.
    """

    keeps_time = False
    single_bytes = 1024**3  # S3 itself would take 5 GiB, and several minutes for its answer

    def __init__(self, *, describe: Callable[[str], dict[str, str]] = lambda name: {}, **options):
        super().__init__(**options)
        self.describe = describe

    def write(self, name: str, content: Content) -> str:
        """Store an object; returns the MD5 that S3 made of it, or nothing if it names none."""
        described = content.headers or self.describe(name)
        headers = described | {"content-length": str(content.found.size)}
        response = self._ask("PUT", self.key(name), headers=headers, body=content.chunks)
        return received_md5(response.headers)

    def can_copy_from(self, source) -> bool:
        """Whether both are of one service, so that its servers could copy among themselves."""
        return isinstance(source, S3Source) and source.service == self.service

    def may_read(self, source: S3Source, name: str) -> bool:
        """Whether these keys may read a file of the source."""
        source_by_these_keys = copy(source)
        source_by_these_keys.access_key = self.access_key
        source_by_these_keys._secret_key = self._secret_key
        try:
            return source_by_these_keys.find(name) is not None
        except (PermissionError, Unusable):
            return False

    def copy(self, name: str, source: S3Source) -> str:
        """Let S3 copy an object with all that describes it; returns what write() does."""
        copied_from = f"{source.bucket}/{s3.quote_key(source.key(name))}"
        response = self._ask("PUT", self.key(name), headers={"x-amz-copy-source": copied_from})
        etag = self._answer(response).get("ETag", "")
        return received_md5({"etag": etag} | response.headers)

    def in_parts(
        self,
        name: str,
        size: int,
        headers: dict[str, str],
        send: Callable[[str, int, range], str],
    ) -> None:
        """Make one object of parts; send(upload, number, part) stores a part, returns its ETag."""
        key = self.key(name)
        self._abort_uploads(key)
        described = headers or self.describe(name)
        begun = self._ask("POST", key, query={"uploads": ""}, headers=described)
        upload = self._answer(begun)["UploadId"]
        length = max(PART_BYTES, -(-size // MAX_PARTS))
        parts = [range(start, min(start + length, size)) for start in range(0, size, length)]
        try:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
                etags = list(pool.map(send, repeat(upload), count(1), parts))
            listed = "".join(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
                for number, etag in enumerate(etags, 1)
            )
            body = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()
            self._answer(self._ask("POST", key, query={"uploadId": upload}, body=body))
        except BaseException:
            with contextlib.suppress(OSError, Unusable):
                self._ask("DELETE", key, query={"uploadId": upload})
            raise

    def write_part(self, name: str, upload: str, number: int, content: Content) -> str:
        """Store a part; returns its ETag."""
        response = self._ask(
            "PUT",
            self.key(name),
            query={"partNumber": str(number), "uploadId": upload},
            headers={"content-length": str(content.found.size)},
            body=content.chunks,
        )
        return response.headers.get("etag", "")

    def copy_part(
        self, name: str, upload: str, number: int, part: range, source: S3Source, etag: str
    ) -> str:
        """Let S3 copy a part of the source's object, if that has this ETag; returns the part's."""
        condition = {"x-amz-copy-source-if-match": f'"{etag}"'} if etag else {}
        response = self._ask(
            "PUT",
            self.key(name),
            query={"partNumber": str(number), "uploadId": upload},
            headers={
                "x-amz-copy-source": f"{source.bucket}/{s3.quote_key(source.key(name))}",
                "x-amz-copy-source-range": f"bytes={part.start}-{part.stop - 1}",
                **condition,
            },
        )
        return self._answer(response).get("ETag", "")

    def _abort_uploads(self, key: str) -> None:
        """Do away with the parts that a killed run has left behind: they cost, and show nowhere."""
        with contextlib.suppress(PermissionError):
            answer = self._ask("GET", query={"uploads": "", "prefix": key})
            root = ET.fromstring(answer.data)  # noqa: S314 (S3 wrote it)
            for upload in elements(root, "Upload"):
                if upload["Key"] == key:
                    self._ask("DELETE", key, query={"uploadId": upload["UploadId"]})

    def _answer(self, response: urllib3.BaseHTTPResponse) -> dict[str, str]:
        """What an answer's XML holds: S3 may find out about an error after it has said 200."""
        fields = dict(fields_of(ET.fromstring(response.data)))  # noqa: S314 (S3 wrote it)
        if "Code" in fields:
            raise refusal(500, response.data, self.bucket)
        return fields


@cache
def signing_key(secret_key: str, day: str, region: str) -> bytes:
    """The key of one day in one region."""
    key = f"AWS4{secret_key}".encode()
    for word in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key


def service(endpoint_url: str | None, region: str) -> str:
    """The one name of an S3 service under all its addresses.

    Buckets of AWS are known to all of its regions: their hosts count as one.
    """
    address = urlsplit(endpoint_url or "https://s3.amazonaws.com")
    host = (address.hostname or "").rstrip(".")
    if AWS_HOST.fullmatch(host):
        return "aws-cn" if host.endswith(".cn") or region.startswith("cn-") else "aws"
    if LOOPBACK.fullmatch(host):
        host = "localhost"
    # The same host is the same service over http and https, each at its own port.
    port = "" if address.port in {None, 80, 443} else f":{address.port}"
    return f"{host}{port}{address.path.rstrip('/')}"


def refusal(status: int, body: bytes, bucket: str) -> Exception:
    """What S3 has answered, in the words of portal/places.py."""
    code, message = (
        match[1].decode(errors="replace") if (match := pattern.search(body)) else ""
        for pattern in (ERROR_CODE, ERROR_MESSAGE)
    )
    if code in HOPELESS:
        return Unusable(HOPELESS[code].format(bucket=bucket, message=message))
    if status == 404 and code in {"", "NoSuchKey"}:
        return FileNotFoundError("There is no such object.")
    if status in {401, 403}:
        return PermissionError(f"S3 says {code or status}.")
    sentence = f"S3 answered {status} {code}".rstrip()
    if status in BUSY_STATUSES or code in BUSY_CODES:
        return Transient(f"{sentence}.")
    return OSError(f"{sentence}: {message}" if message else f"{sentence}.")


def read(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The body in chunks; raises Transient if it ends before it should."""
    try:
        while chunk := response.read(CHUNK_BYTES):
            yield chunk
    except urllib3.exceptions.HTTPError as error:
        raise Transient("The connection broke in the middle of an object.") from error


def found(headers: Mapping[str, str]) -> Found:
    """What a HEAD or a GET says about an object."""
    modified = parsedate_to_datetime(headers["last-modified"]).timestamp()
    return Found(int(headers["content-length"]), modified, comparable_etag(headers))


def comparable_etag(headers: Mapping[str, str]) -> str:
    """The ETag, without its quotes; empty where S3 encrypts in a way that makes it arbitrary."""
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return ""
    return headers.get("etag", "").strip('"')


def received_md5(headers: Mapping[str, str]) -> str:
    return Found(0, 0, comparable_etag(headers)).md5


def describing(headers: Mapping[str, str]) -> dict[str, str]:
    """Those headers that say what an object is, as they are to be sent with a copy."""
    kept = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in DESCRIBING or name.lower().startswith("x-amz-meta-")
    }
    # Some clients upload in this framing, and some servers write it down as if it were content.
    if kept.get("content-encoding", "").startswith("aws-chunked"):
        kept["content-encoding"] = kept["content-encoding"].removeprefix("aws-chunked").lstrip(", ")
    return {name: value for name, value in kept.items() if value}


def fields_of(element: ET.Element) -> Iterator[tuple[str, str]]:
    for child in element:
        yield child.tag.rpartition("}")[2], child.text or ""


def elements(root: ET.Element, name: str) -> Iterator[dict[str, str]]:
    """The elements of this name in S3's XML, each as its children's texts."""
    for element in root:
        if element.tag.rpartition("}")[2] == name:
            yield dict(fields_of(element))
