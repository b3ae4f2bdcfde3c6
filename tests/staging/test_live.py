"""The sites on which copy_live_media refuses to work: nothing of live is ever overwritten."""

import pytest
from django.core.files.storage import storages

from portal.copying.s3_store import S3Source, S3Target
from portal.files.storages import ProtectedMediaStorage, PublicMediaStorage
from portal.staging.live import live_pairs, store
from tests.support.copy_command import arrived, keys_in, refused, run

pytestmark = pytest.mark.any_database  # tests/files/test_references.py asks each of them


@pytest.mark.parametrize("environment", ["staging", "development", "production"])
def test_it_is_refused_in_production(on_staging, server, settings, environment):
    """Y1: before any request."""
    settings.SITE_ENVIRONMENT = environment

    if environment == "production":
        refused("SITE_ENVIRONMENT is staging or development")
        assert not server.requests
        assert arrived(on_staging) == [False] * 4
    else:
        run()
        assert arrived(on_staging) == [True] * 4


def test_it_is_refused_without_a_live_place(people, site, staging, server):
    site(staging)

    refused("LIVE_STORAGE_BUCKET_NAME, LIVE_READ_ONLY_ACCESS_KEY_ID")

    assert not server.requests


def test_a_storage_without_a_live_twin_is_refused(on_staging, settings, server):
    settings.LIVE_STORAGES = {"default": settings.LIVE_STORAGES["default"]}

    refused("no live twin of protected")

    assert not server.requests


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"LIVE_MEDIA_PREFIX": "media/"},
        {"LIVE_S3_ENDPOINT_URL": "http://LOCALHOST:{port}/"},
        {"LIVE_S3_ENDPOINT_URL": "http://127.0.0.1:{port}/"},
        {"LIVE_S3_ADDRESSING_STYLE": "path"},
        {
            "LIVE_S3_ENDPOINT_URL": "http://localhost:{port}",
            "LIVE_S3_ADDRESSING_STYLE": "virtual",
        },
        {"LIVE_S3_REGION_NAME": "us-east-1"},
        {"LIVE_MEDIA_PREFIX": "media/avatars"},
        {"LIVE_MEDIA_PREFIX": "protected", "LIVE_PROTECTED_PREFIX": "elsewhere"},
        {"LIVE_STORAGE_BUCKET_NAME": "elsewhere", "LIVE_PROTECTED_BUCKET_NAME": "portal-staging"},
    ],
)
def test_source_and_target_must_not_be_the_same_place(people, site, live, staging, server, changes):
    """Y1: whatever name the place goes by, and before any request."""
    port = server.endpoint_url.rpartition(":")[2]
    changes = {name: value.format(port=port) for name, value in changes.items()}
    site(staging | live | {"LIVE_STORAGE_BUCKET_NAME": "portal-staging"} | changes)

    refused("is where the live site's files are")

    assert not server.requests


@pytest.mark.parametrize(
    "changes",
    [
        {"LIVE_STORAGE_BUCKET_NAME": "portal-live"},
        {"LIVE_MEDIA_PREFIX": "live-media", "LIVE_PROTECTED_PREFIX": "live-protected"},
        {"LIVE_S3_ENDPOINT_URL": "https://s3.example.org"},
        {"LIVE_S3_ENDPOINT_URL": "http://127.0.0.1:9"},
    ],
)
def test_places_that_differ_are_accepted(people, site, live, staging, changes):
    """Y1's control."""
    site(staging | live | {"LIVE_STORAGE_BUCKET_NAME": "portal-staging"} | changes)

    assert live_pairs({"default": storages["default"]}, jobs=1)


def test_a_folder_is_the_same_place_through_a_symbolic_link(people, settings, tmp_path, site):
    """Y1: and when one lies within the other."""
    site({})
    backend = "django.core.files.storage.FileSystemStorage"
    (tmp_path / "media-root" / "media" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "media-root" / "media")
    for place in ("media-root/media", "media-root/../media-root/media", "link", "link/below", "."):
        twin = {"BACKEND": backend, "OPTIONS": {"location": tmp_path / place}}
        settings.LIVE_STORAGES = {"default": twin, "protected": twin}
        refused("is where the live site's files are")

    twin["OPTIONS"]["location"] = tmp_path / "media-root" / "media-live"
    settings.LIVE_STORAGES = {"default": twin, "protected": twin}
    refused("8 files could not be copied")


@pytest.mark.parametrize("is_public", [True, False])
def test_protected_files_of_live_are_not_copied_into_a_public_storage(
    on_staging, settings, server, is_public
):
    """Y2: whatever the class of the twin; a public one is the control."""
    live = settings.LIVE_STORAGES["default"]["OPTIONS"]
    twin = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": live | {"querystring_auth": not is_public},
    }
    settings.LIVE_STORAGES = settings.LIVE_STORAGES | {"default": twin}

    if is_public:
        run()
        assert arrived(on_staging) == [True] * 4
    else:
        refused("default is public, and its live twin is protected")
        assert not server.requests


def test_the_live_twins_are_the_same_policies_and_can_only_read(on_staging, settings):
    """Y2."""
    pairs = live_pairs({alias: storages[alias] for alias in ("default", "protected")}, jobs=1)

    assert {type(source) for source, _ in pairs.values()} == {S3Source}
    assert {source.access_key for source, _ in pairs.values()} == {"AKIALIVE"}
    backends = [twin["BACKEND"].rpartition(".")[2] for twin in settings.LIVE_STORAGES.values()]
    assert backends == [PublicMediaStorage.__name__, ProtectedMediaStorage.__name__]


@pytest.mark.parametrize("kind", [S3Source, S3Target])
def test_a_store_is_reached_as_its_storage_is(kind):
    """With a connection kept open for each of its workers."""
    storage = PublicMediaStorage(
        bucket_name="portal-live",
        location="media/",
        access_key="AKIA1",
        secret_key="secret",
        region_name="eu-west-3",
        endpoint_url="https://s3.example.org:9000",
        addressing_style="virtual",
    )

    made = store(storage, kind, jobs=7)

    assert type(made) is kind
    assert (made.bucket, made.prefix, made.region) == ("portal-live", "media/", "eu-west-3")
    assert (made.access_key, made._secret_key, made._max_idle) == ("AKIA1", "secret", 7)
    assert made.address.geturl() == "https://portal-live.s3.example.org:9000"
    if kind is S3Target:
        assert made.default_headers("avatars/1.webp") == storage.headers("avatars/1.webp")


def test_the_live_keys_get_head_and_list_and_write_nothing(on_staging, server):
    """Y2: by the server's record of a whole run, and of a second."""
    before = keys_in(server, "portal-live")

    run()
    run()

    assert {r.method for r in server.requests if r.access_key == "AKIALIVE"} <= {"GET", "HEAD"}
    assert all(
        r.bucket == "portal-staging" for r in server.requests if r.method not in {"GET", "HEAD"}
    )
    assert keys_in(server, "portal-live") == before
