"""Refreshes of staging that are killed, each in a process of its own: for tests/staging/test_kills.

python -m tests.support.refresh_and_die FOLDER KEEP KILLS SEED

A moment is a part of the command, and a share of what an undisturbed run does in that part:
statements to the database, and sends to S3. Prints a line for each round: where its end differs
from that of an undisturbed run. The last line is about that run.
"""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import socket
import sys
import threading
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.storage import storages  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connection  # noqa: E402

from profiles.directory.models import ResumeText  # noqa: E402
from profiles.models import Profile, ResumeDownload, User  # noqa: E402
from tests.support import samples  # noqa: E402
from tests.support.rows import whole_database  # noqa: E402

PARTS = ("Scrub", "Draw", "Copy", "Verify", "Sweep")  # the headings that the command prints
MEMBERS, STAFF = 6, 4
AVATAR_PIXELS = 64  # drawn quickly
OF_THE_ANSWER = {  # not of the object
    "connection", "date", "last-modified", "x-amz-id-2", "x-amz-request-id", "x-amzn-requestid",
}  # fmt: skip


class Moments(io.StringIO):
    """Counts what a refresh does in each part, and kills the process at one of these moments.

    It is the output of the command, which prints the heading of each part as it begins. What comes
    before the first counts as the first part's.
    """

    def __init__(self, last=None):
        super().__init__()
        self.part, self.last = PARTS[0], last
        self.passed, self.lock = Counter(), threading.Lock()

    def write(self, text):
        if text.strip() in PARTS:
            self.part = text.strip()
        return super().write(text)

    def pass_one(self):
        with self.lock:
            self.passed[self.part] += 1
            if (self.part, self.passed[self.part]) == self.last:
                os.kill(os.getpid(), signal.SIGKILL)

    def __enter__(self):
        self.stack = ExitStack()
        send, sendall = socket.socket.send, socket.socket.sendall

        def counted(function):
            def call(*arguments):
                self.pass_one()
                return function(*arguments)

            return call

        def statement(execute, *arguments):
            self.pass_one()
            return execute(*arguments)

        socket.socket.send, socket.socket.sendall = counted(send), counted(sendall)
        self.stack.enter_context(connection.execute_wrapper(statement))
        return self

    def __exit__(self, *exc_info):
        self.stack.close()


def refresh(keep: int, out: io.StringIO) -> None:
    options = {"keep": keep, "sweep": True, "live_key_may_write": True}
    try:
        call_command("refresh_staging", **options, stdout=out, stderr=out)
    except CommandError:
        sys.stderr.write(out.getvalue())
        raise


def in_a_process(keep: int, last=None) -> tuple[int, dict[str, int]]:
    """Refresh in a child; return its status, and how many moments each part has had."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with Moments(last) as moments:
            refresh(keep, moments)
        os.write(writing, json.dumps(moments.passed).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        passed = json.loads(pipe.read() or "{}")
    return os.waitpid(child, 0)[1], passed


def s3():
    return storages["default"].connection.meta.client


def objects(bucket: str) -> dict:
    found = {}
    for item in s3().list_objects_v2(Bucket=bucket).get("Contents", []):
        if item["Key"].endswith("/"):
            continue  # a gateway on folders lists them
        answer = s3().get_object(Bucket=bucket, Key=item["Key"])
        headers = answer["ResponseMetadata"]["HTTPHeaders"].items()
        kept = sorted((name, value) for name, value in headers if name not in OF_THE_ANSWER)
        found[item["Key"]] = (hashlib.sha256(answer["Body"].read()).hexdigest(), kept)
    return found


def end() -> dict[str, str]:
    """Return all rows, by their number, and all objects, by their keys."""
    rows = dict(enumerate(whole_database().splitlines()))
    return {str(name): repr(what) for name, what in (rows | objects("society-staging")).items()}


def differences(one: dict[str, str], other: dict[str, str]) -> list:
    return [
        (name, one.get(name), other.get(name))
        for name in one | other
        if one.get(name) != other.get(name)
    ]


def begin(folder: Path) -> None:
    """Lay out the database as it is restored, and a bucket with a file of somebody who has left."""
    connection.close()
    shutil.copyfile(folder / "restored.sqlite3", folder / "staging.sqlite3")
    for key in objects("society-staging"):
        s3().delete_object(Bucket="society-staging", Key=key)
    s3().put_object(Bucket="society-staging", Key="media/avatars/left.webp", Body=b"x")


def restore(folder: Path) -> None:
    """Make the rows and files of the live site, with texts for the search and opened resumes."""
    call_command("migrate", verbosity=0)
    users = [
        User.objects.create_user(f"user{number}@example.org", is_staff=number >= MEMBERS)
        for number in range(MEMBERS + STAFF)
    ]
    for number, user in enumerate(users):
        profile = user.profile
        profile.name, profile.bio = f"Zuzanna Wisniewska {number}", "Keeps lighthouses. " * number
        profile.place, profile.skills = "Oslo, Norway", "Python, GIS"
        profile.save()
        names = {"avatar": f"avatars/{number}.webp", "resume": f"resumes/{number}.pdf"}
        Profile.objects.filter(pk=profile.pk).update(**names, resume_pages=1 + number % 3)
        ResumeText.objects.create(profile=profile, source=names["resume"], text="Of lighthouses")
        ResumeDownload.objects.create(profile=profile, member=users[number - 1])
        body = samples.pdf_of_size(1000 + 40_000 * (number % 3))
        for key in (f"media/{names['avatar']}", f"protected/{names['resume']}"):
            s3().put_object(
                Bucket="society-live", Key=key, Body=body, ContentType="image/webp",
                CacheControl="max-age=7", Metadata={"number": str(number)},
            )  # fmt: skip
    connection.close()
    shutil.copyfile(folder / "staging.sqlite3", folder / "restored.sqlite3")


def main(folder: Path, keep: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    settings.AVATAR_PIXELS = AVATAR_PIXELS
    restore(folder)
    begin(folder)
    status, passed = in_a_process(keep)
    assert status == 0
    assert min(passed[part] for part in PARTS) > 1, passed
    undisturbed, facts = end(), {"passed": passed} | what_stays()
    killed = Counter()
    for _ in range(kills // len(PARTS)):
        begin(folder)
        for part in chance.sample(PARTS, len(PARTS)):
            share = chance.random()
            # A run after another has less to do: what it does not come to does not kill it.
            for last in (int(share * passed[part]) + 1, int(share * passed[part] / 3) + 1, 1):
                status, _ = in_a_process(keep, (part, last))
                if status == signal.SIGKILL:
                    killed[part] += 1
                    break
        status, _ = in_a_process(keep)
        assert status == 0
        print(json.dumps({"differences": differences(undisturbed, end())}), flush=True)
    print(json.dumps({"kills": killed, **facts}))


def what_stays() -> dict[str, int]:
    """Counts of what an undisturbed run has left, to see that it was worth killing."""
    members = User.objects.filter(is_staff=False)
    return {
        "objects": len(objects("society-staging")),
        "members": members.count(),
        "downloads": ResumeDownload.objects.filter(profile__user__in=members).count(),
        "words": members.filter(profile__words__isnull=False).distinct().count(),
    }


if __name__ == "__main__":
    assert settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
