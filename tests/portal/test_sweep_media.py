"""sweep_media: what no row names goes, in a day; what a row names stays, whatever happens."""

import io
import os
import signal
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from portal import cleanup, sweeping
from portal.management.commands import sweep_media as command
from portal.references import Reference
from portal.storages import UnconfiguredStorage, protected_media, public_media
from profiles.models import Profile
from tests import samples
from tests.conftest import BUCKET, s3_client, settings_for
from tests.settings import SITE_VARIABLES

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
NAMES = st.text(st.sampled_from("aZ./-0é~\U0001d518\ue000"), min_size=1, max_size=8)


@pytest.fixture(params=["disk", "s3"])
def place(request):
    """Where the site keeps its files."""
    if request.param == "s3":
        request.getfixturevalue("on_s3")
    return request.param


@pytest.fixture
def a_day_later(monkeypatch):
    """Everything that is stored in the test is older than a day when it is swept."""
    now = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: now)


def sweep_media(*arguments) -> str:
    out = io.StringIO()
    call_command("sweep_media", *arguments, stdout=out)
    return out.getvalue()


def stored() -> list[str]:
    """The names of all files, of both storages."""
    return [
        f"{alias} {file.name}"
        for alias in ("default", "protected")
        for file in sweeping.listing(storages[alias])
    ]


def named(*users) -> list[str]:
    avatars = [f"default {user.profile.avatar.name}" for user in users]
    return avatars + [f"protected {user.profile.resume.name}" for user in users]


def add_orphan(name="avatars/orphan.webp", storage=None):
    return (storage or public_media()).save(name, ContentFile(b"x"))


def test_an_orphan_is_only_listed_at_first(place, owner, a_day_later):
    add_orphan()
    before = stored()

    report = sweep_media()

    assert "orphan   default avatars/orphan.webp\n" in report
    assert stored() == before


def test_an_orphan_is_deleted_on_demand(place, owner, a_day_later):
    """What a row names is the control."""
    add_orphan()
    add_orphan("resumes/orphan.pdf", protected_media())

    report = sweep_media("--delete")

    assert "deleted  default avatars/orphan.webp\n" in report
    assert "deleted  protected resumes/orphan.pdf\n" in report
    assert stored() == named(owner)


def test_a_young_orphan_is_left_alone(place):
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
def test_the_age_is_a_choice(place, a_day_later, hours, left):
    add_orphan()

    sweep_media("--delete", "--older-than", hours)

    assert len(stored()) == left


def test_an_age_below_an_hour_is_refused(a_day_later):
    """No upload waits longer for its row."""
    add_orphan()

    with pytest.raises(CommandError, match="at least 1"):
        sweep_media("--delete", "--older-than", "0.5")

    assert len(stored()) == 1


def test_an_upload_that_was_rolled_back_is_swept(place, owner, a_day_later):
    """T1."""
    before = stored()
    with transaction.atomic():
        owner.profile.resume = ContentFile(samples.pdf(text="second"), name="cv.pdf")
        owner.profile.save()
        transaction.set_rollback(True)
    assert len(stored()) == len(before) + 1

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
from tests import samples

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


@pytest.mark.parametrize("killed", ["before", "after"])
def test_what_a_killed_process_leaves_behind_is_swept(tmp_path, killed):
    """T2: kill -9 just before the commit of a replacement, and just after it."""
    names = {name: value for name, value in os.environ.items() if name not in SITE_VARIABLES}
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
    on_s3.fail_next(403, "AccessDenied", times=2, matching=lambda r: r.method == "DELETE")
    with django_capture_on_commit_callbacks(execute=True):
        owner.delete()
    assert stored() == before

    sweep_media("--delete")

    assert stored() == []


def test_a_refused_delete_is_told_and_the_others_go(on_s3, a_day_later):
    """T5: the sweep itself. Exit status 1; the next run finds the rest."""
    for name in ("a", "b", "c"):
        add_orphan(name)
    on_s3.fail_next(403, "AccessDenied", matching=lambda r: r.method == "DELETE")

    with pytest.raises(CommandError, match="not deleted: 1"):
        sweep_media("--delete")
    assert stored() == ["default a"]

    sweep_media("--delete")
    assert stored() == []


