"""setup_bucket: opens two prefixes, and nothing else; sets limits where the server has them."""

import io
import json
import re
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError
from django.contrib.staticfiles.finders import get_finders
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.template.utils import get_app_template_dirs

from tests.conftest import BUCKET, s3_client
from tests.support.s3_policy import decide, parse
from tests.support.strict_s3 import StrictS3

from .runs import anonymous_get, setup_bucket, statements, use

SHUT = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)

OPEN_BY_POLICY = SHUT | {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}


def test_anonymous_clients_read_the_public_prefixes_alone(configured):
    setup_bucket()

    assert anonymous_get(configured, "media/avatars/x.webp") == 200
    assert anonymous_get(configured, "assets/site.css") == 200
    assert anonymous_get(configured, "protected/resumes/x.pdf") == 403
    assert anonymous_get(configured, "media-of-others/x") == 403
    assert requests.get(f"{configured.endpoint_url}/{BUCKET}", timeout=5).status_code == 403


def test_acls_stay_blocked(configured):
    setup_bucket()

    block = s3_client(configured).get_public_access_block(Bucket=BUCKET)
    assert block["PublicAccessBlockConfiguration"] == OPEN_BY_POLICY


def test_a_bucket_of_protected_files_alone_stays_shut(
    configured, s3_environment, settings, monkeypatch
):
    use(settings, monkeypatch, s3_environment | {"PROTECTED_BUCKET_NAME": "portal-protected"})

    setup_bucket()

    block = s3_client(configured).get_public_access_block(Bucket="portal-protected")
    assert block["PublicAccessBlockConfiguration"] == SHUT
    assert "portal-protected" not in json.dumps(statements(configured))
    assert statements(configured, "portal-protected").keys() == {"PortalLinkAgeProtected"}


def test_unfinished_uploads_are_cleared_away(configured):
    setup_bucket()

    rules = s3_client(configured).get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert rules[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_a_link_of_anybodys_is_capped_at_the_sites_own_seconds(
    configured, s3_environment, settings, monkeypatch
):
    """S2. Ten seconds more, so that a link of the site's own ends by its own signature."""
    use(settings, monkeypatch, s3_environment | {"PROTECTED_URL_SECONDS": "60"})
    setup_bucket()
    s3 = s3_client(configured)
    s3.put_object(Bucket=BUCKET, Key="protected/resumes/x.pdf", Body=b"x")
    at = {"Bucket": BUCKET, "Key": "protected/resumes/x.pdf"}
    link = s3.generate_presigned_url("get_object", Params=at, ExpiresIn=24 * 3600)

    configured.advance(69)
    assert requests.get(link, timeout=5).status_code == 200

    configured.advance(2)
    assert requests.get(link, timeout=5).status_code == 403
    with storages["protected"].open("resumes/x.pdf") as file:  # signed in a header: no link
        assert file.read() == b"x"


@pytest.mark.parametrize(
    ("auth_type", "effect"), [("REST-QUERY-STRING", "Deny"), ("REST-HEADER", None)]
)
def test_the_cap_is_for_links_alone(configured, auth_type, effect):
    """Whatever age a server may say that other requests have, as when a clock is behind."""
    setup_bucket()
    policy = s3_client(configured).get_bucket_policy(Bucket=BUCKET)["Policy"]
    facts = {"s3:authtype": auth_type, "s3:signatureage": 800_000}
    file = f"arn:aws:s3:::{BUCKET}/protected/x.pdf"

    assert decide(parse(policy, BUCKET), "s3:GetObject", file, facts) == effect


def test_nothing_goes_over_plain_http(as_on_aws, monkeypatch):
    setup_bucket()
    assert anonymous_get(as_on_aws, "media/x.webp") == 200

    monkeypatch.setattr(as_on_aws, "treat_as_tls", False)

    address = f"{as_on_aws.endpoint_url}/{BUCKET}/media/x.webp"
    assert requests.get(address, timeout=5).status_code == 403
    with pytest.raises(ClientError, match="explicit deny"):
        s3_client(as_on_aws).put_object(Bucket=BUCKET, Key="media/y.webp", Body=b"y")


@pytest.mark.parametrize(
    ("endpoint_url", "has_statement"),
    [
        (None, True),
        ("https://s3.eu-west-1.amazonaws.com", True),
        ("http://s3.eu-west-1.amazonaws.com", False),
        ("http://127.0.0.1:9000", False),
        ("https://minio.example.org", False),
    ],
)
def test_tls_is_insisted_on_where_it_is_sure_to_end_at_s3(
    on_disk, s3_environment, settings, monkeypatch, endpoint_url, has_statement
):
    """A server behind a proxy takes all requests for plain http, and would shut out everybody."""
    use(settings, monkeypatch, s3_environment | {"AWS_S3_ENDPOINT_URL": endpoint_url or ""})

    documents = json.loads(setup_bucket("--dry-run"))[BUCKET]

    sids = [statement["Sid"] for statement in documents["Policy"]["Statement"]]
    assert ("PortalTlsOnly" in sids) == has_statement
    assert (documents["ServerSideEncryptionConfiguration"] is not None) == has_statement


def test_files_are_encrypted(as_on_aws):
    setup_bucket()

    answer = s3_client(as_on_aws).get_bucket_encryption(Bucket=BUCKET)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_a_stronger_encryption_is_left_as_it_is(as_on_aws):
    setup_bucket()
    stronger = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/society"}
    s3_client(as_on_aws).put_bucket_encryption(
        Bucket=BUCKET,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": stronger, "BucketKeyEnabled": True}]
        },
    )

    output = setup_bucket()

    assert "encryption: aws:kms, left as it is" in output
    answer = s3_client(as_on_aws).get_bucket_encryption(Bucket=BUCKET)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == stronger


