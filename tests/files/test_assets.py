"""Static assets: built on disk, uploaded once, linked where they are."""

import json
import os
import time

import pytest
import requests
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.templatetags.static import static

from portal.files import checks
from portal.files.assets import RECEIPT
from tests.conftest import BUCKET, s3_client, settings_for
from tests.support import fips

UPLOADED = {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"}


@pytest.fixture
def assets(on_s3, settings, tmp_path):
    """The site on S3, with its real assets storage and a few source files."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text(
        "body { background: url(dot.svg) }\n" + "p { margin: 0 }\n" * 99
    )
    (source / "dot.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = settings.STORAGES | {"staticfiles": UPLOADED}
    on_s3.source = source
    return on_s3


def collect():
    call_command("collectstatic", interactive=False, verbosity=0)
    staticfiles_storage._wrapped = storages.create_storage(UPLOADED)  # as in a new process


def keys(server):
    client = s3_client(server)
    return {item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])}


def test_it_puts_every_asset_under_the_prefix(assets):
    collect()

    assert all(key.startswith("assets/") for key in keys(assets))
    assert {"assets/site.css", "assets/dot.svg"} < keys(assets)
    assert len(keys(assets)) == 4  # each under its own name and under its hashed one


def test_a_page_links_to_the_bucket(assets):
    collect()

    address = static("site.css")
    answer = requests.get(address, timeout=5)

    assert address.startswith(f"{assets.endpoint_url}/{BUCKET}/assets/site.")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/css"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "dot." in answer.text


def test_an_unhashed_name_is_not_cached_for_good(assets):
    collect()

    answer = requests.get(f"{assets.endpoint_url}/{BUCKET}/assets/site.css", timeout=5)

    assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_css_is_sent_compressed(assets):
    collect()

    assert requests.get(static("site.css"), timeout=5).headers["Content-Encoding"] == "gzip"


def test_a_second_run_asks_once(assets, monkeypatch):
    """An unchanged deploy is one listing; the limit is 5 requests."""
    monkeypatch.setattr("portal.files.assets.hashlib", fips)
    collect()
    assets.clear()

    collect()

    assert [(request.method, request.key) for request in assets.requests] == [("GET", "")]


def test_a_changed_file_is_uploaded_and_the_old_one_stays(assets):
    """The release before, and a rollback, still name it."""
    collect()
    before = keys(assets)
    dot = assets.source / "dot.svg"
    dot.write_text('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>')
    os.utime(dot, (time.time() + 60, time.time() + 60))  # Django compares whole seconds
    assets.clear()

    collect()

    assert before < keys(assets)
    put = {request.key for request in assets.requests if request.method == "PUT"}
    assert "assets/dot.svg" in put
    assert not [request for request in assets.requests if request.method == "DELETE"]


def test_the_manifest_stays_with_the_build(assets, settings):
    collect()
    assets.clear()

    storage = storages.create_storage(UPLOADED)

    assert json.loads((settings.STATIC_ROOT / "staticfiles.json").read_text())["paths"]
    assert "assets/staticfiles.json" not in keys(assets)
    assert [request for request in assets.requests if request.key.endswith(".json")] == []
    assert storage.url("site.css").startswith(assets.endpoint_url)


def test_a_build_from_before_the_bucket_serves_its_own_assets(assets, settings):
    """The first build of a button deploy: pages must not name what was never uploaded."""
    on_s3 = settings.STORAGES
    settings.STORAGES = on_s3 | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    settings.STORAGES = on_s3

    assert static("site.css").startswith("/static/site.")
    assert [warning.id for warning in checks.assets_are_in_their_bucket(None)] == ["portal.W003"]

    collect()

    assert static("site.css").startswith(assets.endpoint_url)
    assert checks.assets_are_in_their_bucket(None) == []


OF_SITES = {
    "bucket": UPLOADED,  # ASSETS_SERVED_BY
    "site": {"BACKEND": "portal.files.assets.OwnStaticFilesStorage"},
    "another project": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}


@pytest.mark.parametrize("served_by", OF_SITES)
def test_a_deployed_site_without_a_manifest_is_an_error(assets, settings, served_by):
    """Every page would be one. collectstatic itself is not stopped by it."""
    settings.WHITENOISE_MANIFEST_STRICT, settings.DEBUG = True, False
    settings.STORAGES = settings.STORAGES | {"staticfiles": OF_SITES[served_by]}

    [error] = checks.assets_are_collected(None)

    assert (error.id, error.is_serious()) == ("portal.E005", True)
    assert str(settings.STATIC_ROOT) in error.msg
    assert "run collectstatic" in error.hint
    assert checks.assets_are_in_their_bucket(None) == [], "one finding is enough"
    call_command("collectstatic", interactive=False, verbosity=0, skip_checks=False)
    settings.STORAGES = settings.STORAGES | {}  # as in a new process
    assert checks.assets_are_collected(None) == []


@pytest.mark.parametrize(
    ("is_strict", "debug", "backend"),
    [
        (False, False, OF_SITES["site"]["BACKEND"]),  # in development
        (True, True, OF_SITES["another project"]["BACKEND"]),
        (True, False, "django.contrib.staticfiles.storage.StaticFilesStorage"),
        # Its manifest is in a bucket, and no check asks for it.
        (True, False, "storages.backends.s3.S3ManifestStaticStorage"),
        (True, False, None),
    ],
)
def test_a_site_that_needs_no_manifest_is_not_asked_for_one(
    assets, settings, is_strict, debug, backend
):
    settings.WHITENOISE_MANIFEST_STRICT, settings.DEBUG = is_strict, debug
    others = {alias: each for alias, each in settings.STORAGES.items() if alias != "staticfiles"}
    settings.STORAGES = others | ({"staticfiles": {"BACKEND": backend}} if backend else {})
    assets.clear()

    assert checks.assets_are_collected(None) + checks.assets_are_in_their_bucket(None) == []
    assert not assets.requests


def test_a_refused_upload_fails_the_build(assets):
    assets.fail_next(
        status=403, code="AccessDenied", times=99, matching=lambda r: r.method == "PUT"
    )

    with pytest.raises(CommandError, match="Let the key of AWS_ACCESS_KEY_ID"):
        collect()

    assert static("site.css").startswith("/static/")


def test_a_build_whose_upload_breaks_off_names_no_asset_of_the_bucket(assets):
    """The same files as before, to a bucket that has lost them: the old receipt must not count."""
    collect()
    assert static("site.css").startswith(assets.endpoint_url)
    for key in keys(assets):
        s3_client(assets).delete_object(Bucket=BUCKET, Key=key)
    assets.fail_next(
        status=403, code="AccessDenied", times=99, matching=lambda r: r.method == "PUT"
    )

    with pytest.raises(CommandError):
        collect()
    staticfiles_storage._wrapped = storages.create_storage(UPLOADED)

    assert static("site.css").startswith("/static/")


def test_a_second_build_is_named_by_its_own_receipt(assets):
    collect()
    dot = assets.source / "dot.svg"
    dot.write_text('<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>')
    os.utime(dot, (time.time() + 60, time.time() + 60))  # Django compares whole seconds

    collect()

    assert static("site.css").startswith(assets.endpoint_url)
    assert requests.get(static("dot.svg"), timeout=5).text.endswith("<g/></svg>")


@pytest.mark.parametrize("line", ["address", "manifest"])
def test_a_receipt_of_another_build_or_bucket_names_no_asset(assets, settings, line):
    collect()
    receipt = settings.STATIC_ROOT / RECEIPT
    other = json.loads(receipt.read_text()) | {line: "https://elsewhere.example/"}
    receipt.write_text(json.dumps(other))

    staticfiles_storage._wrapped = storages.create_storage(UPLOADED)

    assert static("site.css").startswith("/static/")


def test_assets_may_have_a_bucket_and_keys_of_their_own(
    s3_server, s3, s3_environment, settings, monkeypatch, on_disk
):
    environment = s3_environment | {
        "ASSETS_BUCKET_NAME": "portal-assets",
        "ASSETS_ACCESS_KEY_ID": "AKIAASSETS",
        "ASSETS_SECRET_ACCESS_KEY": "assets-secret",
    }

    values = settings_for(environment)["STORAGES"]

    assert values["assets"]["OPTIONS"]["access_key"] == "AKIAASSETS"
    assert values["assets"]["OPTIONS"]["bucket_name"] == "portal-assets"
    assert values["default"]["OPTIONS"]["bucket_name"] == BUCKET
    assert values["default"]["OPTIONS"]["access_key"] == "AKIAPORTAL"


@pytest.mark.parametrize("alias", ["default", "assets"])
def test_a_custom_domain_is_the_address_of_what_is_public(settings, monkeypatch, alias):
    values = settings_for(
        {
            "AWS_STORAGE_BUCKET_NAME": "portal-files",
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_S3_REGION_NAME": "eu-west-1",
            "AWS_S3_CUSTOM_DOMAIN": "files.example.org",
        }
    )
    settings.STORAGES = values["STORAGES"]

    prefix = {"default": "media", "assets": "assets"}[alias]
    assert storages[alias].url("a b.webp") == f"https://files.example.org/{prefix}/a%20b.webp"
    assert "files.example.org" not in storages["protected"].url("resumes/x.pdf")