def test_a_row_without_its_file_is_named(place, owner):
    """Exit status 1; with the file there is none: test_an_orphan_is_deleted_on_demand."""
    name = owner.profile.resume.name
    protected_media().delete(name)
    out = io.StringIO()

    with pytest.raises(CommandError, match="Missing files: 1"):
        call_command("sweep_media", stdout=out)

    row = f"profiles.Profile {owner.profile.pk} resume"
    assert f"missing  protected {name} {row}\n" in out.getvalue()
    assert f"named={1} " in out.getvalue()


def test_a_file_of_two_rows_stays_until_both_have_gone(
    place, owner, member, django_capture_on_commit_callbacks
):
    """T6: django-cleanup alone would delete it with the first."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    avatar = named(owner)[0]

    with django_capture_on_commit_callbacks(execute=True):
        owner.delete()
    assert stored() == [avatar]

    with django_capture_on_commit_callbacks(execute=True):
        Profile.objects.get(user=member).delete()
    assert stored() == []


def test_a_file_of_two_rows_stays_when_one_is_given_another(
    owner, member, django_capture_on_commit_callbacks
):
    """T6; the last row's replacement is the control."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    shared = named(owner)[0]

    def replace(user):
        profile = Profile.objects.get(user=user)
        with django_capture_on_commit_callbacks(execute=True):
            profile.avatar = ContentFile(samples.jpeg(), name="new.jpg")
            profile.save()

    replace(owner)
    assert shared in stored()

    replace(member)
    assert shared not in stored()


def test_a_file_is_kept_if_nobody_can_be_asked(
    owner, a_day_later, monkeypatch, django_capture_on_commit_callbacks
):
    """The request succeeds, as in T5, and the sweep comes later."""

    def fail(*arguments):
        raise DatabaseError

    with monkeypatch.context() as broken, django_capture_on_commit_callbacks(execute=True):
        broken.setattr(cleanup, "named_among", fail)
        owner.delete()
    assert len(stored()) == 2

    sweep_media("--delete")
    assert stored() == []


