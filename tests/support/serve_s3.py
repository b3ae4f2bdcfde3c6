"""Serve S3 alone on this machine, for a site and its staging copy: make s3.

What has to be exported is printed. The server checks signatures, expiry and policies as AWS does,
keeps everything in memory, and has no TLS. Its key pair for the live bucket may only read.
"""

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.run_s3 import KEY, SECRET
from tests.support.strict_s3 import StrictS3, read_only

BUCKET, LIVE_BUCKET, REGION = "portal-files", "portal-live", "eu-west-1"
LIVE_KEY, LIVE_SECRET = "AKIALIVEREADONLY", "a-secret-that-only-reads"

NOTES = """
# Without these variables, name the same values in the OPTIONS of STORAGES and LIVE_STORAGES.
# The site's key pair may do all in both buckets, so that it can fill the live one.
# There is no TLS: check_storage fails for that, but with SITE_ENVIRONMENT=development.
# Ctrl-C ends the server."""


@contextmanager
def serving(port: int) -> Iterator[StrictS3]:
    """Serve the two empty buckets for as long as the block lasts."""
    keys = {KEY: SECRET, LIVE_KEY: LIVE_SECRET}
    with StrictS3(keys, permissions={LIVE_KEY: read_only}, region=REGION, port=port) as server:
        for bucket in (BUCKET, LIVE_BUCKET):
            server._backend.create_bucket(bucket, REGION)
        yield server


def exports(endpoint_url: str) -> list[str]:
    """Return a line for a shell for each variable of a site that copies from the live bucket."""
    own = ("AWS_STORAGE_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    live = (
        "LIVE_STORAGE_BUCKET_NAME", "LIVE_READ_ONLY_ACCESS_KEY_ID", "LIVE_READ_ONLY_SECRET_KEY",
    )  # fmt: skip
    values = dict(zip(own, (BUCKET, KEY, SECRET), strict=True))
    values |= dict(zip(live, (LIVE_BUCKET, LIVE_KEY, LIVE_SECRET), strict=True))
    for prefix in ("AWS", "LIVE"):
        values |= {f"{prefix}_S3_REGION_NAME": REGION, f"{prefix}_S3_ENDPOINT_URL": endpoint_url}
    return [f"export {name}={value}" for name, value in values.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("--port", type=int, default=9000)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serving(parser.parse_args().port) as server:
        print("\n".join(exports(server.endpoint_url)) + NOTES, flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
