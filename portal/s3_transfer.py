"""A bucket as the copy engine sees it: what it may read from, and what it may write to as well.

portal/s3_requests.py sends the requests; here is what they mean.
"""

import contextlib
import re
import xml.etree.ElementTree as ET
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import datetime
from email.utils import parsedate_to_datetime
from html import unescape
from http.client import HTTPException
from itertools import count, repeat
from urllib.parse import unquote_plus
from xml.sax.saxutils import escape

from .addresses import quote_key
from .places import CHUNK_BYTES, Content, Found, Page, Transient, Unusable
from .s3_requests import Answer, Refused, Requests, refusal

PAGE_NAMES = 1000  # S3's own limit
PART_BYTES = 64 * 1024 * 1024
PARTS_AT_ONCE = 4
MAX_PARTS = 10_000  # S3's own limit

# A listing as text: ElementTree takes four times as long, and listings are most of what an
# unchanged run reads. Elements hold nothing but text, for "<" in it is escaped.
ENTRY = re.compile(r"<(?:\w+:)?Contents>")
FIELD = re.compile(r"<(?:\w+:)?(Key|LastModified|ETag|Size)>([^<]*)<")
NO_LISTING = "S3 answered with something else than a listing."
TRUNCATED, ENCODED = "IsTruncated>true<", "EncodingType>url<"

# What an object is, beside its bytes; user metadata (x-amz-meta-) comes on top.
DESCRIBING = {
    "content-type", "cache-control", "content-disposition", "content-encoding",
    "content-language", "expires",
}  # fmt: skip


class S3Source(Requests):
    """The files below a prefix in a bucket, to be read: by construction GET, HEAD and LIST only."""

    lists = True

    def __init__(self, *, prefix: str, **place):
        super().__init__(**place)
        self.prefix = f"{prefix}/" if prefix else ""

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
        text = self._ask("GET", query=query)[1].decode(errors="replace")
        _, *entries = ENTRY.split(text)
        if not text.rstrip().endswith("ListBucketResult>") or (TRUNCATED in text and not entries):
            raise Refused(NO_LISTING)
        decode = unquote_plus if ENCODED in text else unescape
        return Page(
            found=(self._listed(entry, decode) for entry in entries),
            last=self._listed(entries[-1], decode)[0] if entries else "",
            is_last=TRUNCATED not in text,
        )

    def _listed(self, entry: str, decode: Callable[[str], str]) -> tuple[str, Found]:
        fields = dict(FIELD.findall(entry))
        try:
            name = decode(fields["Key"]).removeprefix(self.prefix)
            modified = datetime.fromisoformat(fields["LastModified"]).timestamp()
            etag = unescape(fields.get("ETag", "")).strip('"')
            return name, Found(int(fields["Size"]), modified, etag)
        except (KeyError, ValueError) as error:
            raise Refused(NO_LISTING) from error

    def find(self, name: str) -> Found | None:
        try:
            return found(self._ask("HEAD", self.key(name))[0])
        except FileNotFoundError:
            return None

    def headers(self, name: str) -> dict[str, str]:
        return describing(self._ask("HEAD", self.key(name))[0])

    @contextlib.contextmanager
    def open(self, name: str, part: range | None = None, etag: str = "") -> Iterator[Content]:
        """Read an object, or a part of it, which must then still be the one with this ETag."""
        headers = {}
        if part is not None:
            headers["range"] = f"bytes={part.start}-{part.stop - 1}"
        if etag:
            headers["if-match"] = f'"{etag}"'
        connection, answer = self._sent("GET", self.key(name), headers=headers)
        try:
            if part is not None and answer.status != 206:
                raise Refused("S3 sent the whole object instead of a part.")
            yield Content(found(answer.headers), describing(answer.headers), read(answer))
        finally:
            self._keep(connection, answer)