def test_a_file_of_two_rows_is_no_orphan(place, owner, member, a_day_later):
    """T6, the sweep's half."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    before = stored()
    Profile.objects.filter(user=owner).delete()

    sweep_media("--delete")

    assert stored() == [name for name in before if name.startswith("default")]


def test_a_row_that_comes_during_the_sweep_keeps_its_file(place, member, a_day_later, monkeypatch):
    """The rows were read, then somebody named the file; without her it goes: the control."""
    add_orphan("avatars/a.webp")
    add_orphan("avatars/b.webp")
    compare = sweeping.compared

    def slow(*arguments):
        found = list(compare(*arguments))
        Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
        return iter(found)

    monkeypatch.setattr(sweeping, "compared", slow)
    monkeypatch.setattr(command, "refuse_strange", lambda *arguments: None)  # no first look

    sweep_media("--delete")

    assert stored() == ["default avatars/a.webp"]


def test_a_row_that_goes_during_the_sweep_misses_nothing(place, owner, monkeypatch):
    public_media().delete(owner.profile.avatar.name)
    compare = sweeping.compared

    def slow(*arguments):
        found = list(compare(*arguments))
        Profile.objects.update(avatar="")
        return iter(found)

    monkeypatch.setattr(sweeping, "compared", slow)

    assert "missing=0" in sweep_media()


@pytest.fixture
def live_storages(s3_environment):
    """LIVE_STORAGES, by the LIVE_* variables beside those of a read-only key pair."""

    def make(**variables):
        live = {
            "LIVE_STORAGE_BUCKET_NAME": "portal-live",
            "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
            "LIVE_READ_ONLY_SECRET_KEY": "secret",
            "LIVE_S3_REGION_NAME": "eu-west-1",
        }
        return settings_for(s3_environment | live | variables)["LIVE_STORAGES"]

    return make


@pytest.mark.parametrize(
    "variables",
    [
        {"LIVE_STORAGE_BUCKET_NAME": BUCKET},
        {"LIVE_PROTECTED_BUCKET_NAME": BUCKET},
        {"LIVE_STORAGE_BUCKET_NAME": BUCKET, "LIVE_MEDIA_PREFIX": "media/live"},
        {"LIVE_STORAGE_BUCKET_NAME": BUCKET, "LIVE_S3_ENDPOINT_URL": "https://alias.example.org"},
    ],
    ids=["bucket", "protected bucket", "prefix within", "endpoint's alias"],
)
@pytest.mark.parametrize("environment", ["staging", "development"])
def test_lives_files_are_not_swept(
    on_s3, a_day_later, settings, live_storages, variables, environment
):
    """The control is the same site, told that it is the live one."""
    add_orphan()
    settings.LIVE_STORAGES = live_storages(**variables)
    settings.SITE_ENVIRONMENT = environment
    on_s3.clear()
    with pytest.raises(CommandError, match="not this site's own"):
        sweep_media("--delete")
    assert on_s3.requests == []

    settings.SITE_ENVIRONMENT = "production"
    sweep_media("--delete")

    assert stored() == []


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {
            "LIVE_STORAGE_BUCKET_NAME": BUCKET,
            "LIVE_MEDIA_PREFIX": "live/media",
            "LIVE_PROTECTED_PREFIX": "live/protected",
        },
    ],
    ids=["another bucket", "another part of the bucket"],
)
def test_what_is_beside_lives_files_is_swept(
    on_s3, a_day_later, settings, live_storages, variables
):
    """Some add-ons lend every site a part of one bucket."""
    add_orphan()
    settings.LIVE_STORAGES = live_storages(**variables)

    sweep_media("--delete")

    assert stored() == []


def test_a_bucket_of_which_most_is_orphaned_is_not_swept(place, owner, a_day_later, monkeypatch):
    """A laptop's database and live's bucket, say: nothing goes, until it is said to be so."""
    monkeypatch.setattr(command, "MANY", 3)
    for number in range(4):
        add_orphan(f"avatars/{number}.webp")
    before = stored()

    with pytest.raises(CommandError, match="no row names 4 of the 5 files in default"):
        sweep_media("--delete")
    assert stored() == before

    sweep_media("--delete", "--most")
    assert stored() == named(owner)


def test_other_keys_of_the_bucket_are_left_alone(on_s3, a_day_later):
    """Assets, somebody's backups, the console's folders, and a prefix that begins like ours."""
    others = ["assets/site.css", "backup.tar", "media/", "media/avatars/", "media-old/a.webp"]
    client = s3_client(on_s3)
    for key in others:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    add_orphan()

    sweep_media("--delete")

    left = client.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert sorted(item["Key"] for item in left) == sorted(others)


def test_exactly_the_orphan_goes(on_s3, member, a_day_later):
    """Of "a//b" a storage would make "a/b", which is somebody's."""
    Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
    add_orphan("avatars/a.webp")
    public_media().bucket.Object("media/avatars//a.webp").put(Body=b"x")

    sweep_media("--delete")

    assert stored() == ["default avatars/a.webp"]


@pytest.mark.parametrize("name", ["avatars//a.webp", "./avatars/a.webp", "x/../avatars/a.webp"])
def test_a_row_that_names_its_file_in_other_words_stops_the_sweep(place, member, a_day_later, name):
    """It opens all the same, so that its file is no orphan; the plain name is the control."""
    Profile.objects.filter(user=member).update(avatar=name)
    add_orphan("avatars/a.webp")

    with pytest.raises(CommandError, match="not written as the storage writes it"):
        sweep_media("--delete")
    assert stored() == ["default avatars/a.webp"]

    Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
    sweep_media("--delete")


