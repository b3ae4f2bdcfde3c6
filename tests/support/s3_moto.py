"""moto, as the store behind tests/support/strict_s3.py, with corrections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from urllib.parse import unquote

from moto.core.serialize import TimestampSerializer
from moto.s3.models import FakeKey, S3Backend
from werkzeug.wrappers import Response

from .s3_request import PRESIGNED, Refusal, S3Request


def in_milliseconds(time: datetime) -> str:
    """Tell a time as the listings of MinIO and Ceph do; moto's end in .000, as AWS's."""
    return f"{time:%Y-%m-%dT%H:%M:%S}.{time.microsecond // 1000:03}Z"


FakeKey.last_modified_ISO8601 = property(lambda key: in_milliseconds(key.last_modified))
TimestampSerializer._timestamp_iso8601_zeroed = staticmethod(in_milliseconds)


def refuse_changed_source(request: S3Request, backend: S3Backend) -> None:
    """Refuse to copy from an object that no longer has the ETag that the client names."""
    told = request.headers.get("x-amz-copy-source-if-match")
    if not told:
        return
    source = unquote(request.headers["x-amz-copy-source"].partition("?")[0])
    bucket, _, key = source.lstrip("/").partition("/")
    keys = backend.buckets[bucket].keys
    if key in keys and keys[key].etag.strip('"') != told.strip('"'):
        raise Refusal(412, "PreconditionFailed", "The source is not the one that was meant")


def forward(
    moto: Callable, request: S3Request, environ: dict, *, account: str, region: str, now: datetime
) -> Response:
    """Let moto answer: to a path-style address, and from one account's buckets."""
    path = f"/{request.bucket}/{request.key}" if request.key else f"/{request.bucket}"
    target = request.target(path, without=PRESIGNED)
    scope = f"{now:%Y%m%d}/{region}/s3/aws4_request"
    forwarded = environ | {
        "PATH_INFO": path.encode().decode("latin-1"),
        "RAW_URI": target,
        "QUERY_STRING": target.partition("?")[2],
        "HTTP_HOST": "localhost",
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=guard/{scope}",
        "HTTP_X_MOTO_ACCOUNT_ID": account,
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.input": BytesIO(request.body),
    }
    forwarded.pop("HTTP_TRANSFER_ENCODING", None)
    return Response.from_app(moto, forwarded, buffered=True)
