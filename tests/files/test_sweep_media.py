"""sweep_media: what no row names is deleted after a day; what a row names stays."""

import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import transaction

from portal.files import sweeping
from portal.files.storages import protected_media, public_media
from profiles.models import Profile
from tests.settings import without_site_variables
from tests.support import samples

from .sweeps import add_orphan, named, stored, sweep_media

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]


def test_an_orphan_is_only_listed_at_first(stored_on, owner, a_day_later):
    add_orphan()
    before = stored()

    report = sweep_media()

    assert "orphan   default avatars/orphan.webp\n" in report
    assert stored() == before


def test_an_orphan_is_deleted_on_demand(stored_on, owner, a_day_later):
    """The control is a file that a row names."""
    add_orphan()
    add_orphan("resumes/orphan.pdf", protected_media())

    report = sweep_media("--delete")

    assert "deleted  default avatars/orphan.webp\n" in report
    assert "deleted  protected resumes/orphan.pdf\n" in report
    assert stored() == named(owner)
    # No error where two sweeps delete the same file.
    sweeping.delete(public_media(), "avatars/orphan.webp")


def test_a_young_orphan_is_left_alone(stored_on):
    """Its row may be on the way. The next day, it goes: the control is the test above."""
    add_orphan()

    report = sweep_media("--delete")

    assert stored() == ["default avatars/orphan.webp"]
    assert "total    default named=0 young=1 orphan=0 deleted=0 failed=0 missing=0\n" in report


def test_a_copy_that_keeps_its_originals_time_is_young(owner):
    """As rsync makes them, or copy_live_media: perhaps before the rows come."""
    path = Path(public_media().path(add_orphan()))
    os.utime(path, (1_000_000_000, 1_000_000_000))

    sweep_media("--delete")

    assert path.exists()


@pytest.mark.parametrize(("hours", "left"), [("24", 0), ("26", 1)])
def test_the_age_is_a_choice(stored_on, a_day_later, hours, left):
    add_orphan()

    sweep_media("--delete", "--older-than", hours)

    assert len(stored()) == left


@pytest.mark.parametrize("hours", ["0.5", "nan", "inf", "1e12"])
def test_an_age_below_an_hour_or_beyond_all_calendars_is_refused(a_day_later, hours):
    """No upload waits longer than an hour for its row."""
    add_orphan()

    with pytest.raises(CommandError, match="at least 1"):
        sweep_media("--delete", "--older-than", hours)

    assert len(stored()) == 1


def test_an_upload_that_was_rolled_back_is_swept(stored_on, owner, a_day_later):
    """T1."""
    before = stored()
    with transaction.atomic():
        owner.profile.resume = ContentFile(samples.pdf(text="second"), name="cv.pdf")
        owner.profile.save()
        transaction.set_rollback(True)
    assert len(stored()) == len(before) + 2  # the file, and the picture of its first page

    sweep_media("--delete")

    assert stored() == before


REPLACE_AND_DIE = """
import os, signal, sys
import django
django.setup()
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import transaction
from profiles.models import User
from tests.support import samples

call_command("migrate", verbosity=0)
profile = User.objects.create_user("mary@example.org").profile
profile.avatar = ContentFile(samples.jpeg(), name="old.jpg")
profile.save()
print(profile.avatar.name, flush=True)
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
with transaction.atomic():
    if sys.argv[1] == "after":
        transaction.on_commit(die)  # before django-cleanup's turn
    profile.avatar = ContentFile(samples.jpeg(), name="new.jpg")
    profile.save()
    print(profile.avatar.name, flush=True)
    if sys.argv[1] == "before":
        die()
"""


SWEEP_THE_NEXT_DAY = """
from datetime import timedelta
import django
django.setup()
from django.core.management import call_command
from django.utils import timezone

now = timezone.now() + timedelta(hours=25)
timezone.now = lambda: now
call_command("sweep_media", "--delete")
"""


