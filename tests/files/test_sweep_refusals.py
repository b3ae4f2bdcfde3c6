"""sweep_media: what it never deletes, and what stops it before the first delete."""

from pathlib import Path

import pytest
from botocore.config import Config
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError
from django.db import OperationalError
from storages.backends.s3 import S3Storage
from werkzeug.wrappers import Response

from portal.files import sweeping
from portal.files.references import references
from portal.files.storages import UnconfiguredStorage, protected_media, public_media
from profiles.models import Profile
from tests.conftest import BUCKET, s3_client, settings_for
from tests.support.strict_s3 import StrictS3

from .sweeps import add_orphan, named, open_queries, stored, sweep_media

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


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
def test_files_of_the_live_site_are_not_swept(
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
def test_files_beside_those_of_the_live_site_are_swept(
    on_s3, a_day_later, settings, live_storages, variables
):
    """Some add-ons lend every site a part of one bucket."""
    add_orphan()
    settings.LIVE_STORAGES = live_storages(**variables)

    sweep_media("--delete")

    assert stored() == []


def test_a_bucket_of_which_most_is_orphaned_is_not_swept(
    stored_on, owner, a_day_later, monkeypatch
):
    """As with a laptop's database and the live bucket: nothing is deleted until it is confirmed."""
    monkeypatch.setattr(sweeping, "MANY", 3)
    for number in range(4):
        add_orphan(f"avatars/{number}.webp")
    before = stored()

    with pytest.raises(CommandError, match="no row names 4 of the 6 files in default"):
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


def test_exactly_the_orphan_is_deleted(on_s3, member, a_day_later):
    """Of "a//b" a storage would make "a/b", which is somebody's."""
    Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
    add_orphan("avatars/a.webp")
    public_media().bucket.Object("media/avatars//a.webp").put(Body=b"x")

    sweep_media("--delete")

    assert stored() == ["default avatars/a.webp"]


@pytest.mark.parametrize("name", ["avatars//a.webp", "./avatars/a.webp", "x/../avatars/a.webp"])
def test_a_row_that_writes_its_name_another_way_stops_the_sweep(
    stored_on, member, a_day_later, name
):
    """It opens all the same, so that its file is no orphan; the plain name is the control."""
    Profile.objects.filter(user=member).update(avatar=name)
    add_orphan("avatars/a.webp")

    with pytest.raises(CommandError, match="not written as the storage writes it"):
        sweep_media("--delete")
    assert stored() == ["default avatars/a.webp"]

    Profile.objects.filter(user=member).update(avatar="avatars/a.webp")
    sweep_media("--delete")


def test_storages_that_share_files_stop_the_sweep(owner, a_day_later, monkeypatch):
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


def test_a_bucket_that_cannot_be_listed_is_a_plain_error(on_s3):
    on_s3.fail_next(403, "AccessDenied")

    with pytest.raises(CommandError, match=r"^Could not list media/: \w+\. Let the key of"):
        sweep_media()


STOCK = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret", "location": "minutes",
    "region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:1",
    "client_config": Config(retries={"total_max_attempts": 1}),
}  # fmt: skip


def test_a_stock_storage_that_does_not_answer_is_a_plain_error(db, settings, monkeypatch):
    """Y13: by the options of the storage, which has no variables, and of a field's own."""
    backend = "storages.backends.s3.S3Storage"
    settings.STORAGES = settings.STORAGES | {"minutes": {"BACKEND": backend, "OPTIONS": STOCK}}
    field = Profile._meta.get_field("resume")
    silence = "Could not list minutes/: EndpointConnectionError"
    until = "or run this again when http://127.0.0.1:1/society answers from here."

    monkeypatch.setattr(field, "storage", storages["minutes"])
    with pytest.raises(CommandError) as error:
        sweep_media()
    assert str(error.value) == f'{silence}. Correct endpoint_url of STORAGES["minutes"], {until}'

    monkeypatch.setattr(field, "storage", S3Storage(**STOCK | {"bucket_name": "other"}))
    with pytest.raises(CommandError) as error:
        sweep_media()
    assert f"{silence}. Correct endpoint_url of the storage, or run" in str(error.value)


