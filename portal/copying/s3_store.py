"""A bucket as the copy engine sees it: S3Source can only read, S3Target can write as well.

s3_http.py sends the requests.
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

from portal.s3.addresses import quote_key

from .s3_http import RawResponse, Refused, SignedRequests, refusal
from .stores import CHUNK_BYTES, Content, FileInfo, Page, Transient, Unusable

PAGE_NAMES = 1000  # S3's own limit
PART_BYTES = 64 * 1024 * 1024
PARTS_AT_ONCE = 4
MAX_PARTS = 10_000  # S3's own limit

# A listing is read as text: ElementTree takes four times as long, and listings are most of what an
# unchanged run reads. Elements hold nothing but text, because "<" in it is escaped.
ENTRY = re.compile(r"<(?:\w+:)?Contents>")
FIELD = re.compile(r"<(?:\w+:)?(Key|LastModified|ETag|Size)>([^<]*)<")
NO_LISTING = "S3 answered with something other than a listing."
TRUNCATED, ENCODED = "IsTruncated>true<", "EncodingType>url<"

# What describes an object; user metadata (x-amz-meta-...) is copied as well.
COPIED_HEADERS = {
    "content-type", "cache-control", "content-disposition", "content-encoding",
    "content-language", "expires",
}  # fmt: skip


class S3Source(SignedRequests):
    """The files below a prefix in a bucket, to be read: it sends only GET and HEAD requests."""

    lists = True

    def __init__(self, *, prefix: str, **connection_options):
        super().__init__(**connection_options)
        self.prefix = f"{prefix}/" if prefix else ""

    def __str__(self):
        return f"The bucket {self.bucket}, below {self.prefix}"

    def key(self, name: str) -> str:
        return self.prefix + name

    def page(self, after: str) -> Page:
        """Return up to a thousand files whose names come after the given one."""
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
            files=(self._listed(entry, decode) for entry in entries),
            last=self._listed(entries[-1], decode)[0] if entries else "",
            is_last=TRUNCATED not in text,
        )

    def _listed(self, entry: str, decode: Callable[[str], str]) -> tuple[str, FileInfo]:
        fields = dict(FIELD.findall(entry))
        try:
            name = decode(fields["Key"]).removeprefix(self.prefix)
            modified = datetime.fromisoformat(fields["LastModified"]).timestamp()
            etag = fields.get("ETag", "").replace("&quot;", "").replace("&#34;", "")  # the usual
            return name, FileInfo(int(fields["Size"]), modified, unescape(etag).strip('"'))
        except (KeyError, ValueError) as error:
            raise Refused(NO_LISTING) from error

    def find(self, name: str) -> FileInfo | None:
        try:
            return file_info(self._ask("HEAD", self.key(name))[0])
        except FileNotFoundError:
            return None

    def copied_headers(self, name: str) -> dict[str, str]:
        return copied_headers(self._ask("HEAD", self.key(name))[0])

    @contextlib.contextmanager
    def open(self, name: str, part: range | None = None, etag: str = "") -> Iterator[Content]:
        """Read an object, or a part of it. Raises Changed if it no longer has this ETag."""
        headers = {}
        if part is not None:
            headers["range"] = f"bytes={part.start}-{part.stop - 1}"
        if etag:
            headers["if-match"] = f'"{etag}"'
        connection, response = self._send("GET", self.key(name), headers=headers)
        try:
            if part is not None and response.status != 206:
                raise Refused("S3 sent the whole object instead of a part.")
            about = response.headers
            yield Content(file_info(about), copied_headers(about), read(response))
        finally:
            self._keep(connection, response)


class S3Target(S3Source):
    """The files below a prefix in a bucket, to be read and written.

    `default_headers` gives the headers for files whose source has none.
    """

    keeps_time = False
    checks_md5 = True
    single_bytes = 1024**3  # S3's own limit is 5 GiB, whose copy takes several minutes to answer

    def __init__(
        self, *, default_headers: Callable[[str], dict[str, str]] = lambda name: {}, **options
    ):
        super().__init__(**options)
        self.default_headers = default_headers

    def write(self, name: str, content: Content) -> str:
        """Store an object; returns the MD5 that S3 computed, or "" if its answer has none.

        S3 refuses to store a body whose MD5 is not the one of the FileInfo.
        """
        headers = content.headers or self.default_headers(name)
        headers = headers | {"content-length": str(content.info.size)}
        if content.info.md5:
            headers["content-md5"] = b64encode(bytes.fromhex(content.info.md5)).decode()
        answered, _ = self._ask("PUT", self.key(name), headers=headers, body=content.chunks)
        return received_md5(answered)

    def can_copy_from(self, source) -> bool:
        """Return True if both buckets are of one service, which can copy from one to the other."""
        return isinstance(source, S3Source) and source.service == self.service

    def may_read(self, source: S3Source, name: str) -> bool:
        """Return True if this target's keys may read a file of the source."""
        source_by_these_keys = copy(source)
        source_by_these_keys.access_key = self.access_key
        source_by_these_keys._secret_key = self._secret_key
        try:
            return source_by_these_keys.find(name) is not None
        except (PermissionError, Unusable):
            return False

    def copy(self, name: str, source: S3Source) -> str:
        """Let S3 copy an object with its headers; returns the MD5, as write() does."""
        headers = {"x-amz-copy-source": f"{source.bucket}/{quote_key(source.key(name))}"}
        answered, body = self._ask("PUT", self.key(name), headers=headers)
        return received_md5(answered, self._fields(body).get("ETag", ""))

    def create_from_parts(
        self,
        name: str,
        size: int,
        headers: dict[str, str],
        send: Callable[[str, int, range], str],
    ) -> None:
        """Make one object of parts; send(upload, number, part) stores a part, returns its ETag."""
        key = self.key(name)
        self._abort_uploads(key)
        headers = headers or self.default_headers(name)
        _, begun = self._ask("POST", key, query={"uploads": ""}, headers=headers)
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
        answered, _ = self._ask(
            "PUT",
            self.key(name),
            query={"partNumber": str(number), "uploadId": upload},
            headers={"content-length": str(content.info.size)},
            body=content.chunks,
        )
        return answered.get("etag", "")

    def copy_part(
        self, name: str, upload: str, number: int, part: range, source: S3Source, etag: str
    ) -> str:
        """Let S3 copy a part of the source's object; returns the part's ETag.

        Raises Changed if the object no longer has the ETag that is given.
        """
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
        """Remove the parts that a killed run has left: they cost money and show in no listing."""
        with contextlib.suppress(PermissionError):
            _, body = self._ask("GET", query={"uploads": "", "prefix": key})
            for upload in elements(parsed(body), "Upload"):
                if upload["Key"] == key:
                    self._ask("DELETE", key, query={"uploadId": upload["UploadId"]})

    def _fields(self, body: bytes) -> dict[str, str]:
        """Return the fields of an answer's XML; S3 may report an error in it after a 200."""
        fields = fields_of(parsed(body))
        if "Code" in fields:
            raise refusal(500, body, self.bucket)
        return fields


