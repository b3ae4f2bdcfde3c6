"""The buckets that the variables make, and their addresses: catalogue C2 and C9."""

import itertools
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.environment import Environment
from portal.s3.addresses import bucket_url
from portal.storage_settings import storage_settings
from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED

ROOT = Path(__file__).parents[2]
OWN = {
    "AWS_STORAGE_BUCKET_NAME": "portal-files",
    "AWS_ACCESS_KEY_ID": "AKIAPORTAL",
    "AWS_SECRET_ACCESS_KEY": "portal-secret",
    "AWS_S3_REGION_NAME": "eu-west-1",
}
LIVE = {
    "LIVE_STORAGE_BUCKET_NAME": "live-files",
    "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
    "LIVE_READ_ONLY_SECRET_KEY": "live-secret",
    "LIVE_S3_REGION_NAME": "eu-west-1",
}
LIVE_OPTIONAL = {
    "LIVE_PROTECTED_BUCKET_NAME": "live-protected",
    "LIVE_S3_ENDPOINT_URL": "https://s3.example.org",
    "LIVE_S3_ADDRESSING_STYLE": "path",
    "LIVE_MEDIA_PREFIX": "media",
    "LIVE_PROTECTED_PREFIX": "protected",
}
ELSEWHERE = "https://s3.example.org"


def settings_of(variables: dict) -> dict:
    """The settings, as settings.py asks for them. Raises ImproperlyConfigured."""
    env = Environment(variables)
    found = storage_settings(env, is_development=False, media_root=Path("var"))
    env.finish()
    return found


def refusal(variables: dict) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_of(variables)
    return str(caught.value)


def test_settings_import_no_boto3():
    """It takes a third of a second, of each command and each test."""
    code = "import sys, portal.settings; sys.exit('botocore' in sys.modules)"
    environment = DEPLOYED | {"DJANGO_SETTINGS_MODULE": "portal.settings", "PATH": ""}

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=False)

    assert done.returncode == 0


@pytest.mark.parametrize("count", range(len(LIVE) + 1))
def test_the_live_site_is_complete_or_refused(count):
    """C2: every subset of its variables, which would copy nothing or the wrong thing."""
    for names in itertools.combinations(LIVE, count):
        given = OWN | {name: LIVE[name] for name in names}
        if 0 < count < len(LIVE):
            message = refusal(given)
            assert all(name in message for name in set(LIVE) - set(names))
            assert not any(LIVE[name] in message for name in names)
        else:
            assert bool(settings_of(given)["LIVE_STORAGES"]) is (count > 0)


@pytest.mark.parametrize("name", LIVE_OPTIONAL)
def test_what_belongs_to_the_live_site_needs_the_live_site(name):
    """C2."""
    given = OWN | {name: LIVE_OPTIONAL[name]}

    assert "LIVE_STORAGE_BUCKET_NAME" in refusal(given)
    assert settings_of(given | LIVE)["LIVE_STORAGES"]


@pytest.mark.parametrize(
    ("bucket", "endpoint", "address"),
    [
        ("portal-files", None, "https://portal-files.s3.eu-west-1.amazonaws.com"),
        ("files.example.org", None, "https://s3.eu-west-1.amazonaws.com/files.example.org"),
        ("portal-files", ELSEWHERE, "https://portal-files.s3.example.org"),
        ("files.example.org", ELSEWHERE, "https://s3.example.org/files.example.org"),
        ("Portal_Files", ELSEWHERE, "https://s3.example.org/Portal_Files"),
        ("portal_files", "http://127.0.0.1:9000", "http://127.0.0.1:9000/portal_files"),
        ("a" * 63, ELSEWHERE, f"https://{'a' * 63}.s3.example.org"),
        ("a" * 64, ELSEWHERE, f"https://s3.example.org/{'a' * 64}"),
    ],
)
def test_a_host_is_made_only_of_what_a_certificate_can_match(bucket, endpoint, address):
    """C9: in pages, in the policy of content, in the site's own client and in the copier's."""
    given = OWN | {"AWS_STORAGE_BUCKET_NAME": bucket}
    found = settings_of(given | ({"AWS_S3_ENDPOINT_URL": endpoint} if endpoint else {}))

    assert found["MEDIA_URL"] == f"{address}/media/"
    assert found["CSP_SOURCES"]["protected"] == [f"{address}/protected/"]
    assert bucket_url(bucket, "eu-west-1", endpoint) == address


