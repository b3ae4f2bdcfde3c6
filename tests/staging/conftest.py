"""Two sites with files on one S3 server: live, and a staging copy of its rows."""

import pytest
from django.core.files.base import ContentFile

from profiles.models import Profile, ResumeText
from tests.conftest import make_member, s3_client, settings_for, use_settings
from tests.support import samples
from tests.support.refresh_command import LIVE, MEMBERS, STAFF, STAGING
from tests.support.strict_s3 import StrictS3, read_only

REGION = "eu-west-1"
OF_FILES = ("avatar", "avatar_small", "resume", "resume_picture", "resume_pages", "resume_bytes")
KEYS = {"AKIALIVE": "live-secret", "AKIASTAGING": "staging-secret"}


@pytest.fixture(scope="module")
def running_server():
    with StrictS3(KEYS, permissions={"AKIALIVE": read_only}, region=REGION) as server:
        yield server


@pytest.fixture
def server(running_server):
    for bucket in ("portal-live", "portal-staging"):
        running_server._backend.create_bucket(bucket, REGION)
    yield running_server
    running_server.wipe()


@pytest.fixture
def live(server):
    return {
        "LIVE_STORAGE_BUCKET_NAME": "portal-live",
        "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
        "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
        "LIVE_S3_REGION_NAME": REGION,
        "LIVE_S3_ENDPOINT_URL": server.endpoint_url,
    }


@pytest.fixture
def staging(server):
    return {
        "AWS_STORAGE_BUCKET_NAME": "portal-staging",
        "AWS_ACCESS_KEY_ID": "AKIASTAGING",
        "AWS_SECRET_ACCESS_KEY": "staging-secret",
        "AWS_S3_REGION_NAME": REGION,
        "AWS_S3_ENDPOINT_URL": server.endpoint_url,
    }


@pytest.fixture
def site(settings, monkeypatch, tmp_path):
    """Give the site the settings that an environment makes."""

    def become(environment):
        values = settings_for({"MEDIA_ROOT": str(tmp_path / "media-root")} | environment)
        values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
        names = ("AWS_AVAILABLE", "MEDIA_ROOT", "MEDIA_URL", "STORAGES", "LIVE_STORAGES")
        use_settings(settings, monkeypatch, {name: values[name] for name in names})

    return become


@pytest.fixture(scope="module")
def uploaded_once(running_server):
    """A function that gives two members the files that the module's first test uploaded."""
    kept = {}

    def give():
        if kept:
            running_server._backend.buckets.clear()
            running_server.restore(kept["files"])
        for number, name in enumerate(("ada", "grace")):
            profile = make_member(f"{name}@example.org").profile
            if "rows" in kept:
                row, text = kept["rows"][number]
                Profile.objects.filter(pk=profile.pk).update(**row)
                ResumeText.objects.create(profile=profile, **text)
            else:
                profile.avatar = ContentFile(samples.jpeg((64, 64)), name="photo.jpg")
                profile.resume = ContentFile(samples.pdf(name), name="cv.pdf")
                profile.save()
        if not kept:
            kept["rows"] = list(
                zip(
                    Profile.objects.values(*OF_FILES).order_by("pk"),
                    ResumeText.objects.values("source", "text", "words").order_by("pk"),
                    strict=True,
                )
            )
            kept["files"] = running_server.state()

    return give


@pytest.fixture
def people(db, server, live, staging, site, uploaded_once):
    """Three members, of whom two have files; the rows here, the files on live."""
    site(
        staging
        | {
            "AWS_STORAGE_BUCKET_NAME": "portal-live",
            "AWS_ACCESS_KEY_ID": "AKIASTAGING",
        }
    )
    uploaded_once()
    make_member("mary@example.org")
    server.permissions["AKIASTAGING"] = lambda method, bucket, key: bucket == "portal-staging"
    server.clear()
    yield Profile.objects.exclude(resume="").order_by("pk")
    server.permissions.pop("AKIASTAGING")


@pytest.fixture(params=["bucket", "folder"])
def on_staging(request, people, site, live, staging):
    """Staging's own settings, with its files in a bucket or on a laptop's disk."""
    site(live | (staging if request.param == "bucket" else {}))
    return people


@pytest.fixture
def sites(s3, on_disk, settings, monkeypatch):
    """This site is staging, and another bucket is the live one, which it has keys to read."""
    monkeypatch.setitem(s3.credentials, "AKIALIVEREAD", "live-secret")
    monkeypatch.setitem(s3.permissions, "AKIALIVEREAD", read_only)
    environment = {
        "AWS_STORAGE_BUCKET_NAME": STAGING,
        "AWS_ACCESS_KEY_ID": "AKIAPORTAL",
        "AWS_SECRET_ACCESS_KEY": s3.credentials["AKIAPORTAL"],
        "AWS_S3_REGION_NAME": REGION,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
        "LIVE_STORAGE_BUCKET_NAME": LIVE,
        "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVEREAD",
        "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
        "LIVE_S3_REGION_NAME": REGION,
        "LIVE_S3_ENDPOINT_URL": s3.endpoint_url,
    }
    values = settings_for(environment)
    values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
    names = ("AWS_AVAILABLE", "STORAGES", "LIVE_STORAGES")
    use_settings(settings, monkeypatch, {name: values[name] for name in names})
    settings.SITE_ENVIRONMENT = "staging"
    for bucket in (LIVE, STAGING):
        s3_client(s3).create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    s3.clear()
    yield s3
    settings.AWS_AVAILABLE = False


@pytest.fixture
def restored(sites):
    """Rows and files as on live: members and staff, each with an avatar and a resume."""
    for number in range(MEMBERS + STAFF):
        names = {field: f"{field}s/{number}.bin" for field in ("avatar", "resume")}
        user = make_member(f"user{number}@example.org", is_staff=number >= MEMBERS)
        Profile.objects.filter(user=user).update(**names)
        for field, prefix in (("avatar", "media"), ("resume", "protected")):
            key = f"{prefix}/{names[field]}"
            stored = sites._backend.put_object(LIVE, key, names[field].encode())
            stored.set_metadata({"content-type": "image/webp"})
    sites.clear()
    return sites