def read(response: RawResponse) -> Iterator[bytes]:
    """Yield the body in chunks; raises Transient if the connection breaks."""
    try:
        while chunk := response.read(CHUNK_BYTES):
            yield chunk
    except (OSError, HTTPException) as error:
        response.will_close = True
        raise Transient("The connection broke in the middle of an object.") from error


def file_info(headers: Mapping[str, str]) -> FileInfo:
    """Return an object's FileInfo, from the headers of a HEAD or GET response."""
    try:
        modified = parsedate_to_datetime(headers["last-modified"]).timestamp()
        return FileInfo(int(headers["content-length"]), modified, comparable_etag(headers))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("S3 answered without an object's size and time.") from error


def comparable_etag(headers: Mapping[str, str], etag: str = "") -> str:
    """Return the ETag without quotes; empty if encryption makes it different for each copy."""
    if headers.get("x-amz-server-side-encryption", "AES256") != "AES256":
        return ""
    return (etag or headers.get("etag", "")).strip('"')


def received_md5(headers: Mapping[str, str], etag: str = "") -> str:
    """Return the MD5 of the object that S3 has stored, or "" if its answer has none."""
    return FileInfo(0, 0, comparable_etag(headers, etag)).md5


def copied_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that describe an object, to be sent with its copy."""
    kept = {
        name.lower(): value
        for name, value in headers.items()
        if name.lower() in COPIED_HEADERS or name.lower().startswith("x-amz-meta-")
    }
    # Some clients upload with this framing, and some servers store it as the content's encoding.
    if kept.get("content-encoding", "").startswith("aws-chunked"):
        kept["content-encoding"] = kept["content-encoding"].removeprefix("aws-chunked").lstrip(", ")
    return {name: value for name, value in kept.items() if value}


def parsed(body: bytes) -> ET.Element:
    """Return the root of S3's XML; raises OSError if the body is not XML."""
    try:
        return ET.fromstring(body)  # noqa: S314 (expat expands no foreign entities)
    except ET.ParseError as error:
        raise OSError("S3 answered with something other than XML.") from error


def fields_of(element: ET.Element) -> dict[str, str]:
    """Return the texts of an element's children, by their names without the namespace."""
    start = element.tag.find("}") + 1
    return {child.tag[start:]: child.text or "" for child in element}


def elements(root: ET.Element, name: str) -> Iterator[dict[str, str]]:
    """Yield the elements of this name in S3's XML, each as the texts of its children."""
    for element in root:
        if element.tag.rpartition("}")[2] == name:
            yield fields_of(element)