def test_clients_ask_at_the_same_address(settings):
    """C9: boto3 makes a host of its own, from the style that it is told."""
    from django.core.files.storage import StorageHandler

    given = OWN | {"AWS_STORAGE_BUCKET_NAME": "files.example.org"}
    storage = StorageHandler(settings_of(given)["STORAGES"])["protected"]
    parameters = {"Bucket": storage.bucket_name, "Key": "protected/x"}
    theirs = storage.connection.meta.client.generate_presigned_url("get_object", Params=parameters)

    assert theirs.startswith("https://s3.eu-west-1.amazonaws.com/files.example.org/protected/x")
    assert storage.url("x").partition("?")[0] == theirs.partition("?")[0]


@pytest.mark.parametrize(
    "name", ["AWS_STORAGE_BUCKET_NAME", "PROTECTED_BUCKET_NAME", "ASSETS_BUCKET_NAME"]
)
@pytest.mark.parametrize(
    "bucket",
    ["Portal-Files", "portal_files", "-files", "files-", "f1", "a" * 64, "10.0.0.1", "a..b"],
)
def test_a_name_that_aws_has_not_is_refused(name, bucket):
    """C9."""
    message = refusal(OWN | {name: bucket})

    assert f"- {name} must be" in message
    assert bucket not in message.partition(name)[2]


@pytest.mark.parametrize("bucket", ["files.example.org", "Files", "my_files"])
def test_virtual_hosts_are_refused_where_no_certificate_can_match(bucket):
    """C9."""
    given = OWN | {"AWS_S3_ENDPOINT_URL": ELSEWHERE, "PROTECTED_BUCKET_NAME": bucket}

    assert "AWS_S3_ADDRESSING_STYLE" in refusal(given | {"AWS_S3_ADDRESSING_STYLE": "virtual"})
    assert settings_of(given | {"AWS_S3_ADDRESSING_STYLE": "path"})["AWS_AVAILABLE"]
    assert settings_of(given)["AWS_AVAILABLE"]


def test_an_ip_address_has_no_virtual_hosts():
    """C9."""
    given = OWN | {"AWS_S3_ENDPOINT_URL": "http://127.0.0.1:9000"}

    assert "AWS_S3_ADDRESSING_STYLE" in refusal(given | {"AWS_S3_ADDRESSING_STYLE": "virtual"})
    assert settings_of(given)["MEDIA_URL"] == "http://127.0.0.1:9000/portal-files/media/"


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://portal-files.s3.eu-west-1.amazonaws.com",
        "https://another.s3.eu-west-1.amazonaws.com",
        "https://portal-files.fra1.digitaloceanspaces.com",
        "https://account.r2.cloudflarestorage.com/portal-files",
        "https://s3.example.org/portal-files/",
        "https://PORTAL-FILES.s3.example.org",
        "https://portal-protected.s3.example.org:9000",
        "https://s3.example.org/portal-assets",
    ],
)
def test_an_endpoint_that_already_holds_a_bucket_is_refused(endpoint):
    """C9: the bucket would be in the address twice."""
    more = {"PROTECTED_BUCKET_NAME": "portal-protected", "ASSETS_BUCKET_NAME": "portal-assets"}

    assert "AWS_S3_ENDPOINT_URL" in refusal(OWN | more | {"AWS_S3_ENDPOINT_URL": endpoint})


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://s3.amazonaws.com",
        "https://s3.eu-west-1.amazonaws.com",
        "https://s3.dualstack.eu-west-1.amazonaws.com",
        "https://bucket.vpce-1a2b3c-5e6f.s3.eu-west-1.vpce.amazonaws.com",
        "https://fra1.digitaloceanspaces.com",
        "https://account.r2.cloudflarestorage.com",
        "https://project.supabase.co/storage/v1/s3",
        "http://minio:9000",
        "http://[::1]:9000",
    ],
)
def test_an_endpoint_without_a_bucket_is_accepted(endpoint):
    """C9's control."""
    found = settings_of(OWN | {"AWS_S3_ENDPOINT_URL": endpoint})["S3_VARIABLES"]

    assert found["AWS_S3_ENDPOINT_URL"] == endpoint


