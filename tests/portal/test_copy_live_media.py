"""copy_live_media: what an operator sees of the copy engine, and where it refuses to work."""

import io
import json
import os
import re

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from portal import copying
from portal.addresses import service
from portal.live_media import live_pairs, nested
from portal.progress import Progress, size_words, time_words
from portal.s3_transfer import S3Source
from portal.storages import ProtectedMediaStorage, PublicMediaStorage
from profiles.models import Profile
from tests import samples
from tests.conftest import make_member, match_routes, settings_for, use_settings
from tests.strict_s3 import StrictS3, read_only

pytestmark = pytest.mark.any_database  # tests/portal/test_references.py asks each of them

REGION = "eu-west-1"
KEYS = {"AKIALIVE": "live-secret", "AKIASTAGING": "staging-secret"}


@pytest.fixture(scope="module")
def server():
    with StrictS3(KEYS, permissions={"AKIALIVE": read_only}, region=REGION) as server:
        yield server


@pytest.fixture
def s3(server):
    for bucket in ("portal-live", "portal-staging"):
        server._backend.create_bucket(bucket, REGION)
    yield server
    server.wipe()


@pytest.fixture
def live(s3):
    return {
        "LIVE_STORAGE_BUCKET_NAME": "portal-live",
        "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
        "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
        "LIVE_S3_REGION_NAME": REGION,
        "LIVE_S3_ENDPOINT_URL": s3.endpoint_url,
    }


@pytest.fixture
def staging(s3):
    return {
        "AWS_STORAGE_BUCKET_NAME": "portal-staging",
        "AWS_ACCESS_KEY_ID": "AKIASTAGING",
        "AWS_SECRET_ACCESS_KEY": "staging-secret",
        "AWS_S3_REGION_NAME": REGION,
        "AWS_S3_ENDPOINT_URL": s3.endpoint_url,
    }


@pytest.fixture
def site(settings, monkeypatch, tmp_path):
    """Makes the site what an environment makes of it."""

    def become(environment):
        values = settings_for({"MEDIA_ROOT": str(tmp_path / "media-root")} | environment)
        values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
        names = ("AWS_AVAILABLE", "MEDIA_ROOT", "MEDIA_URL", "STORAGES", "LIVE_STORAGES")
        use_settings(settings, monkeypatch, {name: values[name] for name in names})

    yield become
    settings.AWS_AVAILABLE = False
    match_routes()


@pytest.fixture
def people(db, s3, live, staging, site):
    """Three members, of whom two have files; the rows here, the files on live."""
    site(
        staging
        | {
            "AWS_STORAGE_BUCKET_NAME": "portal-live",
            "AWS_ACCESS_KEY_ID": "AKIASTAGING",
        }
    )
    for name in ("ada", "grace"):
        profile = make_member(f"{name}@example.org").profile
        profile.avatar = ContentFile(samples.jpeg((64, 64)), name="photo.jpg")
        profile.resume = ContentFile(samples.pdf(name), name="cv.pdf")
        profile.save()
    make_member("mary@example.org")
    s3.permissions["AKIASTAGING"] = lambda method, bucket, key: bucket == "portal-staging"
    s3.clear()
    yield Profile.objects.exclude(resume="").order_by("pk")
    s3.permissions.pop("AKIASTAGING")


@pytest.fixture(params=["bucket", "folder"])
def on_staging(request, people, site, live, staging):
    """Staging's own settings, with its files in a bucket or on a laptop's disk."""
    site(live | (staging if request.param == "bucket" else {}))
    return people


