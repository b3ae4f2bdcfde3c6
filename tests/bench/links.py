"""What the address of a file costs: the portal's signed link beside that of django-storages."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .report import Result, paired
from .sites import PORTAL, ROOT, environment

ROUNDS, LINKS = 15, 100


def measure() -> list[Result]:
    """Compare in a process with the portal's settings."""
    with tempfile.TemporaryDirectory() as folder:
        environ = environment(PORTAL, "sqlite://", Path(folder))
        environ["SITE_ENVIRONMENT"] = "development"
        command = [sys.executable, "-m", "tests.bench.links"]
        run = subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE)
    costs = json.loads(run.stdout)
    return [
        paired("link", f"one {kind} address", "us", costs[kind], costs["stock"])
        for kind in ("protected", "public")
    ]


def microseconds(make_link) -> float:
    started = time.perf_counter()
    for number in range(LINKS):
        make_link(f"resumes/{number}.pdf")
    return (time.perf_counter() - started) / LINKS * 1e6


def main() -> None:
    import django

    django.setup()
    from django.core.files.storage import storages
    from storages.backends.s3 import S3Storage

    protected = storages["protected"]
    stock = S3Storage(
        bucket_name=protected.bucket_name,
        access_key=protected.access_key,
        secret_key=protected.secret_key,
        region_name=protected.region_name,
        signature_version="s3v4",
        location="protected",
    )
    ways = {"protected": protected.url, "public": storages["default"].url, "stock": stock.url}
    for make_link in ways.values():
        make_link("resumes/warm-up.pdf")
    costs = {name: [] for name in ways}
    for _ in range(ROUNDS):  # interleaved, so that a busy moment hits all of them
        for name, make_link in ways.items():
            costs[name].append(microseconds(make_link))
    print(json.dumps(costs))


if __name__ == "__main__":
    main()
