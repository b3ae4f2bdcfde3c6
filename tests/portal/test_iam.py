"""The policies of the site's key pairs: enough for all that it does, and nothing to spare.

Each is lent to a key of the S3 server, which lets it do that and no more; the site then does with
these keys what it does every day. A linter that knows AWS's own list of actions and conditions
reads them too, and what the documentation shows of them.
"""

import io
import json
import re
from datetime import timedelta
from pathlib import Path

import parliament
import pytest
import requests
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.utils import timezone

from portal import buckets, iam
from portal.s3 import StorageError
from tests.conftest import make_member, match_routes, settings_for, use_settings
from tests.s3_policy import as_list
from tests.strict_s3 import StrictS3

ROOT = Path(__file__).parents[2]
REGION = "eu-west-1"
KEYS = {
    f"AKIA{name}": f"{name}-secret" for name in ("APP", "ASSETS", "LIVE", "OPERATOR", "STRANGER")
}
SEPARATE = {
    "PROTECTED_BUCKET_NAME": "society-protected",
    "ASSETS_BUCKET_NAME": "society-assets",
    "ASSETS_ACCESS_KEY_ID": "AKIAASSETS",
    "ASSETS_SECRET_ACCESS_KEY": KEYS["AKIAASSETS"],
}
LAYOUTS = {"one bucket": {}, "separate buckets": SEPARATE}
NAMES = (
    "AWS_AVAILABLE", "LIVE_STORAGES", "MEDIA_URL", "PROTECTED_URL_SECONDS", "SITE_ENVIRONMENT",
    "STORAGES",
)  # fmt: skip
UPLOADED = {"BACKEND": "portal.assets.UploadedStaticFilesStorage"}
MIB = 2**20
NEEDED_FOR_UPLOADS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


def keys(name: str) -> dict:
    return {"AWS_ACCESS_KEY_ID": f"AKIA{name}", "AWS_SECRET_ACCESS_KEY": f"{name}-secret"}


def place(bucket: str) -> dict:
    return {"AWS_STORAGE_BUCKET_NAME": bucket, "AWS_S3_REGION_NAME": REGION, **keys("APP")}


def live(bucket: str) -> dict:
    return {
        "LIVE_STORAGE_BUCKET_NAME": bucket,
        "LIVE_READ_ONLY_ACCESS_KEY_ID": "AKIALIVE",
        "LIVE_READ_ONLY_SECRET_KEY": KEYS["AKIALIVE"],
        "LIVE_S3_REGION_NAME": REGION,
    }


@pytest.fixture
def site(on_disk, settings, monkeypatch):
    """Makes the site what an environment makes of it."""

    def become(environment):
        values = settings_for(environment)
        values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
        use_settings(settings, monkeypatch, {name: values[name] for name in NAMES})

    yield become
    settings.AWS_AVAILABLE = False
    match_routes()


@pytest.fixture(scope="module")
def running():
    with StrictS3(KEYS, region=REGION) as server:
        yield server


@pytest.fixture
def server(running, monkeypatch):
    """An S3 server that plays AWS, whose keys may do anything until a test says otherwise."""
    monkeypatch.setattr(buckets, "is_aws", lambda storage: True)
    yield running
    running.identities.clear()
    running.wipe()


@pytest.fixture
def at(server):
    """The variables that lead to the server instead of AWS."""
    return {
        "AWS_S3_ENDPOINT_URL": server.endpoint_url,
        "LIVE_S3_ENDPOINT_URL": server.endpoint_url,
    }


@pytest.fixture
def environment(request, at):
    here = {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]}
    return place("society") | here | LAYOUTS[getattr(request, "param", "one bucket")]


in_each_layout = pytest.mark.parametrize("environment", LAYOUTS, indirect=True)


@pytest.fixture
def ready(server, site, environment):
    """The site in buckets that are set up, with keys that may do what their policies say."""
    site(environment)
    setup_bucket()
    lend(server, printed())
    server.clear()
    return server


def setup_bucket(*arguments) -> str:
    out = io.StringIO()
    call_command("setup_bucket", *arguments, stdout=out)
    return out.getvalue()


def printed() -> dict:
    return json.loads(setup_bucket("--print-iam"))


def lend(server, policies: dict) -> None:
    server.identities |= {f"AKIA{key.upper()}": policy for key, policy in policies.items()}


