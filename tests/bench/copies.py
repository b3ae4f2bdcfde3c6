"""copy_live_media beside s5cmd, rclone and, if asked, aws s3 sync doing the same work.

All of them talk to one S3 gateway on loopback, one after the other, in an order that changes with
each round; in each the portal is compared with the faster of s5cmd and rclone. Each is given 64
files at a time or its own default if that is more. s5cmd and aws copy within a service only.

make bench-copy has options for fewer files, and counts the command's exit statuses.
"""

import argparse
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from hashlib import md5
from pathlib import Path
from statistics import median
from unittest import mock

from portal.copying.s3_store import S3Target
from tests.bench.measured import measured
from tests.bench.report import Result, paired
from tests.support.juicefs import KEY, REGION, SECRET, Gateway

ROUNDS, STATUSES = 2, 200
SMALL, LARGE, NAMES = 5000, 8, 100_000
SMALL_BYTES, LARGE_BYTES, NAME_BYTES = (20_000, 200_000), 64_000_000, 100
MANY_AT_ONCE = 64
US = "copy_live_media"
# How each of the others is asked whether it is there.
OTHERS = {"s5cmd": "version", "rclone": "version", "aws": "--version"}
RIVALS = ("s5cmd", "rclone")
HEADS = ("median", "inside", "least", "processor", "server's", "per name", "ratio", "peak")
INSIDE_SECONDS = 0.4  # the mark of an unchanged run, without Django's start


# What is copied. The rows of the database and the objects are made from the same numbers.


def avatar(number: int) -> str:
    return f"avatars/{md5(str(number).encode()).hexdigest()}.webp"


def resume(number: int) -> str:
    return f"resumes/{md5(str(number).encode()).hexdigest()}.pdf"


def fill(gateway, *, small, small_bytes, large=0, large_bytes=0) -> None:
    """Put the objects into the source bucket."""
    dice = random.Random(1)
    noise = dice.randbytes(max(large_bytes, *small_bytes))
    with tempfile.TemporaryDirectory(dir=gateway.folder) as folder:
        for name in ("media/avatars", "protected/resumes"):
            Path(folder, name).mkdir(parents=True)
        for number in range(small):
            Path(folder, "media", avatar(number)).write_bytes(noise[: dice.randint(*small_bytes)])
        for number in range(large):
            Path(folder, "protected", resume(number)).write_bytes(noise[:large_bytes])
        gateway.s5cmd("cp", "--cache-control", "private, no-store", f"{folder}/", "s3://live/")


def make_rows(small: int, large: int) -> None:
    """Make the rows that name the objects; runs in a process with the site's environment."""
    import django

    django.setup()
    from django.core.management import call_command

    from profiles.models import Profile, User

    call_command("migrate", verbosity=0)
    users = User.objects.bulk_create(
        User(email=f"{number}@example.org") for number in range(max(small, large))
    )
    Profile.objects.bulk_create(
        Profile(
            user=user,
            avatar=avatar(number) if number < small else "",
            resume=resume(number) if number < large else "",
        )
        for number, user in enumerate(users)
    )


def copy_here(is_streaming: bool) -> None:
    """Run copy_live_media and print how long it took after Django had started."""
    import django

    django.setup()
    from django.core.management import call_command

    as_if_streaming = mock.patch.object(S3Target, "can_copy_from", return_value=False)
    started = time.perf_counter()
    with as_if_streaming if is_streaming else contextlib.nullcontext():
        call_command("copy_live_media")
    print(f"\ninside {time.perf_counter() - started:.3f}")


# Who copies.