def test_elsewhere_than_on_aws_encryption_is_left_to_the_server(configured):
    output = setup_bucket()

    assert "encryption: left to this server" in output
    assert not any("encryption" in request.query for request in configured.requests)


def test_the_bucket_owns_what_is_in_it(configured):
    setup_bucket()
    s3_client(configured).put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    )

    assert "object ownership: set" in setup_bucket()

    controls = s3_client(configured).get_bucket_ownership_controls(Bucket=BUCKET)[
        "OwnershipControls"
    ]
    assert controls["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_no_page_needs_cors(settings):
    """Style sheets, images and classic scripts load across origins without CORS."""
    folders = [*settings.TEMPLATES[0]["DIRS"], *get_app_template_dirs("templates")]
    files = {path for folder in folders for path in Path(folder).rglob("*.html")}
    for finder in get_finders():
        files |= {Path(storage.path(name)) for name, storage in finder.list([])}
    needs = re.compile(rb"crossorigin=|type=.?module|@font-face|mask[a-z-]*:[^;]*url")

    needing = [
        path
        for path in files
        if path.suffix in {".html", ".css", ".svg"} and needs.search(path.read_bytes())
    ]

    assert {"base.html", "portal.css", "pico.min.css"} < {path.name for path in files}
    assert needing == []


def test_a_dry_run_prints_the_documents_and_asks_nothing(configured):
    documents = json.loads(setup_bucket("--dry-run"))

    assert configured.requests == []
    assert documents[BUCKET].keys() == {
        "PublicAccessBlockConfiguration",
        "Policy",
        "ServerSideEncryptionConfiguration",
        "LifecycleConfiguration",
        "OwnershipControls",
    }
    effects = [
        (each["Effect"], each["Resource"]) for each in documents[BUCKET]["Policy"]["Statement"]
    ]
    assert effects == [
        ("Allow", f"arn:aws:s3:::{BUCKET}/media/*"),
        ("Allow", f"arn:aws:s3:::{BUCKET}/assets/*"),
        ("Deny", f"arn:aws:s3:::{BUCKET}/protected/*"),
    ]


def test_what_a_dry_run_prints_is_what_the_bucket_is_told(as_on_aws):
    documents = json.loads(setup_bucket("--dry-run"))[BUCKET]

    setup_bucket()

    assert list(statements(as_on_aws).values()) == documents["Policy"]["Statement"]
    answer = s3_client(as_on_aws).get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert answer["Rules"] == documents["LifecycleConfiguration"]["Rules"]


def test_a_wrong_key_is_one_sentence(configured, s3_environment, settings, monkeypatch):
    use(settings, monkeypatch, s3_environment | {"AWS_SECRET_ACCESS_KEY": "wrong"})

    with pytest.raises(CommandError, match="S3 refused"):
        setup_bucket()

    last = configured.requests[-1]  # for the reason: what the site's own key may list
    assert (last.method, last.query["prefix"], last.query["max-keys"]) == ("GET", "media/", "1")


def test_it_refuses_where_s3_is_not_configured(on_disk):
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        setup_bucket()


def test_one_of_several_sites_does_not_set_up_the_buckets(on_s3, settings):
    """Its statements would replace theirs. What it would say can be read all the same."""
    settings.FILES_FOLDER = "/site-pr-7"

    with pytest.raises(CommandError, match="FILES_FOLDER empty"):
        call_command("setup_bucket")
    call_command("setup_bucket", "--dry-run", stdout=io.StringIO())

    assert not on_s3.requests


def test_the_one_region_that_must_not_be_named_is_not(
    s3_environment, on_disk, settings, monkeypatch
):
    with StrictS3({"AKIAPORTAL": "portal-secret"}, region="us-east-1") as server:
        there = {"AWS_S3_REGION_NAME": "us-east-1", "AWS_S3_ENDPOINT_URL": server.endpoint_url}
        use(settings, monkeypatch, s3_environment | there)

        assert "bucket: created" in setup_bucket()

        assert anonymous_get(server, "media/avatars/x.webp") == 200