def test_storages_that_share_a_place_stop_the_sweep(owner, a_day_later, monkeypatch):
    """The files of the one would be the other's orphans; apart from each other they are swept."""
    inside = FileSystemStorage(Path(public_media().location) / "resumes")
    monkeypatch.setattr(Profile._meta.get_field("resume"), "storage", inside)
    with pytest.raises(CommandError, match=r"default and .* keep their files together"):
        sweep_media("--delete")

    monkeypatch.undo()
    assert sweeping.refuse_overlap({"a": public_media(), "b": protected_media()}) is None


def test_a_site_without_storage_says_so(monkeypatch):
    monkeypatch.setattr(Profile._meta.get_field("resume"), "storage", UnconfiguredStorage())

    with pytest.raises(CommandError, match="UnconfiguredStorage"):
        sweep_media()


def test_a_busy_s3_is_asked_five_times(on_s3, a_day_later, monkeypatch):
    """For a page of the listing, and to delete a file: nobody waits for an answer to a request."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    add_orphan()
    for method in ("GET", "DELETE"):
        on_s3.fail_next(times=4, matching=lambda request, method=method: request.method == method)

    assert "deleted  default avatars/orphan.webp\n" in sweep_media("--delete")


def test_a_bucket_that_cannot_be_listed_is_a_plain_error(on_s3):
    on_s3.fail_next(403, "AccessDenied")

    with pytest.raises(CommandError, match=r"^Could not list media/: \w+\. Let the key of"):
        sweep_media()


def test_a_person_sees_a_table(owner):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    call_command("sweep_media", stdout=out, no_color=True)

    rows = [line.split() for line in out.getvalue().splitlines()]
    assert rows[0] == ["named", "young", "orphan", "deleted", "failed", "missing"]
    assert rows[1] == ["default", "1", "0", "0", "0", "0", "0"]


def test_a_hostile_name_is_one_harmless_line(a_day_later):
    folder = Path(public_media().location)
    folder.mkdir(parents=True)
    (folder / "a\n\x1b[2Jb").write_bytes(b"x")

    assert r"orphan   default 'a\n\x1b[2Jb'" in sweep_media()


@given(st.sets(NAMES.filter(lambda name: sweeping.is_plain(f"a/{name}/a") and ".." not in name)))
def test_a_folder_is_listed_as_a_bucket_is(tmp_path_factory, names):
    """In the order of bytes, folders and all, so that both may be merged with rows."""
    folder = tmp_path_factory.mktemp("folder")
    written = set()
    for name in sorted(names):
        try:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"x")
        except OSError:  # on a disk, a file is no folder
            continue
        written.add(name)

    assert [file.name for file in sweeping.folder_listing(folder)] == sorted(
        written, key=str.encode
    )


@given(rows=st.lists(NAMES), files=st.sets(NAMES))
def test_the_merge_finds_what_sets_would_find(rows, files):
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    found = sweeping.compared(
        [Reference("default", name, "m", 1, "f") for name in sorted(rows)],
        [sweeping.Stored(name, long_ago) for name in sorted(files)],
        now,
    )

    assert [(finding.kind, finding.name) for finding in found] == sorted(
        [("missing", name) for name in rows if name not in files]
        + [("named" if name in rows else "orphan", name) for name in files],
        key=lambda finding: finding[1],
    )


def test_a_listing_out_of_order_stops_the_sweep():
    """A server that sorts in another way would make orphans of files that rows name."""
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
    files = [sweeping.Stored(name, long_ago) for name in ("b", "a")]

    with pytest.raises(sweeping.SweepRefused, match="order of their names"):
        list(sweeping.compared([], files, now))


def test_memory_stays_the_same_however_many_there_are():
    """Y8's like: 50,000 names take no more than 5,000."""
    long_ago, now = datetime(2013, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)

    def peak(count):
        names = [f"avatars/{number:032}.webp" for number in range(count)]
        tracemalloc.start()
        rows = (Reference("default", name, "m", 1, "f") for name in names)
        files = (sweeping.Stored(name, long_ago) for name in names)
        for _ in sweeping.compared(rows, files, now):
            pass
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    assert peak(50_000) < peak(5_000) + 100_000