def run(*arguments):
    """The command's table by field, and what it says on stderr; raises what it raises."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("copy_live_media", *arguments, stdout=out, stderr=err)
    finally:
        run.out, run.err = out.getvalue(), err.getvalue()
    return table(run.out)


def table(text):
    lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    return {label: dict(zip(lines[0][1:], cells, strict=True)) for label, *cells in lines[1:]}


def refused(words, *arguments):
    with pytest.raises(CommandError, match=words) as caught:
        run(*arguments)
    return caught.value


def keys_in(s3, bucket):
    return sorted(s3._backend.buckets[bucket].keys)


def there(people):
    """Whether each file of each member is on this site."""
    return [
        storages[alias].exists(getattr(profile, field).name)
        for profile in people
        for alias, field in (("default", "avatar"), ("protected", "resume"))
    ]


# What it does


def test_it_copies_the_files_that_the_rows_name(on_staging):
    counts = run()

    assert there(on_staging) == [True] * 4
    assert counts["profiles.Profile.avatar"]["copied"] == "2"
    assert counts["profiles.Profile.resume"]["copied"] == "2"
    assert counts["profiles.Profile.resume"]["failed"] == "0"
    assert re.fullmatch(r"[\d.]+ (kB|bytes)", counts["profiles.Profile.avatar"]["bytes"])


def test_a_second_run_finds_nothing_to_do(on_staging, s3):
    run()
    s3.clear()

    counts = run()

    assert {row["unchanged"] for row in counts.values()} == {"2"}
    assert {row["bytes"] for row in counts.values()} == {"0 bytes"}
    assert {request.method for request in s3.requests} == {"GET"}
    assert len(s3.requests) <= 4


def test_a_dry_run_copies_nothing_and_says_how_much_it_would_be(on_staging, s3):
    counts = run("--dry-run")

    assert there(on_staging) == [False] * 4
    assert {row["to copy"] for row in counts.values()} == {"2"}
    assert "0 bytes" not in {row["bytes"] for row in counts.values()}


def test_it_copies_only_the_field_that_is_asked_for(on_staging):
    counts = run("--only", "profiles.Profile.resume")

    assert counts.keys() == {"profiles.Profile.resume"}
    assert there(on_staging) == [False, True, False, True]


def test_a_field_that_does_not_exist_is_refused_with_those_that_do(on_staging, s3):
    error = refused("no file field profiles.Profile.photo", "--only", "profiles.Profile.photo")

    assert "profiles.Profile.avatar" in str(error)
    assert not s3.requests


@pytest.mark.parametrize("jobs", ["0", "-1", "257", "many"])
def test_a_number_of_jobs_beyond_reason_is_refused(on_staging, jobs):
    refused("--jobs", "--jobs", jobs)

    run("--jobs", "1")


def test_missing_and_denied_files_are_named_and_the_rest_is_copied(on_staging, s3, tmp_path):
    """Y3: by model, pk and field; exit status 1."""
    ada, grace = on_staging
    s3._backend.delete_object("portal-live", f"media/{ada.avatar.name}")
    denied = f"protected/{grace.resume.name}"
    s3.permissions["AKIALIVE"] = lambda *asked: read_only(*asked) and asked[2] != denied
    report = tmp_path / "report.json"

    try:
        error = refused("2 files could not be copied", "--report", str(report))
    finally:
        s3.permissions["AKIALIVE"] = read_only

    assert error.returncode == 1
    assert f"missing: profiles.Profile {ada.pk}, avatar: '{ada.avatar.name}'" in run.err
    assert f"denied: profiles.Profile {grace.pk}, resume: '{grace.resume.name}'" in run.err
    assert there(on_staging) == [False, True, True, False]
    counts = table(run.out)
    assert counts["profiles.Profile.avatar"]["missing"] == "1"
    assert counts["profiles.Profile.resume"]["denied"] == "1"
    told = json.loads(report.read_text())
    assert [(item["result"], item["pk"], item["field"]) for item in told["trouble"]] == [
        ("missing", str(ada.pk), "avatar"),
        ("denied", str(grace.pk), "resume"),
    ]
    assert told["fields"]["profiles.Profile.avatar"]["copied"] == 1
    assert "2 files" in told["ending"]


def test_a_file_that_two_rows_name_is_copied_once_and_reported_for_both(on_staging, s3):
    ada, grace = on_staging
    Profile.objects.filter(pk=grace.pk).update(avatar=ada.avatar.name)

    counts = run("--only", "profiles.Profile.avatar")
    s3._backend.delete_object("portal-live", f"media/{ada.avatar.name}")
    refused("could not be copied", "--only", "profiles.Profile.avatar")

    assert counts["profiles.Profile.avatar"]["copied"] == "1"
    assert f"Profile {ada.pk}, avatar" in run.err
    assert f"Profile {grace.pk}, avatar" in run.err


def test_the_report_of_a_good_run_says_so(on_staging, tmp_path):
    report = tmp_path / "report.json"

    run("--report", str(report))

    told = json.loads(report.read_text())
    assert told["trouble"] == []
    assert told["ending"] is None
    assert told["dry_run"] is False
    assert told["fields"]["profiles.Profile.resume"]["copied"] == 2
    assert os.listdir(tmp_path).count("report.json") == 1
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".report")]


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_done(on_staging, s3):
    refused("report cannot be written", "--report", "/nowhere/report.json")

    assert not s3.requests


def test_a_wrong_clock_ends_the_run_with_one_clear_sentence(on_staging, s3):
    """Y8."""
    s3.advance(16 * 60)
    error = refused("^This machine's clock is wrong")
    s3.reset_clock()

    assert error.returncode == 1
    run()  # the control


def test_ctrl_c_stops_and_says_how_to_go_on(on_staging, monkeypatch, tmp_path):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Progress, "add", interrupt)
    error = refused("run the same command again", "--report", str(tmp_path / "report.json"))
    monkeypatch.undo()

    assert error.returncode == 130
    assert "Stopped" in json.loads((tmp_path / "report.json").read_text())["ending"]
    assert not [thread for thread in copying.threading.enumerate() if thread.name == "copying"]


def test_from_folder_to_bucket_files_get_the_policys_headers(people, site, staging, settings, s3):
    """A laptop's folders as the source: LIVE_STORAGES may name any storage."""
    ada = people[0]
    site(staging)
    folder = settings.MEDIA_ROOT / "laptop"
    for name in (ada.avatar.name, ada.resume.name):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"content")
    backend = "django.core.files.storage.FileSystemStorage"
    live = {"BACKEND": backend, "OPTIONS": {"location": folder}}
    settings.LIVE_STORAGES = {"default": live, "protected": live}

    refused("2 files could not be copied")  # Grace's

    resume = s3._backend.head_object("portal-staging", f"protected/{ada.resume.name}").metadata
    assert resume["content-type"] == "application/pdf"
    assert resume["cache-control"] == "private, no-store"
    assert resume["content-disposition"] == "attachment"


