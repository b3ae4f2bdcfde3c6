"""Web addresses, folders and databases: catalogue C7 to C9."""

import pytest
from django.core.cache.backends.db import DatabaseCache
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from tests.conftest import settings_for
from tests.support.deployed import ENVIRONMENT as DEPLOYED

WITHOUT_S3 = {name: value for name, value in DEPLOYED.items() if not name.startswith("AWS_")}


def refusal(environment) -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        settings_for(environment)
    return str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://user:s3cret@s3.example.net",
        "https://s3cret@s3.example.net",
        "https://s3.example.net?s3cret",
        "https://s3.example.net/?s3cret=1",
        "https://s3.example.net#s3cret",
        "https://s3.example.net:0",
        "https://s3.example.net:99999",
        "https://s3.example.net/a b",
        "https://s3.example.net//s3cret",
        "ftp://s3.example.net",
        "//s3.example.net",
        "https://",
    ],
)
def test_an_address_that_is_no_plain_web_address_is_refused(address):
    """C9: every request would fail, or go elsewhere, long after the site has started."""
    message = refusal(DEPLOYED | {"AWS_S3_ENDPOINT_URL": address})

    assert "AWS_S3_ENDPOINT_URL must be an address that starts with https://" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "address", ["https://s3.example.net:9000", "http://[::1]:9000", "https://s3.example.net/minio"]
)
def test_a_plain_web_address_is_taken_as_it_stands(address):
    """C9's control."""
    values = settings_for(DEPLOYED | {"AWS_S3_ENDPOINT_URL": address})

    assert values["S3_VARIABLES"]["AWS_S3_ENDPOINT_URL"] == address


@pytest.mark.parametrize("name", ["AWS_S3_CUSTOM_DOMAIN", "ASSETS_CUSTOM_DOMAIN"])
@pytest.mark.parametrize(
    "host",
    [
        "https://cdn.example.net", "cdn.example.net/media", "cdn.example.net?", "cdn.example.net#",
        "user@cdn.example.net", "@cdn.example.net", "cdn.example.net:", "cdn.example.net:0",
        "cdn.example.net:port", "[::1]", "cdn example.net", "cdn_1.example.net",
    ],
)  # fmt: skip
def test_a_domain_that_is_no_host_alone_is_refused(name, host):
    """C9, H5: it stands in every page, and in the policy of what they load."""
    assert f"{name} must be a host name alone" in refusal(DEPLOYED | {name: host})


@pytest.mark.parametrize("host", ["cdn.example.net", "CDN.example.net", "cdn.example.net:8443"])
def test_a_domain_is_a_host_with_or_without_a_port(host):
    """C9's control."""
    values = settings_for(DEPLOYED | {"AWS_S3_CUSTOM_DOMAIN": host})

    assert values["MEDIA_URL"] == f"https://{host.lower()}/media/"


@pytest.mark.parametrize("name", ["MEDIA_ROOT", "STATIC_ROOT"])
@pytest.mark.parametrize("folder", ["~/media", "~", "/", ".", "file:///srv/media"])
def test_a_folder_that_a_shell_alone_would_find_is_refused(name, folder):
    """C8: a site that makes a folder called ~ loses its uploads with the next release."""
    assert f"{name} must be the path of a folder" in refusal(DEPLOYED | {name: folder})


def test_transactions_on_a_laptop_take_the_lock_when_they_begin():
    """One that first reads would fail at once if another has written meanwhile."""
    options = settings_for({})["DATABASES"]["default"]["OPTIONS"]

    assert options["transaction_mode"] == "IMMEDIATE"
    assert options["timeout"] >= 10


def test_a_database_that_does_not_answer_is_not_waited_for_longer_than_a_router_does():
    options = settings_for(DEPLOYED)["DATABASES"]["default"]["OPTIONS"]

    assert options["connect_timeout"] + options["answer_timeout"] <= 20


@pytest.mark.parametrize("alias", ["default", "protected"])
def test_uploads_without_a_bucket_are_kept_on_a_laptop_alone(alias):
    """C3: a deployed disk vanishes with each release."""
    deployed = settings_for(WITHOUT_S3)["STORAGES"][alias]["BACKEND"]

    assert deployed == "portal.files.storages.UnconfiguredStorage"
    assert settings_for({})["STORAGES"][alias]["OPTIONS"]["location"]


def test_a_provider_without_regions_needs_none():
    """C9's control: on AWS the region is part of each address."""
    given = DEPLOYED | {"AWS_S3_REGION_NAME": ""}

    elsewhere = settings_for(given | {"AWS_S3_ENDPOINT_URL": "https://s3.example.net"})

    assert elsewhere["S3_VARIABLES"]["AWS_S3_REGION_NAME"] == "us-east-1"
    assert "AWS_S3_REGION_NAME" in refusal(given)


def test_a_region_of_its_own_beats_that_of_an_add_on():
    lent = {
        "BUCKETEER_BUCKET_NAME": "bucketeer-1234",
        "BUCKETEER_AWS_ACCESS_KEY_ID": "AKIABUCKETEER",
        "BUCKETEER_AWS_SECRET_ACCESS_KEY": "secret",
        "BUCKETEER_AWS_REGION": "us-east-1",
    }

    values = settings_for(WITHOUT_S3 | lent | {"AWS_S3_REGION_NAME": "eu-north-1"})

    assert values["S3_VARIABLES"]["AWS_S3_REGION_NAME"] == "eu-north-1"
    assert values["S3_VARIABLES"]["AWS_STORAGE_BUCKET_NAME"] == "bucketeer-1234"


def test_failed_log_ins_are_counted_for_all_processes_together():
    """A cache of each process's own would give an attacker as many attempts in each."""
    cache = settings_for(DEPLOYED)["CACHES"]["default"]

    assert issubclass(import_string(cache["BACKEND"]), DatabaseCache)