def environment(gateway: Gateway, database: Path) -> dict[str, str]:
    """The site's, the AWS tools' and rclone's, and nothing of the developer's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    site = {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SITE_ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{database}",
        "AWS_STORAGE_BUCKET_NAME": "staging",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_S3_REGION_NAME": REGION,
        "AWS_S3_ENDPOINT_URL": gateway.endpoint_url,
        "LIVE_STORAGE_BUCKET_NAME": "live",
        "LIVE_READ_ONLY_ACCESS_KEY_ID": KEY,
        "LIVE_READ_ONLY_SECRET_KEY": SECRET,
        "LIVE_S3_ENDPOINT_URL": gateway.endpoint_url,
    }
    rclone = {
        f"RCLONE_CONFIG_{remote}_{name}": value
        for remote in ("HERE", "THERE")
        for name, value in {
            "TYPE": "s3", "PROVIDER": "Minio", "ACCESS_KEY_ID": KEY, "SECRET_ACCESS_KEY": SECRET,
            "ENDPOINT": gateway.endpoint_url, "REGION": REGION, "NO_CHECK_BUCKET": "true",
        }.items()
    }  # fmt: skip
    tools = {"AWS_REGION": REGION, "AWS_CONFIG_FILE": os.devnull, "NO_PROXY": "127.0.0.1"}
    return kept | site | rclone | tools


def tools(gateway: Gateway) -> dict[str, dict[str, list[str]]]:
    """The command of each tool for each kind of work, of those tools that are here."""
    us = [sys.executable, "-m", "tests.bench.copies", "--inside"]
    at = ["--endpoint-url", gateway.endpoint_url]
    s5cmd = ["s5cmd", *at, "sync", "s3://live/*", "s3://staging/"]
    rclone = ["rclone", "sync", "--config", os.devnull, "--fast-list", "--transfers",
              str(MANY_AT_ONCE), "--checkers", str(MANY_AT_ONCE)]  # fmt: skip
    aws = ["aws", "s3", "sync", *at, "--only-show-errors", "s3://live", "s3://staging"]
    listing = [*rclone, "--size-only", "HERE:live", "HERE:staging"]
    found = {
        US: {"server-side": [*us, "server-side"], "streaming": [*us, "streaming"],
             "unchanged": [*us, "server-side"]},
        "s5cmd": {"server-side": s5cmd, "unchanged": s5cmd},
        "rclone": {"server-side": [*rclone, "HERE:live", "HERE:staging"],
                   "streaming": [*rclone, "HERE:live", "THERE:staging"],
                   "unchanged": listing},
        "aws": {"server-side": aws, "unchanged": aws},
    }  # fmt: skip
    for name, question in OTHERS.items():
        if not answers(name, question):
            print(f"{name} is not here: left out.")
            del found[name]
    return found


def answers(*command: str) -> bool:
    try:
        return not subprocess.run(command, capture_output=True).returncode
    except FileNotFoundError:
        return False


class Bench:
    """Runs of each tool by kind of work, and whether each has copied everything."""

    def __init__(self, gateway: Gateway, environ: dict[str, str], expected: int, others=RIVALS):
        self.gateway, self.environ, self.expected = gateway, environ, expected
        found = tools(gateway)
        self.tools = {name: found[name] for name in (US, *others) if name in found}
        self.log = gateway.folder / "run.log"
        self.runs = defaultdict(list)

    def rounds(self, kinds: tuple[str, ...], rounds: int) -> None:
        names = list(self.tools)
        for number in range(rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                for kind in kinds:
                    if kind in self.tools[name]:
                        self.one(kind, name, number)

    def one(self, kind: str, name: str, number: int) -> None:
        if kind != "unchanged" and self.gateway.count("staging"):
            self.gateway.s5cmd("rm", "s3://staging/*")
        before = self.gateway.processor_seconds()
        done = measured(self.tools[name][kind], self.environ, self.log)
        done = done._replace(server=self.gateway.processor_seconds() - before)
        is_fine = done.is_fine and self.gateway.count("staging") == self.expected
        self.runs[kind, name].append(done._replace(is_fine=is_fine))
        print(f"  round {number + 1}: {kind:<12}{name:<16}{done.seconds:8.2f} s", flush=True)
        if not is_fine:
            print(self.log.read_text(errors="replace")[-2000:])

    def beside(self, kind: str, what: str, rivals=RIVALS, **mark) -> Result:
        """Return our time beside that of the fastest of the rivals, round by round."""
        ours = [run.seconds for run in self.runs[kind, US]]
        theirs = [self.runs[kind, name] for name in rivals if (kind, name) in self.runs]
        fastest = [min(run.seconds for run in each) for each in zip(*theirs, strict=True)]
        is_fine = all(run.is_fine for run in self.runs[kind, US])
        return paired(
            "copy", what if is_fine else f"INCOMPLETE: {what}", "s", ours, fastest, **mark
        )

    def inside(self, kind: str, what: str) -> Result:
        """Return our time without Django's start beside what it should be."""
        ours = [run.inside for run in self.runs[kind, US]]
        whole = [run.seconds for run in self.runs[kind, US]]
        return paired("copy", what, "s", ours, whole, limit=INSIDE_SECONDS)

    def print_table(self) -> None:
        print(f"\n{'':<28}" + "".join(f"{head:>12}" for head in HEADS))
        for (kind, name), runs in sorted(self.runs.items()):
            ours = median(run.seconds for run in self.runs[kind, US])
            inside = [run.inside for run in runs if run.inside is not None]
            seconds = median(run.seconds for run in runs)
            servers = median(run.server for run in runs)
            start = seconds - median(inside) if inside else 0
            figures = (
                f"{seconds:.2f} s",
                f"{median(inside):.2f} s" if inside else "",
                f"{start + servers / (os.cpu_count() or 1):.2f} s",
                f"{median(run.processor for run in runs):.2f} s",
                f"{servers:.2f} s",
                f"{seconds / self.expected * 1e6:.0f} us",
                f"{ours / seconds:.2f}",
                f"{max(run.megabytes for run in runs):.0f} MB",
                "" if all(run.is_fine for run in runs) else "INCOMPLETE",
            )
            print(f"{kind:<12}{name:<16}" + "".join(f"{figure:>12}" for figure in figures))
        print("ratio: the time of copy_live_media to that of the tool; below 1 it is ahead.")
        print("least: what the server's processor time takes on all cores, after Django's start.")


