"""copy_media: a site's files move to another place, or are backed up, while the site is in use."""

import contextlib
import io
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command

from portal.staging.display import CopyDisplay
from portal.staging.media import count_of_references
from portal.staging.moving import move_between
from profiles.models import Profile
from tests.conftest import make_member, use_settings
from tests.support.copy_command import keys_in, table

pytestmark = pytest.mark.any_database

BUCKET = "portal-staging"


def copy_media(source, target, *arguments):
    """The command's table, by field."""
    out, err = io.StringIO(), io.StringIO()
    call_command("copy_media", "--from", source, "--to", target, *arguments, stdout=out, stderr=err)
    return table(out.getvalue())


def refused(words, source, target, *arguments):
    with pytest.raises(CommandError, match=words):
        copy_media(source, target, *arguments)


def store(storage, profile, content: bytes) -> None:
    """What an upload comes to: a file of a new name, its row, and the former file deleted."""
    former = profile.avatar.name
    name = storage.save(f"avatars/{uuid4().hex}.webp", ContentFile(content))
    Profile.objects.filter(pk=profile.pk).update(avatar=name)
    if former:
        storage.delete(former)


def with_avatar():
    return Profile.objects.exclude(avatar="").order_by("pk")


def contents(storage) -> dict[str, bytes]:
    """What each row's file holds in a storage."""
    found = {}
    for name in with_avatar().values_list("avatar", flat=True):
        with storage.open(name) as file:
            found[name] = file.read()
    return found


@pytest.fixture
def disk(db, tmp_path):
    """The folder of a site on a server of its own; ten members have photos."""
    disk = FileSystemStorage(tmp_path / "old-server")
    for number in range(10):
        store(disk, make_member(f"{number}@example.org").profile, b"photo %d" % number)
    return disk


def test_the_time_that_is_left_is_that_of_rows_with_files(disk):
    make_member("without@example.org")
    fields = [(Profile, Profile._meta.get_field("avatar"))]

    assert count_of_references(fields) == 10


@pytest.fixture
def on_s3_with_two_prefixes(db, site, staging, settings, monkeypatch):
    """A production site with one more storage, below another prefix of its bucket."""
    site(staging)
    settings.SITE_ENVIRONMENT = "production"
    default = settings.STORAGES["default"]
    moved = default | {"OPTIONS": default["OPTIONS"] | {"location": "moved"}}
    use_settings(settings, monkeypatch, {"STORAGES": settings.STORAGES | {"moved": moved}})


@pytest.mark.whole
def test_a_site_in_use_moves_from_a_disk_to_s3_and_on_to_another_prefix(
    disk, on_s3_with_two_prefixes, monkeypatch
):
    """Y4, Y5: no file is lost and none is stale; the last copy is made in maintenance mode."""
    move_in_use(monkeypatch, disk, disk.location, "default")
    assert len(contents(disk)) == 16

    move_in_use(monkeypatch, storages["default"], "default", "moved")
    assert len(contents(storages["moved"])) == 22


def move_in_use(monkeypatch, storage, source, target) -> None:
    """Copy while members replace photos and new ones choose their first, and once more."""
    writes = []

    def write(self, outcome):
        if len(writes) < 6:
            writes.append(outcome)
            store(storage, make_member(f"{uuid4()}@example.org").profile, uuid4().bytes)
            store(storage, with_avatar().first(), uuid4().bytes)

    with monkeypatch.context() as patch:
        patch.setattr(CopyDisplay, "show", write)
        with contextlib.suppress(CommandError):  # a file that its owner has deleted meanwhile
            copy_media(source, target)
    assert len(writes) == 6

    copy_media(source, target)

    assert contents(storages[target]) == contents(storage)
    [counts] = (row for row in copy_media(source, target).values() if row["unchanged"] != "0")
    assert counts["unchanged"] == str(len(contents(storage)))