def without(policy: dict, action: str, sid: str = "") -> dict:
    """The policy less one action, in the statements whose names begin so."""
    spared = [each for each in policy["Statement"] if not each["Sid"].startswith(sid)]
    lessened = [each for each in policy["Statement"] if each not in spared]
    assert any(action in as_list(each["Action"]) for each in lessened)
    lessened = [
        each | {"Action": [name for name in as_list(each["Action"]) if name != action]}
        for each in lessened
    ]
    return policy | {"Statement": spared + lessened}


def keep_uploads():
    """What members and staff make of the storages."""
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
    """Does what a build does, with one source file."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("p { margin: 0 }\n" * 99)
    settings.STATICFILES_DIRS = [source]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]

    def collect():
        settings.STORAGES = settings.STORAGES | {"staticfiles": UPLOADED}
        call_command("collectstatic", interactive=False, verbosity=0)

    return collect


# Enough, and nothing to spare


@in_each_layout
def test_the_app_keeps_uploads(ready):
    keep_uploads()


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
    site(place("society") | SEPARATE)

    policies = printed()

    assert "society-assets" not in json.dumps(policies["app"])
    assert "society-assets" in json.dumps(policies["assets"])
    assert "society-protected" not in json.dumps(policies["assets"])


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


@pytest.mark.parametrize("action", iam.SETUP_ACTIONS)
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


@pytest.fixture
def copied(request, server, site, at, db):
    """A staging site with two rows: the file of one is on live, that of the other is nowhere."""
    separate = getattr(request, "param", False)
    site(
        place("live")
        | {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]}
        | ({"PROTECTED_BUCKET_NAME": "live-protected"} if separate else {})
    )
    setup_bucket()
    of_live = printed()["live"]
    for name in ("resumes/there.pdf", "resumes/gone.pdf"):
        profile = make_member(f"{name[8:-4]}@example.org").profile
        type(profile).objects.filter(pk=profile.pk).update(resume=name)
    storages["protected"].save("resumes/there.pdf", ContentFile(b"%PDF"))
    site(
        place("staging")
        | live("live")
        | at
        | {"SITE_ENVIRONMENT": "development"}
        | ({"LIVE_PROTECTED_BUCKET_NAME": "live-protected"} if separate else {})
    )
    setup_bucket()
    assert printed()["live"] == of_live
    lend(server, printed())
    return server


def copy() -> str:
    out = io.StringIO()
    with pytest.raises(CommandError):  # for one file is missing
        call_command("copy_live_media", stdout=out, stderr=out)
    return out.getvalue()


def outcomes(text: str) -> dict:
    """Of each field that has files, how many of them had which outcome."""
    lines = [re.split(r"\s{2,}", line) for line in text.splitlines()]
    header = next(line for line in lines if "missing" in line)
    rows = [line for line in lines if line[0] == "profiles.Profile.resume"]
    return dict(zip(header[1:], rows[0][1:], strict=False))


@pytest.mark.parametrize("copied", [False, True], indirect=True, ids=LAYOUTS)
def test_the_live_key_is_enough_to_copy_from_live(copied):
    said = outcomes(copy())

    assert (said["missing"], said["denied"]) == ("1", "0")
    with storages["protected"].open("resumes/there.pdf") as file:
        assert file.read() == b"%PDF"


def test_the_live_key_needs_to_list_to_know_what_is_missing(copied):
    copied.identities["AKIALIVE"] = without(copied.identities["AKIALIVE"], "s3:ListBucket")

    said = outcomes(copy())

    assert (said["missing"], said["denied"]) == ("0", "1")


def test_the_live_key_needs_to_get(copied):
    copied.identities["AKIALIVE"] = without(copied.identities["AKIALIVE"], "s3:GetObject")

    copy()

    assert not storages["protected"].exists("resumes/there.pdf")


def refused(call, **arguments):
    with pytest.raises(ClientError, match="AccessDenied"):
        call(**arguments)


def test_no_key_has_an_action_that_is_not_shown_here_to_be_needed(on_disk, site):
    site(place("society"))

    actions = {
        key: {action for each in policy["Statement"] for action in as_list(each["Action"])}
        for key, policy in printed().items()
    }

    assert actions == {
        "app": {*NEEDED_FOR_UPLOADS, "s3:AbortMultipartUpload", "s3:ListBucket"},
        "assets": {"s3:PutObject", "s3:ListBucket"},
        "live": {"s3:GetObject", "s3:ListBucket"},
        "operator": set(iam.SETUP_ACTIONS),
    }


# What is printed


def test_one_key_is_printed_by_its_name_alone(site):
    site(place("society"))

    for key, policy in printed().items():
        assert json.loads(setup_bucket("--print-iam", key)) == policy


def test_printing_asks_s3_nothing(server, site, at):
    site(place("society") | {"AWS_S3_ENDPOINT_URL": at["AWS_S3_ENDPOINT_URL"]})
    server.clear()

    assert printed().keys() == {"app", "assets", "live", "operator"}
    assert server.requests == []


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_each_partition_has_names_of_its_own(site, region, partition):
    site(place("society") | SEPARATE | {"AWS_S3_REGION_NAME": region})

    text = setup_bucket("--print-iam") + setup_bucket("--dry-run")

    assert set(re.findall(r"arn:([a-z-]+):s3:::", text)) == {partition}


def test_there_is_nothing_to_print_without_s3(on_disk):
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        setup_bucket("--print-iam")


# What AWS would say


def json_blocks(page: str) -> list[dict]:
    text = (ROOT / "docs" / page).read_text()
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", text, re.M | re.S)]


def findings(policy: dict) -> list:
    """What the linter finds. It knows no trust policies: those are about the role they are on."""
    role = {"Resource": "arn:aws:iam::222222222222:role/society-staging-copy"}
    statements = [role | statement for statement in policy["Statement"]]
    analysis = parliament.analyze_policy_string(json.dumps(policy | {"Statement": statements}))
    return [(finding.issue, finding.detail) for finding in analysis.findings]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_linter_finds_nothing_in_what_the_site_prints(site, layout):
    site(place("society") | live("society-live") | layout)
    documents = json.loads(setup_bucket("--dry-run"))

    policies = printed() | {bucket: told["Policy"] for bucket, told in documents.items()}
    found = {name: findings(policy) for name, policy in policies.items()}

    assert len(policies) == 4 + (3 if layout else 1)
    # Who may write the policy of a bucket may open it: that is what an operator is for.
    assert {issue for issue, _ in found.pop("operator")} == {"RESOURCE_POLICY_PRIVILEGE_ESCALATION"}
    assert [name for name in found if found[name]] == []


@pytest.mark.parametrize("page", ["staging.md", "storage.md"])
def test_the_linter_finds_nothing_in_the_documentation(page):
    blocks = json_blocks(page)

    assert blocks
    assert [finding for block in blocks for finding in findings(block)] == []


@pytest.mark.parametrize(
    ("spoilt", "issue"),
    [
        ({"Action": "s3:GetObjects"}, "UNKNOWN_ACTION"),
        ({"Action": "s4:GetObject"}, "UNKNOWN_PREFIX"),
        ({"Condition": {"StringLike": {"s3:prefixes": "a"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Condition": {"StringLike": {"s3:prefix": "a"}}}, "UNKNOWN_CONDITION_FOR_ACTION"),
        ({"Condition": {"StringLikes": {"s3:authType": "POST"}}}, "UNKNOWN_OPERATOR"),
        ({"Condition": {"Bool": {"s3:signatureAge": "true"}}}, "MISMATCHED_TYPE"),
        ({"Resource": "arn:aws:s3:society/*"}, "INVALID_ARN"),
        ({"Effect": "Permit"}, "MALFORMED"),
        ({"Actions": "s3:GetObject"}, "MALFORMED"),
        ({"Sid": "Two words"}, "INVALID_SID"),
    ],
)
def test_the_linter_finds_what_is_wrong(site, spoilt, issue):
    site(place("society"))
    policy = printed()["live"]
    assert findings(policy) == []

    policy["Statement"][0] |= spoilt

    assert issue in {found for found, _ in findings(policy)}


def test_the_documentation_shows_what_is_printed(site):
    site(place("my-society"))
    assert json_blocks("storage.md")[0] == printed()["app"]

    one = place("society-staging") | live("society-live")
    shown = json_blocks("staging.md")
    for policy, more in zip(
        shown, ({}, {"LIVE_PROTECTED_BUCKET_NAME": "society-live-protected"}), strict=False
    ):
        site(one | more)
        assert policy == printed()["live"]