@contextlib.contextmanager
def filled(folder: Path, objects: dict, others=RIVALS):
    """Start a gateway of its own that holds these objects; yield a bench on it."""
    folder.mkdir()
    with Gateway(folder) as gateway:
        count = objects["small"] + objects.get("large", 0)
        yield Bench(gateway, prepared(gateway, objects), count, others)
    shutil.rmtree(folder)


def measure(
    scale: float = 1, rounds: int = ROUNDS, names: int = NAMES, others=RIVALS
) -> list[Result]:
    """Compare copies of files by the service and through this machine, and unchanged ones."""
    if not (shutil.which("juicefs") and shutil.which("s5cmd")):
        print("juicefs and s5cmd are not on the PATH: no copies. Use make bench ROW=copy.")
        return []
    small, large = (max(1, round(count * scale)) for count in (SMALL, LARGE))
    names = round(names * scale)
    files = {"small": small, "small_bytes": SMALL_BYTES}
    files |= {"large": large, "large_bytes": round(LARGE_BYTES * min(1, scale))}
    few = {"small": names, "small_bytes": (NAME_BYTES, NAME_BYTES)}
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as root:
        with filled(Path(root, "files"), files, others) as bench:
            bench.rounds(("server-side", "unchanged", "streaming"), rounds)
            bench.print_table()
            count = f"{bench.expected:,} files"
            found = [
                bench.beside("server-side", f"{count}, by the service", most=0.5),
                bench.beside("streaming", f"{count}, streaming", most=0.6),
                bench.beside("unchanged", f"{count}, unchanged, s5cmd", ("s5cmd",), most=1),
                bench.inside("unchanged", f"{count}, unchanged: inside beside whole"),
            ]
        with filled(Path(root, "names"), few, others) as bench:
            bench.one("server-side", US, 0)  # once, so that there is something to find unchanged
            bench.rounds(("unchanged",), rounds)
            bench.print_table()
            found.append(bench.beside("unchanged", f"{names:,} names, unchanged", most=0.7))
    return found


def check_statuses(folder: Path, runs: int) -> None:
    """Run the command `runs` times, every other time with a file missing; count the statuses.

    A command that does its work and then ends with another status stops the night's job, or worse,
    does not.
    """
    print(f"\n{runs:,} runs, in every other one a file is missing", flush=True)
    folder.mkdir()
    with Gateway(folder) as gateway:
        environ = prepared(gateway, {"small": 100, "small_bytes": SMALL_BYTES})
        command = [sys.executable, "manage.py", "copy_live_media"]
        statuses = Counter()
        for number in range(runs):
            if is_missing := number % 2:
                gateway.s5cmd("mv", f"s3://live/media/{avatar(number % 100)}", "s3://live/away")
            with (folder / "run.log").open("wb") as log:
                run = subprocess.run(command, env=environ, stdout=log, stderr=log)
            statuses[is_missing, run.returncode] += 1
            if is_missing:
                gateway.s5cmd("mv", "s3://live/away", f"s3://live/media/{avatar(number % 100)}")
    for (is_missing, status), count in sorted(statuses.items()):
        what = "a file missing" if is_missing else "all there"
        print(f"{what:<16}status {status:>4}: {count:4} runs")
    print(f"right: {statuses[0, 0] + statuses[1, 1]} of {runs}")


def prepared(gateway: Gateway, objects: dict) -> dict[str, str]:
    """The environment of a site whose rows name these objects, which are in the source bucket."""
    environ = environment(gateway, gateway.folder / "db.sqlite3")
    counts = [objects["small"], objects.get("large", 0)]
    subprocess.run(
        [sys.executable, "-m", "tests.bench.copies", "--rows", *map(str, counts)],
        env=environ, check=True,
    )  # fmt: skip
    for bucket in ("live", "staging"):
        gateway.client.create_bucket(Bucket=bucket)
    fill(gateway, **objects)
    return environ


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scale", type=float, default=1, help="0.05: a twentieth of the objects")
    parser.add_argument("--names", type=int, default=NAMES, help="small names (default 100000)")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--statuses", type=int, default=STATUSES, help="runs whose status is read")
    parser.add_argument("--inside", choices=["server-side", "streaming"], help=argparse.SUPPRESS)
    parser.add_argument("--rows", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return copy_here(options.inside == "streaming")
    if options.rows:
        return make_rows(*options.rows)
    measure(options.scale, options.rounds, options.names, tuple(OTHERS))
    with tempfile.TemporaryDirectory(prefix="portal-bench-") as folder:
        check_statuses(Path(folder, "statuses"), round(options.statuses * options.scale))


if __name__ == "__main__":
    main()
