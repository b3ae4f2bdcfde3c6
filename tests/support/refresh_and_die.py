"""Refreshes of staging that are killed, each in a process of its own: for tests/staging/test_kills.

python -m tests.support.refresh_and_die FOLDER '[0.1, 0.9]'

The moments are shares of what an undisturbed run does: statements to the database, and sends to S3.
Prints a line for each round, and one for the undisturbed run.
"""

import hashlib
import io
import json
import os
import shutil
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.core.files.storage import storages  # noqa: E402
from django.core.management import CommandError, call_command  # noqa: E402
from django.db import connection  # noqa: E402

from profiles.models import Profile, User  # noqa: E402
from tests.support import samples  # noqa: E402
from tests.support.rows import whole_database  # noqa: E402

MEMBERS, STAFF = 4, 6
KILLS_IN_A_ROW = 5


class Moments:
    """Counts what a refresh does, and kills the process at one of them."""

    def __init__(self, last=None):
        self.passed, self.last, self.lock = 0, last, threading.Lock()

    def pass_one(self):
        with self.lock:
            self.passed += 1
            if self.passed == self.last:
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


def refresh() -> None:
    out = io.StringIO()
    try:
        call_command("refresh_staging", sweep=True, live_key_may_write=True, stdout=out, stderr=out)
    except CommandError:
        sys.stderr.write(out.getvalue())
        raise


def in_a_process(last=None) -> tuple[int, int]:
    """Refresh in a child; return its status, and how many moments it has had."""
    connection.close()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with Moments(last) as moments:
            refresh()
        os.write(writing, b"%d" % moments.passed)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        passed = int(pipe.read() or 0)
    return os.waitpid(child, 0)[1], passed


def s3():
    return storages["default"].connection.meta.client


def objects(bucket: str) -> dict:
    found = {}
    for item in s3().list_objects_v2(Bucket=bucket).get("Contents", []):
        if item["Key"].endswith("/"):
            continue  # a gateway on folders lists them
        answer = s3().get_object(Bucket=bucket, Key=item["Key"])
        headers = answer["ContentType"], answer.get("CacheControl"), answer["Metadata"]
        found[item["Key"]] = (hashlib.sha256(answer["Body"].read()).hexdigest(), *headers)
    return found


def end() -> str:
    """What a refresh has left: all rows and objects, as one number."""
    state = [whole_database(), objects("society-staging")]
    return hashlib.sha256(repr(state).encode()).hexdigest()


def begin(folder: Path) -> None:
    """Lay out the database as it is restored, and a bucket with a file of somebody who has left."""
    connection.close()
    shutil.copyfile(folder / "restored.sqlite3", folder / "staging.sqlite3")
    for key in objects("society-staging"):
        s3().delete_object(Bucket="society-staging", Key=key)
    s3().put_object(Bucket="society-staging", Key="media/avatars/left.webp", Body=b"x")


def restore(folder: Path) -> None:
    """Make live's rows and files."""
    call_command("migrate", verbosity=0)
    for number in range(MEMBERS + STAFF):
        user = User.objects.create_user(f"user{number}@example.org", is_staff=number >= MEMBERS)
        names = {"avatar": f"avatars/{number}.webp", "resume": f"resumes/{number}.pdf"}
        Profile.objects.filter(user=user).update(**names)
        body = samples.pdf_of_size(1000 + 40_000 * (number % 3))
        for key in (f"media/{names['avatar']}", f"protected/{names['resume']}"):
            s3().put_object(
                Bucket="society-live", Key=key, Body=body, ContentType="image/webp",
                CacheControl="max-age=7", Metadata={"number": str(number)},
            )  # fmt: skip
    connection.close()
    shutil.copyfile(folder / "staging.sqlite3", folder / "restored.sqlite3")


def main(folder: Path, moments: list[float]) -> None:
    restore(folder)
    begin(folder)
    status, passed = in_a_process()
    assert status == 0
    assert passed > 50, passed
    undisturbed, copied, kills = end(), len(objects("society-staging")), 0
    for start in range(0, len(moments), KILLS_IN_A_ROW):
        begin(folder)
        for share in moments[start : start + KILLS_IN_A_ROW]:
            # A run after another has less to do: what it does not come to does not kill it.
            for last in (int(share * passed) + 1, int(share * passed / 3) + 1, 20):
                status, _ = in_a_process(last)
                if status == signal.SIGKILL:
                    kills += 1
                    break
        status, _ = in_a_process()
        assert status == 0
        print(json.dumps({"end": end()}), flush=True)
    print(json.dumps({"end": undisturbed, "copied": copied, "kills": kills}))


if __name__ == "__main__":
    assert settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