def test_a_file_that_was_written_over_is_copied_again(disk, on_s3_with_two_prefixes):
    """Y5: of the same size, as by a tool beside the site."""
    copy_media(disk.location, "default")
    name = with_avatar().first().avatar.name
    with disk.open(name, "wb") as file:
        file.write(b"PHOTO 0")

    counts = copy_media(disk.location, "default")

    assert counts["profiles.Profile.avatar"]["copied"] == "1"
    assert contents(storages["default"]) == contents(disk)


def test_a_bucket_is_backed_up_into_a_folder_with_what_no_row_names(
    disk, on_s3_with_two_prefixes, server, tmp_path
):
    copy_media(disk.location, "default")
    server._backend.put_object(BUCKET, "media/notes/read me.txt", b"of no row")
    server._backend.put_object(BUCKET, "media/notes/", b"")  # a folder of S3's console
    backup = FileSystemStorage(tmp_path / "backup")

    counts = copy_media("default", str(backup.location), "--all")

    assert counts["files.listed"]["copied"] == "11"
    assert contents(backup) == contents(disk)
    assert (tmp_path / "backup/notes/read me.txt").read_bytes() == b"of no row"
    assert copy_media("default", backup.location, "--all")["files.listed"]["unchanged"] == "11"

    copy_media(backup.location, "moved", "--all")
    keys = keys_in(server, BUCKET)
    assert len([key for key in keys if key.startswith("moved/")]) == 11
    assert "moved/notes/read me.txt" in keys


def test_a_dry_run_copies_nothing(disk, on_s3_with_two_prefixes, server):
    counts = copy_media(disk.location, "default", "--dry-run")

    assert counts["profiles.Profile.avatar"]["to copy"] == "10"
    assert keys_in(server, BUCKET) == []


def test_the_live_bucket_is_only_read(disk, on_s3_with_two_prefixes, site, live, staging, server):
    """A site whose old bucket is named by the LIVE_ variables, with keys that read."""
    site(staging | live)
    for name, content in contents(disk).items():
        server._backend.put_object("portal-live", f"media/{name}", content)
    refused("only read", "default", "live default")

    copy_media("live default", "default")

    assert contents(storages["default"]) == contents(disk)
    assert {r.method for r in server.requests if r.access_key == "AKIALIVE"} <= {"GET", "HEAD"}
    assert len(keys_in(server, "portal-live")) == 10


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("default", "default", "are one place"),
        ("default", "nowhere", "There is no place nowhere. There are: default, protected"),
        ("protected", "default", "default is public, and the files of protected are not"),
        ("protected", "moved", "moved is public"),
        ("default", "protected", "fields keep files in both places"),
        ("assets", "moved", "no field keeps files in either"),
    ],
)
def test_it_refuses_what_could_do_harm(
    disk, on_s3_with_two_prefixes, server, source, target, words
):
    refused(words, source, target)

    assert not server.requests


STOCK = "storages.backends.s3.S3Storage"
DISK = "django.core.files.storage.FileSystemStorage"