def test_the_live_sites_bucket_and_endpoint_are_held_to_the_same():
    """C9."""
    dotted = settings_of(OWN | LIVE | {"LIVE_STORAGE_BUCKET_NAME": "live.example.org"})
    holding = {"LIVE_S3_ENDPOINT_URL": "https://live-files.s3.example.org"}

    place = dotted["LIVE_STORAGES"]["default"]["OPTIONS"]
    address = bucket_url(place["bucket_name"], place["region_name"], None)
    assert address == "https://s3.eu-west-1.amazonaws.com/live.example.org"
    assert "LIVE_STORAGE_BUCKET_NAME" in refusal(OWN | LIVE | {"LIVE_STORAGE_BUCKET_NAME": "Live"})
    assert "LIVE_S3_ENDPOINT_URL" in refusal(OWN | LIVE | holding)


@pytest.mark.parametrize("region", ["frankfurt", "eu-west-1a", "eu-west", "eu_west_1", "auto"])
def test_a_region_that_aws_has_not_is_refused(region):
    assert "AWS_S3_REGION_NAME" in refusal(OWN | {"AWS_S3_REGION_NAME": region})


@pytest.mark.parametrize("region", ["auto", "default", "Zone_1"])
def test_other_providers_call_regions_as_they_like(region):
    given = OWN | {"AWS_S3_ENDPOINT_URL": ELSEWHERE, "AWS_S3_REGION_NAME": region}

    assert settings_of(given)["S3_VARIABLES"]["AWS_S3_REGION_NAME"] == region


@pytest.mark.parametrize("key", ["AKIA PORTAL", "AKIA\tPORTAL", "AKIA\xa0PORTAL", "AKIÄ"])
@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_key_with_blanks_inside_is_refused(name, key):
    message = refusal(OWN | {name: key})

    assert name in message
    assert key not in message


@pytest.mark.parametrize(
    "prefixes",
    [
        {"MEDIA_PREFIX": "protected-media"},
        {"PROTECTED_PREFIX": "media-protected"},
        {"ASSETS_PREFIX": "media2"},
        {"BATCH_REPORT_PREFIX": "media-batch"},
        {"BATCH_REPORT_PREFIX": "assets-batch", "ASSETS_PREFIX": "a"},
    ],
)
def test_prefixes_that_only_begin_alike_are_accepted(prefixes):
    """C6's control: what is opened is media/*, with the slash."""
    assert settings_of(OWN | prefixes)["AWS_AVAILABLE"]


@pytest.mark.parametrize(
    ("prefix", "protected", "assets", "is_public"),
    [
        ("media/x", None, None, True),
        ("assets/x", None, None, True),
        ("media/x", "portal-resumes", None, False),
        ("assets/x", "portal-resumes", None, False),
        ("media/x", "portal-files", None, True),
        ("assets/x", None, "portal-assets", False),
        ("media/x", None, "portal-assets", True),
        ("assets/x", "portal-assets", "portal-assets", True),
        ("media/x", "portal-assets", "portal-assets", False),
    ],
)
def test_what_is_public_in_another_bucket_is_not_in_that_of_the_manifests(
    prefix, protected, assets, is_public
):
    """C6: they are in the bucket of protected uploads."""
    given = OWN | {"BATCH_REPORT_PREFIX": prefix}
    given |= {"PROTECTED_BUCKET_NAME": protected} if protected else {}
    given |= {"ASSETS_BUCKET_NAME": assets} if assets else {}

    if is_public:
        assert "BATCH_REPORT_PREFIX must not lie within" in refusal(given)
    else:
        assert settings_of(given)["S3_VARIABLES"]["BATCH_REPORT_PREFIX"] == prefix


@pytest.mark.parametrize("prefix", ["media", "media/batch", "a/assets/x", "a"])
def test_the_manifests_of_a_copy_are_never_public(prefix):
    """C6."""
    message = refusal(OWN | {"BATCH_REPORT_PREFIX": prefix, "ASSETS_PREFIX": "a/assets"})

    assert "BATCH_REPORT_PREFIX" in message
    assert "must not lie within" in message


