"""The copier's requests beside two libraries that could send them: make bench-http.

Each way of sending copies, streams and lists the same objects on one S3 gateway on loopback, from
the same number of threads. The gateway shares the machine and takes most of the time, so the copies
are also sent to a server that answers 30 ms later, as S3 does, and does nothing ("far copy"). The
ways take turns, and what counts are ratios of medians of one run: of the time, and of the time of
this process's processor, which a busy machine changes less.

obstore is compared if it is installed: .venv/bin/pip install obstore.
docs/decisions/copier-http.md has the figures of one machine, and what was decided.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import urllib3

from portal.copying.s3_http import payload_hash, refusal
from portal.copying.s3_store import S3Source, S3Target
from portal.s3.addresses import quote_key
from portal.s3.signing import query_string, signed_headers
from tests.support.juicefs import KEY, REGION, SECRET, Gateway

try:
    import obstore
    from obstore.store import S3Store
except ImportError:
    obstore = None

OBJECTS, OBJECT_BYTES, THREADS, ROUNDS = 2000, 50_000, 16, 5
FAR_SECONDS, FAR_THREADS, FAR_TIMES = 0.03, 64, 3
ANSWER = (
    b"<CopyObjectResult><LastModified>2026-11-24T12:00:00.000Z</LastModified>"
    b"<ETag>&quot;0cc175b9c0f1b6a831c399e269772661&quot;</ETag></CopyObjectResult>"
)
KEPT = {"ContentType": "image/webp", "CacheControl": "private, no-store"}


class HttpClient:
    """The stores as they are, over http.client."""

    source_class, target_class = S3Source, S3Target

    def __init__(self, endpoint_url: str):
        options = {
            "access_key": KEY, "secret_key": SECRET, "region": REGION, "prefix": "media",
            "endpoint_url": endpoint_url,
        }  # fmt: skip
        self.source = self.source_class(bucket="live", **options)
        self.target = self.target_class(bucket="staging", **options)

    def copy(self, name: str) -> None:
        self.target.copy(name, self.source)

    def stream(self, name: str) -> None:
        with self.source.open(name) as content:
            self.target.write(name, content)

    def list(self) -> int:
        with ThreadPoolExecutor(2) as pool:
            return min(pool.map(self.count, (self.source, self.target)))

    @staticmethod
    def count(store) -> int:
        found, after, is_last = 0, "", False
        while not is_last:
            page = store.page(after)
            found, after, is_last = found + len(dict(page.files)), page.last, page.is_last
        return found


class OverUrllib3:
    """Sends requests by urllib3's public API, for the stores to inherit from."""

    def _send(self, method, key, query=None, headers=None, body=None):
        if not hasattr(self, "_pool"):
            base = f"{self.address.scheme}://{self.address.netloc}"
            self._pool = urllib3.connection_from_url(base, maxsize=64, retries=False)
        path, asked = f"{self.address.path}/{quote_key(key)}", query_string(query or {})
        headers = signed_headers(
            method, path, asked, {**(headers or {}), "host": self.address.netloc},
            payload_hash(body), access_key=self.access_key, secret_key=self._secret_key,
            region=self.region,
        )  # fmt: skip
        response = self._pool.urlopen(
            method, f"{path}?{asked}" if asked else path, body, headers,
            preload_content=False, decode_content=False,
        )  # fmt: skip
        if response.status >= 300:
            raise refusal(response.status, response.read(), self.bucket)
        return None, response

    def _keep(self, connection, response) -> None:
        response.release_conn()


class Urllib3Source(OverUrllib3, S3Source):
    pass


class Urllib3Target(OverUrllib3, S3Target):
    pass


class Urllib3(HttpClient):
    source_class, target_class = Urllib3Source, Urllib3Target


