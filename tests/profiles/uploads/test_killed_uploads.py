"""kill -9 while an upload is received or published: catalogue T2, for stored uploads."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.settings import without_site_variables

ROOT = Path(__file__).parents[3]

# Each of the moments is lived through by a process of its own; then comes the night.
KILLED_AT_EACH_MOMENT = """
import os, signal, sys
from datetime import timedelta

import django
django.setup()
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone

from portal.files import storages as policies, sweeping
from portal.files.references import references
from profiles.models import PendingFile, Profile, StoredUpload, User
from tests.support import samples

call_command("migrate", verbosity=0)
member = User.objects.create_user("mary@example.org")
FILES = {
    "avatar": ContentFile(samples.jpeg(), name="me.jpg"),
    "resume": ContentFile(samples.pdf(), name="cv.pdf"),
}
for purpose, file in FILES.items():  # parsed once: each process only stores them
    field = Profile._meta.get_field(purpose)
    field.clean_upload = lambda file, cleaned=field.clean_upload(file), **choices: cleaned
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
save, end = policies.LocalStorage._save, transaction.Atomic.__exit__


def dying_at(moment):
    passed = [0]

    def is_at_it():
        if passed[0] == moment:
            die()

    def saved(self, *arguments):
        is_at_it()
        name = save(self, *arguments)
        passed[0] += 1
        is_at_it()
        passed[0] += 1
        return name

    def ended(self, *arguments):  # when all is stored, and before the commit
        if passed[0] == 4:
            is_at_it()
        return end(self, *arguments)

    policies.LocalStorage._save, transaction.Atomic.__exit__ = saved, ended


def in_a_process(act, moment):
    connection.close()
    child = os.fork()
    if not child:
        dying_at(moment)
        act()
        die() if moment == 5 else os._exit(0)
    return os.waitpid(child, 0)[1]


def stored():
    return {file.name for alias in ("default", "protected") for file in
            sweeping.listing(storages[alias])}


def report(what, moment, status):
    named = {reference.name for reference in references()}
    assert named <= stored(), "a row names a missing file"
    left = len(stored() - named)
    day = timezone.now
    for later in (timedelta(minutes=30), timedelta(hours=25)):
        timezone.now = lambda: day() + later
        call_command("delete_expired_uploads", stdout=open(os.devnull, "w"))
        timezone.now = day
        if later < timedelta(hours=1):
            assert len(stored()) >= left, "deleted while it may still be stored"
    print(what, moment, status, left, len(stored()), StoredUpload.objects.count(),
          PendingFile.objects.count(), flush=True)


for purpose in FILES:
    for moment in range(6):
        status = in_a_process(lambda: StoredUpload.receive(member, purpose, FILES[purpose]), moment)
        report(f"receive-{purpose}", moment, status)
for moment in range(6):
    upload = StoredUpload.receive(member, "avatar", FILES["avatar"])
    report("publish", moment, in_a_process(upload.publish, moment))
"""


@pytest.mark.whole
@pytest.mark.any_database
def test_what_a_killed_process_leaves_is_deleted_at_night(tmp_path):
    """T2: before and behind each file, before the commit and behind it; no row misses a file."""
    environment = without_site_variables()
    environment |= {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MEDIA_ROOT": str(tmp_path / "files"),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }

    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_MOMENT],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert len(lines) == 3 * 6
    for what, moment, status, left, *after in lines:
        assert int(status) == signal.SIGKILL, (what, moment)
        # At moment 1 there is one file that no row names, and so on: the control.
        assert int(left) == [0, 1, 1, 2, 2, 0][int(moment)], (what, moment)
        assert after == ["0", "0", "0"], (what, moment)