def test_an_uploads_folder_within_the_assets_is_refused():
    """C6, on a laptop: WhiteNoise hands out all of STATIC_ROOT."""
    inside = {"MEDIA_ROOT": "/srv/site/static/var", "STATIC_ROOT": "/srv/site/static"}

    with pytest.raises(ImproperlyConfigured, match="MEDIA_ROOT must not lie within STATIC_ROOT"):
        settings_for(inside)
    assert settings_for(inside | {"MEDIA_ROOT": "/srv/site/static-not"})


APART = {
    "PROTECTED_BUCKET_NAME": "portal-resumes",
    "ASSETS_BUCKET_NAME": "portal-assets",
    "ASSETS_ACCESS_KEY_ID": "AKIAASSETS",
    "ASSETS_SECRET_ACCESS_KEY": "assets-secret",
    "AWS_S3_CUSTOM_DOMAIN": "cdn.example.org",
}


def options_of(variables: dict, alias: str, *names: str) -> list:
    options = settings_of(variables)["STORAGES"][alias]["OPTIONS"]
    return [options.get(name) for name in names]


def test_each_storage_has_a_bucket_and_keys_of_its_own_if_they_are_given():
    names = ("bucket_name", "access_key", "secret_key", "custom_domain")
    of_site = ["AKIAPORTAL", "portal-secret"]

    assert [options_of(OWN, alias, *names) for alias in ("default", "protected", "assets")] == [
        ["portal-files", *of_site, None]
    ] * 3
    own = OWN | APART
    assert options_of(own, "default", *names) == ["portal-files", *of_site, "cdn.example.org"]
    assert options_of(own, "protected", *names) == ["portal-resumes", *of_site, None]
    assert options_of(own, "assets", *names) == [
        "portal-assets", "AKIAASSETS", "assets-secret", None
    ]  # fmt: skip


def test_the_domain_of_a_bucket_serves_what_is_in_it_and_nothing_else():
    domain = {"AWS_S3_CUSTOM_DOMAIN": "cdn.example.org"}
    elsewhere = domain | {"ASSETS_BUCKET_NAME": "portal-assets"}
    own = elsewhere | {"ASSETS_CUSTOM_DOMAIN": "assets.example.org"}

    assert options_of(OWN | domain, "assets", "custom_domain") == ["cdn.example.org"]
    assert options_of(OWN | elsewhere, "assets", "custom_domain") == [None]
    assert options_of(OWN | own, "assets", "custom_domain") == ["assets.example.org"]
    assert options_of(OWN | own, "default", "custom_domain") == ["cdn.example.org"]


def test_the_live_storages_are_made_of_the_live_variables():
    found = settings_of(OWN | LIVE | LIVE_OPTIONAL | {"LIVE_MEDIA_PREFIX": "m"})["LIVE_STORAGES"]
    options = {alias: each["OPTIONS"] for alias, each in found.items()}

    connection = {
        "access_key": "AKIALIVE",
        "secret_key": "live-secret",
        "region_name": "eu-west-1",
        "endpoint_url": "https://s3.example.org",
        "addressing_style": "path",
    }
    assert options == {
        "default": connection
        | {"bucket_name": "live-files", "location": "m", "custom_domain": None},
        "protected": connection | {"bucket_name": "live-protected", "location": "protected"},
    }


def test_the_site_serves_its_assets_itself_where_it_is_told_to():
    """For gateways that drop Content-Encoding; with the bucket serving them as the control."""
    found = settings_of(OWN | {"ASSETS_SERVED_BY": "site"})
    usual = settings_of(OWN)

    assert found["STORAGES"]["staticfiles"]["BACKEND"].endswith(".OwnStaticFilesStorage")
    assert usual["STORAGES"].keys() - found["STORAGES"].keys() == {"assets"}
    assert found["CSP_SOURCES"] == usual["CSP_SOURCES"] | {"assets": []}
    assert settings_of({"ASSETS_SERVED_BY": "site"})["AWS_AVAILABLE"] is False


def test_assets_served_by_the_site_have_no_bucket():
    message = refusal(OWN | {"ASSETS_SERVED_BY": "site", "ASSETS_BUCKET_NAME": "portal-assets"})

    assert "ASSETS_SERVED_BY is site, so unset ASSETS_BUCKET_NAME" in message