@pytest.mark.whole
@pytest.mark.parametrize("killed", ["before", "after"])
def test_what_a_killed_process_leaves_behind_is_swept(tmp_path, killed):
    """T2: kill -9 just before the commit of a replacement, and just after it."""
    names = without_site_variables()
    environment = names | {
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MEDIA_ROOT": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    run = {"env": environment, "cwd": ROOT, "stdout": subprocess.PIPE, "text": True, "check": False}
    victim = subprocess.run([sys.executable, "-c", REPLACE_AND_DIE, killed], **run)
    old, new = victim.stdout.split()
    files = [tmp_path / "media" / name for name in (old, new)]
    assert victim.returncode == -signal.SIGKILL
    assert [file.exists() for file in files] == [True, True]

    sweep = subprocess.run([sys.executable, "-c", SWEEP_THE_NEXT_DAY], **run)

    assert sweep.returncode == 0, sweep.stdout
    assert [file.exists() for file in files] == (
        [True, False] if killed == "before" else [False, True]
    )


def test_what_s3_refused_to_delete_is_swept(
    on_s3, owner, a_day_later, django_capture_on_commit_callbacks
):
    """T5: the request succeeds; the sweep tries again."""
    before = stored()
    on_s3.fail_next(403, "AccessDenied", times=4, matching=lambda r: r.method == "DELETE")
    with django_capture_on_commit_callbacks(execute=True):
        owner.delete()
    assert stored() == before

    sweep_media("--delete")

    assert stored() == []


def test_a_refused_delete_is_reported_and_the_others_are_deleted(on_s3, a_day_later):
    """T5: the sweep itself. Exit status 1; the next run finds the rest."""
    for name in ("a", "b", "c"):
        add_orphan(name)
    on_s3.fail_next(403, "AccessDenied", matching=lambda r: r.method == "DELETE")

    with pytest.raises(CommandError, match="not deleted: 1"):
        sweep_media("--delete")
    assert stored() == ["default a"]

    sweep_media("--delete")
    assert stored() == []


def test_a_row_without_its_file_is_named(stored_on, owner):
    """Exit status 1; with the file there is none: test_an_orphan_is_deleted_on_demand."""
    name = owner.profile.resume.name
    protected_media().delete(name)
    out = io.StringIO()

    with pytest.raises(CommandError, match="Missing files: 1"):
        call_command("sweep_media", stdout=out)

    row = f"profiles.Profile {owner.profile.pk} resume"
    assert f"missing  protected {name} {row}\n" in out.getvalue()
    assert f"named={1} " in out.getvalue()


def test_a_row_that_comes_during_the_sweep_keeps_its_file(
    stored_on, member, a_day_later, monkeypatch
):
    """The rows were read, then a row named the file; a file of no row is the control."""
    add_orphan("avatars/a.webp")
    add_orphan("avatars/b.webp")
    compare = sweeping.compared

    def slow(*arguments):
        found = list(compare(*arguments))
        Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
        return iter(found)

    monkeypatch.setattr(sweeping, "compared", slow)
    monkeypatch.setattr(sweeping, "refuse_suspicious", lambda *arguments: None)  # no first look

    sweep_media("--delete")

    assert stored() == ["default avatars/a.webp"]


def test_a_row_that_goes_during_the_sweep_misses_nothing(stored_on, owner, monkeypatch):
    public_media().delete(owner.profile.avatar.name)
    compare = sweeping.compared

    def slow(*arguments):
        found = list(compare(*arguments))
        Profile.objects.update(avatar="")
        return iter(found)

    monkeypatch.setattr(sweeping, "compared", slow)

    assert "missing=0" in sweep_media()


def test_a_busy_s3_is_asked_five_times(on_s3, a_day_later, monkeypatch):
    """For a page of the listing, and to delete a file: nobody waits for an answer to a request."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    add_orphan()
    for method in ("GET", "DELETE"):
        on_s3.fail_next(times=4, matching=lambda request, method=method: request.method == method)

    assert "deleted  default avatars/orphan.webp\n" in sweep_media("--delete")


def test_a_person_sees_a_table(owner):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    call_command("sweep_media", stdout=out, no_color=True)

    rows = [line.split() for line in out.getvalue().splitlines()]
    assert rows[0] == ["storage", "named", "young", "orphan", "deleted", "failed", "missing"]
    assert rows[1] == ["default", "2", "0", "0", "0", "0", "0"]


def test_a_hostile_name_is_one_harmless_line(a_day_later):
    folder = Path(public_media().location)
    folder.mkdir(parents=True)
    (folder / "a\n\x1b[2Jb").write_bytes(b"x")

    assert r"orphan   default 'a\n\x1b[2Jb'" in sweep_media()