class Obstore:
    """obstore's blocking calls, which release the interpreter's lock."""

    def __init__(self, endpoint_url: str):
        keys = {
            "access_key_id": KEY, "secret_access_key": SECRET, "region": REGION,
            "client_options": {"allow_http": True},
        }  # fmt: skip
        self.source = S3Store("live", endpoint=endpoint_url, **keys)
        self.target = S3Store("staging", endpoint=endpoint_url, **keys)
        # It has no copy between buckets: this one takes its source from the one, and its requests
        # go to the other.
        self.copier = S3Store(
            "live", endpoint=f"{endpoint_url}/staging", virtual_hosted_style_request=True, **keys
        )

    def copy(self, name: str) -> None:
        obstore.copy(self.copier, f"media/{name}", f"media/{name}")

    def stream(self, name: str) -> None:
        found = obstore.get(self.source, f"media/{name}")
        obstore.put(self.target, f"media/{name}", found.bytes(), attributes=found.attributes)

    def list(self) -> int:
        with ThreadPoolExecutor(2) as pool:
            return min(pool.map(self.count, (self.source, self.target)))

    @staticmethod
    def count(store) -> int:
        pages = obstore.list(store, prefix="media/", chunk_size=1000)
        return len({item["path"]: item for page in pages for item in page})


class FarServer:
    """Answers every copy after FAR_SECONDS, in a process of its own."""

    def __enter__(self):
        ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.serve, args=(theirs,), daemon=True)
        self.process.start()
        self.endpoint_url = f"http://127.0.0.1:{ours.recv()}"
        return self

    def __exit__(self, *exc_info):
        self.process.terminate()
        self.process.join()

    @classmethod
    def serve(cls, pipe) -> None:
        async def start():
            server = await asyncio.start_server(cls.answer, "127.0.0.1", 0, backlog=256)
            pipe.send(server.sockets[0].getsockname()[1])
            await server.serve_forever()

        asyncio.run(start())

    @staticmethod
    async def answer(reader, writer) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(FAR_SECONDS)
                length = str(len(ANSWER)).encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nETag: x\r\n"
                             b"Content-Length: " + length + b"\r\n\r\n" + ANSWER)  # fmt: skip
        writer.close()


WAYS = {"http.client": HttpClient, "urllib3": Urllib3}
if obstore:
    WAYS["obstore"] = Obstore


def measured(way, work: str, names: list[str], threads=THREADS) -> tuple[float, float]:
    """The seconds, and the seconds of this process's processor, that one piece of work takes."""
    wall, processor = time.perf_counter(), time.process_time()
    if work == "list":
        assert way.list() == len(names), "not everything was listed"
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(getattr(way, work), names))
    return time.perf_counter() - wall, time.process_time() - processor


def compare(gateway: Gateway, far: FarServer, names: list[str], rounds: int) -> None:
    ways = {name: way(gateway.endpoint_url) for name, way in WAYS.items()}
    far_ways = {name: way(far.endpoint_url) for name, way in WAYS.items()}
    runs = {(work, name): [] for work in ("copy", "far copy", "stream", "list") for name in ways}
    order = list(ways)
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            for work in ("copy", "list", "stream"):
                if work != "list" and gateway.count("staging"):
                    gateway.s5cmd("rm", "s3://staging/*")
                runs[work, name].append(measured(ways[name], work, names))
            runs["far copy", name].append(
                measured(far_ways[name], "copy", names * FAR_TIMES, FAR_THREADS)
            )
    print(f"{'':<24}{'median':>10}{'ratio':>8}{'processor':>12}{'ratio':>8}")
    first = order[0]
    for (work, name), each in runs.items():
        ours = [statistics.median(column) for column in zip(*runs[work, first], strict=True)]
        wall, processor = (statistics.median(column) for column in zip(*each, strict=True))
        print(
            f"{work:<10}{name:<14}{wall:8.2f} s{wall / ours[0]:8.2f}"
            f"{processor:10.2f} s{processor / ours[1]:8.2f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    if not (shutil.which("juicefs") and shutil.which("s5cmd")):
        sys.exit("juicefs and s5cmd are needed on the PATH: use make bench-http.")
    names = [f"avatars/{number:06}.webp" for number in range(options.objects)]
    folder = tempfile.TemporaryDirectory(prefix="portal-bench-")
    with folder as path, FarServer() as far, Gateway(Path(path)) as gateway:
        for bucket in ("live", "staging"):
            gateway.client.create_bucket(Bucket=bucket)
        put = partial(gateway.client.put_object, Bucket="live", Body=b"x" * OBJECT_BYTES, **KEPT)
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda name: put(Key=f"media/{name}"), names))
        print(f"{len(names):,} objects of {OBJECT_BYTES:,} bytes, {THREADS} threads")
        compare(gateway, far, names, options.rounds)


if __name__ == "__main__":
    main()