# Guards


@pytest.mark.parametrize("environment", ["staging", "development", "production"])
def test_it_is_refused_in_production(on_staging, s3, settings, environment):
    """Y1: before any request."""
    settings.SITE_ENVIRONMENT = environment

    if environment == "production":
        refused("SITE_ENVIRONMENT is staging or development")
        assert not s3.requests
        assert there(on_staging) == [False] * 4
    else:
        run()
        assert there(on_staging) == [True] * 4


def test_it_is_refused_without_a_live_place(people, site, staging, s3):
    site(staging)

    refused("LIVE_STORAGE_BUCKET_NAME, LIVE_READ_ONLY_ACCESS_KEY_ID")

    assert not s3.requests


def test_a_storage_without_a_live_twin_is_refused(on_staging, settings, s3):
    settings.LIVE_STORAGES = {"default": settings.LIVE_STORAGES["default"]}

    refused("no live twin of protected")

    assert not s3.requests


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
def test_source_and_target_must_not_be_the_same_place(people, site, live, staging, s3, changes):
    """Y1: whatever name the place goes by, and before any request."""
    port = s3.endpoint_url.rpartition(":")[2]
    changes = {name: value.format(port=port) for name, value in changes.items()}
    site(staging | live | {"LIVE_STORAGE_BUCKET_NAME": "portal-staging"} | changes)

    refused("is where the live site's files are")

    assert not s3.requests


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


