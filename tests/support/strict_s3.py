"""An S3 server for tests, and for a newcomer's laptop, that refuses what AWS refuses.

moto stores and lists well but trusts everybody: it accepts expired, altered and wrongly signed
links, anonymous clients that write and list, and ACLs. A test of signing against it proves nothing.
So this server checks each request before moto gets it: the signature is verified with botocore's
own signer, on the bytes that arrived, and anonymous clients read only what the bucket's own policy
opens.

Not like AWS: everything is in memory; policies are understood in part (see s3_policy.py); of
aws-chunked uploads the request's signature is checked, that of each chunk is not; temporary
credentials and browser-form uploads are refused; ACLs cannot be switched back on; one forbidden
key refuses a whole DeleteObjects, and holders of `identities` may not use it.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from tests.support.s3_request import (
    AccessDenied,
    Caller,
    Refusal,
    S3Request,
    authenticate,
    header_overrides,
    refuse_acls,
    refuse_other_content,
)

from . import s3_moto, s3_policy

POLL_SECONDS = 0.05  # how long stop() may wait

ALL_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)

account_numbers = itertools.count(1)


def read_only(method: str, bucket: str, key: str) -> bool:
    """Permit what a key pair for copying from a live bucket may do: read and list."""
    return method in ("GET", "HEAD")


class StrictS3:
    """An S3 endpoint on loopback, for as long as the `with` block lasts.

        with StrictS3({"access-key": "secret"}) as server:
            client = boto3.client("s3", endpoint_url=server.endpoint_url, ...)

    `permissions` may narrow what an access key may do: a callable is given the method, the bucket
    and the key ("" for the bucket itself). `identities` has the policies of access keys that may do
    what IAM would let them do, and nothing else. `treat_as_tls` is what policies are told about the
    connection, for loopback has no TLS.

    moto's state belongs to the process. Each server has its own account there and sees only its
    own buckets; but, as on AWS, a bucket's name is taken for everybody.
    """

    def __init__(
        self,
        credentials: Mapping[str, str],
        *,
        permissions: Mapping[str, Callable[[str, str, str], bool]] | None = None,
        identities: Mapping[str, dict] | None = None,
        region: str = "eu-west-1",
        host: str = "127.0.0.1",
        port: int = 0,
        treat_as_tls: bool = True,
    ) -> None:
        self.credentials, self.permissions = dict(credentials), dict(permissions or {})
        self.identities = dict(identities or {})
        self.region, self.host, self.port = region, host, port
        self.treat_as_tls = treat_as_tls
        self.anonymous_may = {"s3:GetObject"}  # at most, whatever else a policy allows everybody
        self.requests: list[S3Request] = []
        self._faults: list[tuple[Refusal, Callable[[S3Request], bool]]] = []
        self._lock = threading.Lock()
        self._policies: dict[str, bytes] = {}
        self._account = f"{next(account_numbers):012d}"
        self._backend = s3_backends[self._account][get_partition(region)]
        self._moto = create_backend_app("s3")
        self._moto.after_request_funcs.clear()  # moto lets every origin in
        self.reset_clock()

    def __enter__(self) -> StrictS3:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        self._http = make_server(self.host, self.port, self, threaded=True, request_handler=Handler)
        self.port = self._http.port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(POLL_SECONDS,))
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self.wipe()

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def wipe(self) -> None:
        """Reset the server: no buckets, no records, no faults to come, the right time."""
        for bucket in self._backend.buckets.values():
            for key in list(bucket.keys):
                bucket.keys.setlist(key, [])  # closes moto's temporary files
            for upload in bucket.multiparts.values():
                upload.dispose()
            s3_backends.bucket_accounts.pop(bucket.name, None)
        self._backend.buckets.clear()
        self._policies.clear()
        self.clear()
        self.reset_clock()

    def state(self) -> tuple[dict, dict]:
        """Return a copy of the buckets and their policies, for restore()."""
        return copy.deepcopy((self._backend.buckets, self._policies))

    def restore(self, state: tuple[dict, dict]) -> None:
        """Add the buckets of another moment, as they were then."""
        buckets, policies = copy.deepcopy(state)
        self._backend.buckets |= buckets
        self._policies |= policies
        owner = self._backend.partition, self._account
        s3_backends.bucket_accounts |= dict.fromkeys(buckets, owner)

    def clear(self) -> None:
        """Forget the requests seen and the faults to come."""
        with self._lock:
            self.requests.clear()
            self._faults.clear()

    def clock(self) -> datetime:
        """Tell the time in whole seconds, as signatures do, so that 599 s in a test is 599 s."""
        return (datetime.now(UTC) + self._ahead).replace(microsecond=0)

    def advance(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def reset_clock(self) -> None:
        self._ahead = timedelta()

    def fail_next(
        self,
        status: int = 503,
        code: str = "SlowDown",
        times: int = 1,
        matching: Callable[[S3Request], bool] = lambda request: True,
    ) -> None:
        """Answer the next requests that match with an error. (boto3 retries after a 503.)"""
        with self._lock:
            self._faults += [(Refusal(status, code), matching)] * times

    def __call__(self, environ: dict, start_response: Callable) -> object:
        sys.settrace(None)  # coverage is of the site; in this thread it would only cost time
        request = S3Request.from_environ(environ)
        try:
            response = self._answer(request, environ)
        except Refusal as refusal:
            response = refusal.as_response()
        except NotImplementedError as error:
            response = Refusal(501, "NotImplemented", f"Not understood: {error}").as_response()
        except Exception:  # a fault of moto's own: the answer tells, for there is no log
            response = Refusal(500, "InternalError", traceback.format_exc()).as_response()
        request.status, request.body = response.status_code, b""
        with self._lock:
            self.requests.append(request)
        return response(environ, start_response)

    def _answer(self, request: S3Request, environ: dict) -> Response:
        self._raise_fault(request)
        caller = authenticate(request, self.credentials, self.region, self.clock())
        request.access_key = caller.access_key
        for method, action, bucket, key in request.touches():
            if bucket and bucket not in self._backend.buckets and not request.creates_bucket:
                raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist")
            self._authorize(caller, method, action, bucket, key, request.query.get("prefix"))
        refuse_acls(request)
        refuse_other_content(request)
        s3_moto.refuse_changed_source(request, self._backend)
        overrides = header_overrides(request, caller)
        if request.bucket and not request.key and "policy" in request.query:
            return self._policy(request)

        response = self._forward(request, environ)
        if request.creates_bucket and response.status_code == 200:
            self._backend.put_public_access_block(request.bucket, ALL_BLOCKED)
            self._backend.put_bucket_ownership_controls(request.bucket, "BucketOwnerEnforced")
            self._policies.pop(request.bucket, None)
        if request.action == "s3:GetObject" and response.status_code == 404:
            # With the key as the prefix, as AWS has it (says github.com/ceph/ceph/pull/68577).
            self._authorize(caller, "GET", "s3:ListBucket", request.bucket, "", request.key)
        if response.status_code in (200, 206):
            response.headers.update(overrides)
        return response

    def _raise_fault(self, request: S3Request) -> None:
        with self._lock:
            fault = next((f for f in self._faults if f[1](request)), None)
            if fault:
                self._faults.remove(fault)
                raise fault[0]

    def _authorize(
        self, caller: Caller, method: str, action: str, bucket: str, key: str, prefix: str | None
    ) -> None:
        """Raise AccessDenied unless the policy and the key pair's permission let the caller in."""
        facts = {
            "aws:securetransport": str(self.treat_as_tls).lower(),
            "s3:authtype": caller.auth_type,
            "s3:prefix": prefix,
            "s3:signatureage": caller.signature_age_ms,
        }
        statements = s3_policy.parse(self._policies.get(bucket, b'{"Statement": []}'), bucket)
        resource = f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"
        effect = s3_policy.decide(statements, action, resource, facts)
        if effect == "Deny":
            raise AccessDenied("Access Denied with an explicit deny in the bucket policy")
        if caller.access_key in self.identities:
            own = s3_policy.parse_identity(self.identities[caller.access_key])
            verdict = s3_policy.decide(own, action, resource, facts)
            # In one account either may allow, and either may deny.
            allowed = verdict != "Deny" and "Allow" in {verdict, effect}
        elif caller.access_key:
            allowed = self.permissions.get(caller.access_key, lambda *_: True)(method, bucket, key)
        else:
            opened = effect == "Allow" and action in self.anonymous_may
            allowed = opened and not self._blocks(bucket, "restrict_public_buckets")
        if not allowed:
            raise AccessDenied

    def _blocks(self, bucket: str, switch: str) -> bool:
        block = self._backend.buckets[bucket].public_access_block
        return block is not None and getattr(block, switch)

    def _policy(self, request: S3Request) -> Response:
        """Keep policies here: moto would apply them without their conditions."""
        bucket = request.bucket
        if request.method == "PUT":
            try:
                statements = s3_policy.parse(request.body, bucket)
            except ValueError as error:
                raise Refusal(400, "MalformedPolicy", str(error)) from error
            public = any(statement.effect == "Allow" for statement in statements)
            if public and self._blocks(bucket, "block_public_policy"):
                raise AccessDenied("Public policies are prevented by BlockPublicPolicy")
            self._policies[bucket] = request.body
            return Response(status=204)
        if request.method == "DELETE":
            self._policies.pop(bucket, None)
            return Response(status=204)
        if bucket not in self._policies:
            raise Refusal(404, "NoSuchBucketPolicy", "The bucket policy does not exist")
        return Response(self._policies[bucket], content_type="application/json")

    def _forward(self, request: S3Request, environ: dict) -> Response:
        return s3_moto.forward(
            self._moto, request, environ,
            account=self._account, region=self.region, now=self.clock(),
        )  # fmt: skip


class Handler(MotoRequestHandler):
    """Pass on the request line as it arrived, and log nothing.

    werkzeug closes the connection after each answer. Keep-alive would take a copy of its loop, and
    on loopback a new connection costs a fraction of a millisecond.
    """

    def make_environ(self) -> dict:
        return super().make_environ() | {
            "strict_s3.target": self.requestline.split()[1],
            "strict_s3.headers": self.headers.items(),
        }

    def log(self, *args: object) -> None:
        pass


def main() -> int:
    """Serve in the foreground until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.strict_s3",
        description="An S3 server on loopback that refuses what AWS refuses. Everything is kept"
        " in memory, and gone when the server stops.",
    )
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--region", default="eu-west-1")
    options = parser.parse_args()

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    credentials = {options.access_key: options.secret_key}
    with StrictS3(credentials, region=options.region, port=options.port) as server:
        sys.stdout.write(f"S3, in memory, at {server.endpoint_url}\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