@pytest.mark.parametrize(
    ("lacked", "options"),
    [
        ({"access_key": None, "secret_key": None}, ["access_key", "secret_key"]),
        ({"bucket_name": None}, ["bucket_name"]),
    ],
)
def test_a_stock_storage_without_keys_is_a_plain_error(db, monkeypatch, lacked, options):
    """Y13: it has no policy then, and is swept by whatever keys boto3 finds; here it finds none."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    storage = S3Storage(**STOCK | lacked)
    monkeypatch.setattr(Profile._meta.get_field("resume"), "storage", storage)

    with pytest.raises(CommandError) as error:
        sweep_media()

    wanted = " and ".join(f"{option} of the storage" for option in options)
    assert str(error.value).endswith(f". Set {wanted}.")


def test_an_error_leaves_no_query_open(on_s3, owner, monkeypatch, a_day_later):
    """SQLite reports an open one at the end of the process, below the error's own message."""
    rows = references()
    next(rows)
    assert open_queries(), "the control"
    rows.close()
    add_orphan()

    on_s3.fail_next(403, "AccessDenied")
    with pytest.raises(CommandError, match="Let the key of") as refused:
        sweep_media()
    assert refused.value.__cause__
    assert open_queries() == []

    monkeypatch.setattr(sweeping, "MANY", -1)
    add_orphan("avatars/other.webp")
    add_orphan("avatars/third.webp")
    with pytest.raises(CommandError, match="Is this the right database") as refused:
        sweep_media("--delete")
    assert refused.value.__cause__
    assert open_queries() == []

    Profile.objects.update(resume="a//b.pdf")
    with pytest.raises(CommandError, match="not written as the storage writes it") as refused:
        sweep_media("--delete", "--most")
    assert refused.value.__cause__
    assert open_queries() == []


@pytest.mark.parametrize(
    ("orphans", "others", "is_refused"),
    [(100, 0, False), (101, 0, True), (101, 101, False), (102, 101, True), (1000, 1000, False)],
)
def test_many_orphans_are_more_than_a_hundred_and_more_than_half(orphans, others, is_refused):
    def results():
        found = [(sweeping.ORPHAN, orphans), (sweeping.NAMED, others // 2)]
        for kind, count in [*found, (sweeping.YOUNG, others - others // 2)]:
            yield from [sweeping.SweepResult(kind, "a")] * count

    sweeping.refuse_suspicious("default", results(), True)
    if not is_refused:
        sweeping.refuse_suspicious("default", results(), False)
        return
    with pytest.raises(sweeping.SweepRefused) as caught:
        sweeping.refuse_suspicious("default", results(), False)
    assert str(caught.value) == (
        f"Nothing was deleted: no row names {orphans:,} of the {orphans + others:,} files in"
        " default. Is this the right database, and the right bucket? If so, add --most."
    )


asked: list[str | None] = []


def guard(confirmed_fork):
    """Refuse every sweep but that of a fork whose address was typed."""
    asked.append(confirmed_fork)
    if not confirmed_fork:
        raise CommandError("The files may be another site's.")


def test_a_project_s_own_guard_is_asked_before_anything_is_deleted(on_disk, settings):
    settings.SWEEP_GUARD = f"{__name__}.guard"
    asked.clear()
    add_orphan()

    sweep_media()
    assert asked == [], "a list changes nothing"
    with pytest.raises(CommandError, match="another site's"):
        sweep_media("--delete")
    assert asked == [None]

    sweep_media("--delete", "--confirmed-fork", "a@b:1")
    assert asked == [None, "a@b:1"]


def test_a_database_without_the_tables_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(Profile._meta, "db_table", "not_there")

    with pytest.raises(CommandError, match=r"^The rows .* not_there.* and migrated\?$"):
        sweep_media()


def test_what_answers_with_pages_is_no_empty_bucket(on_s3, owner, monkeypatch):
    """A page of a proxy in place of S3: each row's file was called missing."""
    monkeypatch.setattr(
        StrictS3, "_forward", lambda *_: Response("<html><body>Welcome</body></html>")
    )

    with pytest.raises(CommandError, match=r"Could not list .*the answer is none of S3"):
        sweep_media()


def test_a_database_that_does_not_answer_the_guard_is_told_in_one_line(on_disk, settings):
    settings.SWEEP_GUARD = f"{__name__}.does_not_answer"

    with pytest.raises(CommandError, match=r"^The rows could not be read: connection refused\. Is"):
        sweep_media("--delete")


def does_not_answer(confirmed_fork):
    raise OperationalError("connection refused\nIs it running?")
