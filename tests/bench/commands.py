"""The start of a command, and the requests that collectstatic makes."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

import boto3

from tests.support.juicefs import KEY, REGION, SECRET, Gateway
from tests.support.strict_s3 import StrictS3

from .report import Result, paired
from .sites import PORTAL, ROOT, TWIN, Site, environment

ROUNDS = 7
START = {  # of a command that copies files, and of one that only sends a message
    PORTAL: ["manage.py", "copy_live_media", "--help"],
    TWIN: ["-m", "django", "sendtestemail", "--help"],
}
PACKAGES = {  # which are imported by both, and by what
    "Django": {"django", "asgiref", "sqlparse", "asyncio"},
    "boto3 and what it needs": {
        "storages", "boto3", "botocore", "s3transfer", "urllib3", "dateutil", "jmespath", "six",
        "cryptography",
    },
}  # fmt: skip
OTHERS = "the rest"
BEFORE = 1.41  # what the start was beside the twin's when the marks were set
EDITED = "portal.css"


def starts(rounds: int = ROUNDS) -> list[Result]:
    """Compare the processor time of a command that does nothing but print its help.

    How long its imports take, package by package, tells what stands between it and its mark.
    """
    times, imports = defaultdict(list), defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for name in (PORTAL, TWIN) if number % 2 else (TWIN, PORTAL):
                environ = environment(name, "sqlite://", Path(folder))
                environ |= {"SITE_ENVIRONMENT": "development"}
                times[name].append(processor_seconds(START[name], environ))
                for what, milliseconds in import_times(START[name], environ).items():
                    imports[what, name].append(milliseconds)
    return [
        paired(
            "command", "start of a command, processor time", "s",
            times[PORTAL], times[TWIN], most=0.75 * BEFORE,
        ),
        *(
            paired("command", f"importing {what}", "ms", imports[what, PORTAL], imports[what, TWIN])
            for what in (*PACKAGES, OTHERS)
        ),
    ]  # fmt: skip


def processor_seconds(command: list[str], environ: dict[str, str]) -> float:
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def import_times(command: list[str], environ: dict[str, str]) -> Counter:
    """Return the milliseconds that the modules of each of PACKAGES, and the rest, took to load."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        cwd=ROOT, env=environ, check=True, text=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    found: Counter = Counter()
    for own, module in re.findall(r"^import time: +(\d+) \| +\d+ \| +(\S+)", run.stderr, re.M):
        top = module.partition(".")[0]
        what = next((each for each, names in PACKAGES.items() if top in names), OTHERS)
        found[what] += int(own) / 1000
    return found


def collectstatic() -> list[Result]:
    """Count the requests of collectstatic, unchanged and after one edit."""
    if not shutil.which("juicefs"):
        print("juicefs is not on the PATH: no collectstatic. Use make bench ROW=collectstatic.")
        return []
    found = {}
    for name in (PORTAL, TWIN):
        with tempfile.TemporaryDirectory(prefix="portal-bench-") as root:
            folder = Path(root)
            shutil.copytree(ROOT / "static", folder / name / "static")
            (folder / "gateway").mkdir()
            with Gateway(folder / "gateway") as gateway:
                gateway.client.create_bucket(Bucket="assets")
                environ = environment(name, "sqlite://", folder) | {
                    "SITE_ENVIRONMENT": "development",
                    "AWS_STORAGE_BUCKET_NAME": "assets",
                    "AWS_S3_REGION_NAME": REGION,
                    "AWS_ACCESS_KEY_ID": KEY,
                    "AWS_SECRET_ACCESS_KEY": SECRET,
                    "AWS_S3_ENDPOINT_URL": gateway.endpoint_url,
                }
                site = Site(name, environ, folder / name)
                for kind in ("first", "unchanged", "edited"):
                    if kind == "edited":
                        with (site.folder / "static" / EDITED).open("a") as css:
                            css.write("\nmain { color: inherit; }\n")
                    out = site.run("-m", "tests.bench.collect", str(site.folder / "static"))
                    found[kind, name] = int(out.splitlines()[-1])
    return [
        paired(
            "collectstatic", f"requests, {what}", "",
            [found[kind, PORTAL]], [found[kind, TWIN]], limit=limit,
        )
        for kind, what, limit in (("unchanged", "unchanged", 1), ("edited", "after one edit", 15))
    ]  # fmt: skip


def make_bucket(s3: StrictS3, environ: dict[str, str]) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=environ["AWS_S3_REGION_NAME"],
        aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
    )
    place = {"LocationConstraint": environ["AWS_S3_REGION_NAME"]}
    client.create_bucket(Bucket=environ["AWS_STORAGE_BUCKET_NAME"], CreateBucketConfiguration=place)