class S3Target(S3Source):
    """The files below a prefix in a bucket, to be read and written.

    `describe` gives the headers of files that come from where no headers are.
    """

    keeps_time = False
    checks_md5 = True
    single_bytes = 1024**3  # S3 itself would take 5 GiB, and several minutes for its answer

    def __init__(self, *, describe: Callable[[str], dict[str, str]] = lambda name: {}, **options):
        super().__init__(**options)
        self.describe = describe

    def write(self, name: str, content: Content) -> str:
        """Store an object; returns the MD5 that S3 made of it, or nothing if it names none.

        What has another MD5 than its source says is refused before it is stored.
        """
        described = content.headers or self.describe(name)
        headers = described | {"content-length": str(content.found.size)}
        if content.found.md5:
            headers["content-md5"] = b64encode(bytes.fromhex(content.found.md5)).decode()
        answer, _ = self._ask("PUT", self.key(name), headers=headers, body=content.chunks)
        return received_md5(answer)

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
        copied_from = f"{source.bucket}/{quote_key(source.key(name))}"
        answer, body = self._ask("PUT", self.key(name), headers={"x-amz-copy-source": copied_from})
        return received_md5(answer, self._fields(body).get("ETag", ""))

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
        _, begun = self._ask("POST", key, query={"uploads": ""}, headers=described)
        upload = self._fields(begun)["UploadId"]
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
            self._fields(self._ask("POST", key, query={"uploadId": upload}, body=body)[1])
        except BaseException:
            with contextlib.suppress(OSError, Unusable):
                self._ask("DELETE", key, query={"uploadId": upload})
            raise

    def write_part(self, name: str, upload: str, number: int, content: Content) -> str:
        """Store a part; returns its ETag."""
        answer, _ = self._ask(
            "PUT",
            self.key(name),
            query={"partNumber": str(number), "uploadId": upload},
            headers={"content-length": str(content.found.size)},
            body=content.chunks,
        )
        return answer.get("etag", "")

    def copy_part(
        self, name: str, upload: str, number: int, part: range, source: S3Source, etag: str
    ) -> str:
        """Let S3 copy a part of the source's object, if that has this ETag; returns the part's."""
        headers = {
            "x-amz-copy-source": f"{source.bucket}/{quote_key(source.key(name))}",
            "x-amz-copy-source-range": f"bytes={part.start}-{part.stop - 1}",
        }
        if etag:
            headers["x-amz-copy-source-if-match"] = f'"{etag}"'
        query = {"partNumber": str(number), "uploadId": upload}
        _, body = self._ask("PUT", self.key(name), query=query, headers=headers)
        return self._fields(body).get("ETag", "")

    def _abort_uploads(self, key: str) -> None:
        """Do away with the parts that a killed run has left behind: they cost, and show nowhere."""
        with contextlib.suppress(PermissionError):
            _, body = self._ask("GET", query={"uploads": "", "prefix": key})
            for upload in elements(parsed(body), "Upload"):
                if upload["Key"] == key:
                    self._ask("DELETE", key, query={"uploadId": upload["UploadId"]})

    def _fields(self, body: bytes) -> dict[str, str]:
        """What an answer's XML holds: S3 may find out about an error after it has said 200."""
        fields = fields_of(parsed(body))
        if "Code" in fields:
            raise refusal(500, body, self.bucket)
        return fields


def read(answer: Answer) -> Iterator[bytes]:
    """The body in chunks; raises Transient if the connection breaks."""
    try:
        while chunk := answer.read(CHUNK_BYTES):
            yield chunk
    except (OSError, HTTPException) as error:
        raise Transient("The connection broke in the middle of an object.") from error


def found(headers: Mapping[str, str]) -> Found:
    """What a HEAD or a GET says about an object."""
    modified = parsedate_to_datetime(headers["last-modified"]).timestamp()
    return Found(int(headers["content-length"]), modified, comparable_etag(headers))


def comparable_etag(headers: Mapping[str, str], etag: str = "") -> str:
    """The ETag, without its quotes; empty where S3 encrypts in a way that makes it arbitrary."""
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return ""
    return (etag or headers.get("etag", "")).strip('"')


def received_md5(headers: Mapping[str, str], etag: str = "") -> str:
    """The MD5 of what S3 says to have stored, or nothing."""
    return Found(0, 0, comparable_etag(headers, etag)).md5


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


def parsed(body: bytes) -> ET.Element:
    try:
        return ET.fromstring(body)  # noqa: S314 (expat expands no foreign entities)
    except ET.ParseError as error:
        raise OSError("S3 answered with something else than XML.") from error


def fields_of(element: ET.Element) -> dict[str, str]:
    """The texts of an element's children, by their names without the namespace."""
    start = element.tag.find("}") + 1
    return {child.tag[start:]: child.text or "" for child in element}


def elements(root: ET.Element, name: str) -> Iterator[dict[str, str]]:
    """The elements of this name in S3's XML, each as its children's texts."""
    for element in root:
        if element.tag.rpartition("}")[2] == name:
            yield fields_of(element)