AWS = [
    None,
    "https://s3.amazonaws.com",
    "https://s3.eu-west-1.amazonaws.com/",
    "https://S3.EU-WEST-1.AMAZONAWS.COM:443",
    "https://s3-eu-west-1.amazonaws.com",
    "http://s3.us-east-1.amazonaws.com",
    "https://s3.dualstack.eu-west-1.amazonaws.com",
    "https://portal-files.s3.eu-west-1.amazonaws.com",
    "https://s3-accelerate.amazonaws.com",
]


@pytest.mark.parametrize("endpoint_url", AWS)
def test_all_names_of_aws_are_one_service(endpoint_url):
    """Y1."""
    assert service(endpoint_url, REGION) == "aws"
    assert service(endpoint_url, "us-east-1") == "aws"


@pytest.mark.parametrize(
    "names",
    [
        ["https://s3.example.org", "https://S3.example.org.", "https://s3.example.org:443/"],
        [
            "http://localhost:9000",
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "http://127.0.1.1:9000",
        ],
        ["http://minio.example.org", "https://minio.example.org", "http://minio.example.org:80"],
    ],
)
def test_a_service_has_one_name_under_all_its_addresses(names):
    """Y1."""
    assert len({service(name, REGION) for name in names}) == 1


def test_services_that_differ_have_names_that_differ():
    """Y1's control."""
    names = [
        "https://s3.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn",
        "https://s3.example.org", "https://s3.example.org:9000", "https://s3.example.org/tenant",
        "https://s3.example.com", "http://localhost:9000", "http://localhost:9001",
        "https://notamazonaws.com", "https://s3.amazonaws.com.example.org",
    ]  # fmt: skip

    assert len({service(name, REGION) for name in names}) == len(names)
    assert service(None, "cn-north-1") == "aws-cn"


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
    refused("4 files could not be copied")


def test_prefixes_nest_by_whole_names():
    assert nested("media/", "media/avatars/")
    assert not nested("media/", "media-live/")


def test_the_live_twins_are_the_same_policies_and_can_only_read(on_staging, settings):
    """Y2."""
    pairs = live_pairs({alias: storages[alias] for alias in ("default", "protected")}, jobs=1)

    assert {type(source) for source, _ in pairs.values()} == {S3Source}
    assert {source.access_key for source, _ in pairs.values()} == {"AKIALIVE"}
    backends = [twin["BACKEND"].rpartition(".")[2] for twin in settings.LIVE_STORAGES.values()]
    assert backends == [PublicMediaStorage.__name__, ProtectedMediaStorage.__name__]


def test_the_live_keys_get_head_and_list_and_write_nothing(on_staging, s3):
    """Y2: by the server's record of a whole run, and of a second."""
    before = keys_in(s3, "portal-live")

    run()
    run()

    assert {r.method for r in s3.requests if r.access_key == "AKIALIVE"} <= {"GET", "HEAD"}
    assert all(r.bucket == "portal-staging" for r in s3.requests if r.method not in {"GET", "HEAD"})
    assert keys_in(s3, "portal-live") == before


# How far it has come


class Clock:
    now = 0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_one_line_on_a_terminal_and_a_few_in_a_pipe(is_terminal):
    out, clock = io.StringIO(), Clock()
    out.isatty = lambda: is_terminal
    progress = Progress(OutputWrapper(out), 1000, clock)

    for second in range(1, 31):
        clock.now = second
        progress.add(2_000_000)
    progress.clear()

    lines = out.getvalue().split("\r" if is_terminal else "\n")
    assert len(lines) == (32 if is_terminal else 4)
    assert (
        "10 of 1,000 files, 20.0 MB copied, 1 files and 2.0 MB a second, 16:30 left"
        in lines[10 if is_terminal else 0]
    )


def test_sizes_and_times_are_put_in_words():
    sizes = [size_words(size) for size in (0, 999, 1000, 64_000_000, 5.5e9, 1e16)]
    times = [time_words(seconds) for seconds in (0, 59.6, 61, 3661)]

    assert sizes == ["0 bytes", "999 bytes", "1.0 kB", "64.0 MB", "5.5 GB", "10000.0 TB"]
    assert times == ["0:00", "1:00", "1:01", "1:01:01"]
