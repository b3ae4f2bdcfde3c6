"""The policies of the site's key pairs: enough for all that it does, and nothing to spare.

Each is lent to a key of the S3 server, which lets it do that and no more; the site then does with
these keys what it does every day.
"""

import io
import json
from datetime import timedelta

import pytest
import requests
from boto3.s3.transfer import TransferConfig
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal.buckets.key_policies import SETUP_ACTIONS
from portal.s3.errors import StorageError
from tests.support.s3_policy import as_list

from .lending import (
    REGION,
    SEPARATE,
    connection,
    in_each_layout,
    keys,
    lend,
    printed,
    refused,
    without,
)
from .runs import setup_bucket

UPLOADED = {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"}
MIB = 2**20
NEEDED_FOR_UPLOADS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


def keep_uploads():
    """Use the storages as members and staff do."""
    for alias in ("default", "protected"):
        storage = storages[alias]
        assert not storage.exists("folder/missing.txt")
        with pytest.raises(FileNotFoundError):
            storage.open("folder/missing.txt")
        name = storage.save("folder/file.txt", ContentFile(b"content"))
        with storage.open(name) as file:
            assert file.read() == b"content"
        assert storage.size(name) == 7
        assert requests.get(storage.url(name), timeout=5).content == b"content"
        storage.delete(name)
        assert not storage.exists(name)


@pytest.fixture
def collect(settings, tmp_path):
    """Collect the assets as a build does, with one source file."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("p { margin: 0 }\n" * 99)
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    def collect():
        settings.STORAGES = settings.STORAGES | {"staticfiles": UPLOADED}
        call_command("collectstatic", interactive=False, verbosity=0)

    return collect


@in_each_layout
def test_the_app_keeps_uploads(ready):
    keep_uploads()


@pytest.mark.whole
@pytest.mark.parametrize("action", [*NEEDED_FOR_UPLOADS, "s3:ListBucket"])
def test_the_app_needs_each_of_its_actions(ready, action):
    ready.identities["AKIAAPP"] = without(ready.identities["AKIAAPP"], action)

    with pytest.raises(StorageError):
        keep_uploads()


@pytest.mark.parametrize("may_abort", [True, False])
def test_the_app_leaves_no_parts_of_an_upload_that_failed(ready, monkeypatch, may_abort):
    """A right of its own, which the others do not make up for."""
    if not may_abort:
        policy = without(ready.identities["AKIAAPP"], "s3:AbortMultipartUpload")
        ready.identities["AKIAAPP"] = policy
    storage = storages["protected"]
    in_parts = TransferConfig(
        multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, use_threads=False
    )
    monkeypatch.setattr(storage, "transfer_config", in_parts)
    ready.fail_next(403, "AccessDenied", matching=lambda r: r.query.get("partNumber") == "2")

    with pytest.raises(StorageError):
        storage.save("large.pdf", ContentFile(bytes(6 * MIB)))

    bucket = ready._backend.buckets[storage.bucket_name]
    assert bool(bucket.multiparts) != may_abort


@pytest.mark.django_db
def test_the_app_sweeps(ready, monkeypatch):
    storage = storages["protected"]
    name = storage.save("resumes/orphan.pdf", ContentFile(b"x"))
    now = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: now)

    call_command("sweep_media", "--delete", stdout=io.StringIO())

    assert not storage.exists(name)


def test_these_keys_are_enough_to_prove_the_exposure(ready):
    call_command("check_storage", stdout=io.StringIO())  # raises if anything is not as it should be


def test_the_app_reaches_nothing_beside_its_prefixes(ready):
    client = storages["default"].connection.meta.client
    for storage in (storages["default"], storages["protected"]):
        bucket = storage.bucket_name
        ready._backend.put_object(bucket, "backups/x", b"x")
        refused(client.get_object, Bucket=bucket, Key="backups/x")
        refused(client.put_object, Bucket=bucket, Key="backups/y", Body=b"y")
        refused(client.delete_object, Bucket=bucket, Key="backups/x")
        refused(client.list_objects_v2, Bucket=bucket, Prefix="backups/")
        refused(client.list_objects_v2, Bucket=bucket)
        refused(client.put_bucket_policy, Bucket=bucket, Policy="{}")
        refused(client.delete_bucket, Bucket=bucket)
        refused(client.get_object, Bucket=bucket, Key=f"{storage.location}-of-others/x")


@in_each_layout
def test_a_build_adds_assets(ready, collect):
    collect()

    storage = storages["assets"]
    assert requests.get(storage.url("site.css"), timeout=5).status_code == 200


@pytest.mark.whole
@in_each_layout
@pytest.mark.parametrize("action", ["s3:PutObject", "s3:ListBucket"])
def test_a_build_needs_each_of_its_actions(ready, collect, action):
    for key in ("AKIAAPP", "AKIAASSETS"):
        sid = "List" if action == "s3:ListBucket" else "AddAssets"
        if any(statement["Sid"] == "AddAssets" for statement in ready.identities[key]["Statement"]):
            ready.identities[key] = without(ready.identities[key], action, sid)

    with pytest.raises(CommandError):
        collect()


def test_the_assets_key_reaches_no_upload_and_deletes_nothing(ready, site, environment):
    name = storages["protected"].save("x.pdf", ContentFile(b"x"))
    pair = {name: value for name, value in SEPARATE.items() if "KEY" in name}
    site(environment | pair)
    client = storages["assets"].connection.meta.client

    assert client.put_object(Bucket="society", Key="assets/site.css", Body=b"x")
    refused(client.get_object, Bucket="society", Key=f"protected/{name}")
    refused(client.put_object, Bucket="society", Key=f"protected/{name}", Body=b"evil")
    refused(client.put_object, Bucket="society", Key="media/x.webp", Body=b"evil")
    refused(client.list_objects_v2, Bucket="society", Prefix="protected/")
    refused(client.delete_object, Bucket="society", Key="assets/site.css")


def test_with_a_key_for_assets_the_app_needs_no_right_to_them(on_disk, site):
    site(connection("society") | SEPARATE)

    policies = printed()

    assert "society-assets" not in json.dumps(policies["app"])
    assert "society-assets" in json.dumps(policies["assets"])
    assert "society-protected" not in json.dumps(policies["assets"])


@pytest.mark.whole
@in_each_layout
def test_an_operator_sets_up_the_buckets(server, site, environment):
    site(
        environment
        | keys("OPERATOR")
        | {"ASSETS_ACCESS_KEY_ID": "", "ASSETS_SECRET_ACCESS_KEY": ""}
    )
    lend(server, printed())

    setup_bucket()

    assert ": set" not in setup_bucket()
    with pytest.raises(StorageError):
        storages["default"].save("x.txt", ContentFile(b"x"))


@pytest.mark.whole
@pytest.mark.parametrize("action", SETUP_ACTIONS)
def test_an_operator_needs_each_of_the_actions(server, site, environment, action):
    site(environment | keys("OPERATOR"))
    if action != "s3:CreateBucket":
        server._backend.create_bucket("society", REGION)
        server._backend.put_bucket_ownership_controls("society", "ObjectWriter")
    lend(server, {"operator": without(printed()["operator"], action)})

    with pytest.raises(CommandError, match="This key may not"):
        setup_bucket()


def test_the_app_may_not_change_what_its_bucket_was_told(ready):
    with pytest.raises(CommandError, match="--print-iam operator"):
        setup_bucket()


def test_no_key_has_an_action_that_is_not_shown_here_to_be_needed(on_disk, site):
    site(connection("society"))

    actions = {
        key: {action for each in policy["Statement"] for action in as_list(each["Action"])}
        for key, policy in printed().items()
    }

    assert actions == {
        "app": {*NEEDED_FOR_UPLOADS, "s3:AbortMultipartUpload", "s3:ListBucket"},
        "assets": {"s3:PutObject", "s3:ListBucket"},
        "live": {"s3:GetObject", "s3:ListBucket"},
        "operator": set(SETUP_ACTIONS),
    }