@pytest.fixture
def places(on_s3_with_two_prefixes, settings, tmp_path):
    """Add storages of other classes than the site's own, live ones and folders among them."""
    bucket = settings.STORAGES["protected"]["OPTIONS"]

    def stock(**options):
        return {"BACKEND": STOCK, "OPTIONS": bucket | options}

    settings.STORAGES = settings.STORAGES | {
        "papers": stock(location="papers"),
        "posters": stock(location="posters", querystring_auth=False),
        "signposts": stock(location="papers/posters", querystring_auth=False),
        "pictures": {"BACKEND": DISK, "OPTIONS": {"location": tmp_path / "pictures"}},
        "twin": {
            "BACKEND": "portal.files.storages.ProtectedFileStorage",
            "OPTIONS": {"location": tmp_path / "twin"},
        },
        "nowhere": {"BACKEND": STOCK},
        "unset": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.STATIC_ROOT = None
    (tmp_path / "backup").mkdir()
    settings.LIVE_STORAGES = {
        "papers": stock(bucket_name="live", location="papers"),
        "all": stock(bucket_name="live", location="", querystring_auth=False),
        "posters": stock(bucket_name="live", location="posters", querystring_auth=False),
    }
    return {"PICTURES": f"{tmp_path}/pictures/x", "TWIN": f"{tmp_path}/twin/x", "ROOT": tmp_path,
            "BACKUP": f"{tmp_path}/backup"}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("papers", "posters"),
        ("papers", "default"),
        ("protected", "posters"),
        ("live papers", "posters"),
        ("live all", "posters"),  # a whole bucket, in which the live papers are
        ("papers", "pictures"),
        ("papers", "PICTURES"),
        ("twin", "posters"),
        ("TWIN", "posters"),
        ("ROOT", "posters"),
    ],
)
def test_protected_files_of_any_class_are_not_copied_to_where_everybody_reads(
    places, server, source, target
):
    source, target = (str(places.get(name, name)) for name in (source, target))

    refused(f"{target} is public, and the files of {source} are not", source, target, "--all")

    assert not server.requests


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("papers", "protected"),
        ("protected", "papers"),
        ("live papers", "papers"),
        ("live posters", "default"),
        ("posters", "default"),
        ("signposts", "default"),  # public, although within a protected prefix
        ("posters", "papers"),
        ("papers", "BACKUP"),
        ("papers", "twin"),
        ("BACKUP", "posters"),
    ],
)
def test_other_copies_between_storages_of_any_class_are_made(places, source, target):
    source, target = (str(places.get(name, name)) for name in (source, target))

    moving = move_between(source, target, jobs=1)

    assert moving.source_storage != moving.target_storage


def test_a_missing_file_is_reported_and_the_rest_arrives(disk, on_s3_with_two_prefixes):
    """Y3."""
    lost = with_avatar().first().avatar.name
    disk.delete(lost)

    refused("1 files could not be copied", disk.location, "default")

    assert storages["default"].exists(with_avatar().last().avatar.name)
    assert not storages["default"].exists(lost)


def test_a_backup_of_protected_files_is_not_copied_to_where_everybody_reads(
    db, on_s3_with_two_prefixes, server, tmp_path
):
    """A folder has no policy; rows tell what its files are."""
    resume = storages["protected"].save("resumes/x.pdf", ContentFile(b"resume"))
    member = make_member("owner@example.org")
    Profile.objects.filter(pk=member.profile.pk).update(resume=resume)
    backup = tmp_path / "backup"
    copy_media("protected", str(backup), "--all")

    refused("backup holds protected files, such as resumes/x.pdf", str(backup), "default", "--all")

    assert not [key for key in keys_in(server, BUCKET) if key.startswith("media/")]
    assert copy_media(str(backup), "protected", "--all")["files.listed"]["unchanged"] == "1"
    photos = tmp_path / "photos"
    (photos / resume).mkdir(parents=True)  # a folder of that name is no protected file
    (photos / "a.webp").write_bytes(b"photo")
    assert copy_media(str(photos), "default", "--all")["files.listed"]["copied"] == "1"


@pytest.mark.parametrize("more", [(), ("--all",)])
def test_a_folder_that_was_mistyped_is_refused(db, on_s3_with_two_prefixes, tmp_path, more):
    refused("There is no folder .*/none to copy from", str(tmp_path / "none"), "default", *more)


def test_an_empty_folder_has_no_files(db, on_s3_with_two_prefixes, tmp_path):
    assert copy_media(str(tmp_path), "moved", "--all")["files.listed"]["copied"] == "0"


def test_staging_does_not_copy_into_the_live_sites_bucket(
    disk, on_s3_with_two_prefixes, settings, live, site, staging
):
    """Y1: under an alias of its own, which the LIVE_ variables name as well."""
    site(staging | live)
    settings.SITE_ENVIRONMENT = "staging"
    options = settings.STORAGES["default"]["OPTIONS"] | {"bucket_name": "portal-live"}
    settings.STORAGES = settings.STORAGES | {
        "other": settings.STORAGES["default"] | {"OPTIONS": options}
    }

    refused("other is where LIVE_STORAGES has the live site's files", disk.location, "other")
