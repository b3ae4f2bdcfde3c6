"""setup_bucket: opens two prefixes, and nothing else; sets limits where the server knows them."""

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
from werkzeug.wrappers import Response

from portal.buckets import documents as buckets
from tests.conftest import BUCKET, s3_client, settings_for, use_settings
from tests.support.s3_policy import decide, parse
from tests.support.strict_s3 import StrictS3

SHUT = dict.fromkeys(
    ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"], True
)
OPEN_BY_POLICY = SHUT | {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}


@pytest.fixture
def configured(s3, s3_environment, on_disk, settings, monkeypatch):
    """The site on S3, before anybody has made its bucket."""
    use(settings, monkeypatch, s3_environment)
    return s3


@pytest.fixture
def as_on_aws(configured, monkeypatch):
    """The same, where TLS ends at the server itself and it has keys to encrypt with."""
    monkeypatch.setattr(buckets, "is_aws", lambda storage: True)
    return configured


def use(settings, monkeypatch, environment):
    values = settings_for(environment)
    values["STORAGES"]["staticfiles"] = settings.STORAGES["staticfiles"]
    names = ("AWS_AVAILABLE", "STORAGES", "PROTECTED_URL_SECONDS")
    use_settings(settings, monkeypatch, {name: values[name] for name in names})


def setup_bucket(*arguments) -> str:
    out = io.StringIO()
    setup_bucket.err = io.StringIO()
    call_command("setup_bucket", *arguments, stdout=out, stderr=setup_bucket.err)
    return out.getvalue()


def statements(server, bucket=BUCKET) -> dict:
    """The statements of the bucket's policy, by their Sids."""
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=bucket)["Policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def refuses(server, condition, code="MalformedPolicy", status=400):
    """Have the server refuse policies that name this condition, for ever."""
    server.fail_next(
        status=status,
        code=code,
        times=9,
        matching=lambda request: request.method == "PUT" and condition in request.body.decode(),
    )


def stranger_gets(server, key, content=b"x"):
    s3_client(server).put_object(Bucket=BUCKET, Key=key, Body=content)
    return requests.get(f"{server.endpoint_url}/{BUCKET}/{key}", timeout=5).status_code


def test_strangers_read_the_public_prefixes_alone(configured):
    setup_bucket()

    assert stranger_gets(configured, "media/avatars/x.webp") == 200
    assert stranger_gets(configured, "assets/site.css") == 200
    assert stranger_gets(configured, "protected/resumes/x.pdf") == 403
    assert stranger_gets(configured, "media-of-others/x") == 403
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


def test_a_second_run_changes_nothing(as_on_aws):
    setup_bucket()
    as_on_aws.clear()

    said = setup_bucket()

    assert said.count("as it should be") == 6
    assert {request.method for request in as_on_aws.requests} <= {"GET", "HEAD"}


def test_a_policy_in_another_form_is_as_it_should_be(configured):
    """As MinIO gives it back."""
    setup_bucket()
    rewritten = [
        statement
        | {"Principal": {"AWS": ["*"]}}
        | {name: [statement[name]] for name in ("Action", "Resource")}
        for statement in reversed(statements(configured).values())
    ]
    policy = json.dumps(buckets.policy_document(rewritten))
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=policy)

    assert "policy: as it should be" in setup_bucket()


def test_each_thing_that_was_undone_is_done_again(as_on_aws):
    setup_bucket()
    s3 = s3_client(as_on_aws)
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_bucket_encryption(Bucket=BUCKET)
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    s3.delete_bucket_ownership_controls(Bucket=BUCKET)

    said = setup_bucket()

    assert said.count(": set") == 5
    assert setup_bucket().count("as it should be") == 6


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
    assert stranger_gets(as_on_aws, "media/x.webp") == 200

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

    said = setup_bucket()

    assert "encryption: aws:kms, left as it is" in said
    answer = s3_client(as_on_aws).get_bucket_encryption(Bucket=BUCKET)
    (rule,) = answer["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == stronger


def test_elsewhere_than_on_aws_encryption_is_left_to_the_server(configured):
    said = setup_bucket()

    assert "encryption: left to this server" in said
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


@pytest.mark.parametrize(
    ("code", "status"), [("MalformedPolicy", 400), ("NotImplemented", 501), ("Odd", 405)]
)
def test_a_server_that_knows_no_age_of_links_still_lets_strangers_in(configured, code, status):
    refuses(configured, "s3:signatureAge", code, status)

    said = setup_bucket()

    assert "policy: set" in said
    assert "without PortalLinkAgeProtected, which this server refuses" in said
    assert stranger_gets(configured, "media/x.webp") == 200
    assert stranger_gets(configured, "protected/x.pdf") == 403
    assert statements(configured).keys() == {"PortalPublicReadMedia", "PortalPublicReadAssets"}


def test_a_refusal_that_is_not_about_the_limits_is_not_worked_around(configured):
    refuses(configured, "s3:signatureAge", "AccessDenied", 403)

    with pytest.raises(CommandError, match="AccessDenied"):
        setup_bucket()


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_server_without_policies_is_set_up_as_far_as_it_goes(configured, method):
    """As Cloudflare R2 is: what is public has to be opened by other means, and that is said."""
    configured.fail_next(
        status=501,
        code="NotImplemented",
        times=9,
        matching=lambda request: "policy" in request.query and request.method == method,
    )

    said = setup_bucket()

    assert "policy: this server has none" in said
    assert "lifecycle: set" in said
    assert f"{BUCKET}/media/* and arn:aws:s3:::{BUCKET}/assets/*" in setup_bucket.err.getvalue()


def test_a_server_that_answers_something_else_is_told_apart(configured, monkeypatch):
    """Older ones know no ownership controls, and take the question for a listing."""
    listing = "<ListBucketResult><Name>portal-files</Name></ListBucketResult>"
    forward = StrictS3._forward

    def older(server, request, environ):
        if "ownershipControls" in request.query:
            return Response(listing, content_type="application/xml")
        return forward(server, request, environ)

    monkeypatch.setattr(StrictS3, "_forward", older)

    said = setup_bucket()

    assert "object ownership: this server has none, left out" in said
    assert not any(
        request.method == "PUT" and "ownershipControls" in request.query
        for request in configured.requests
    )


def test_no_page_needs_cors(settings):
    """What loads across origins without CORS: style sheets, images, and scripts of the old kind."""
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


THEIRS = {
    "Sid": "Auditors",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BUCKET}/media/secret/*",
}


def test_other_peoples_statements_are_kept(configured):
    setup_bucket()
    ours = statements(configured)["PortalPublicReadMedia"]
    policy = buckets.policy_document([THEIRS, ours])
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    setup_bucket()

    assert statements(configured).keys() == {
        "Auditors",
        "PortalPublicReadMedia",
        "PortalPublicReadAssets",
        "PortalLinkAgeProtected",
    }
    assert statements(configured)["Auditors"] == THEIRS


def test_a_policy_that_is_one_statement_is_kept(configured):
    setup_bucket()
    policy = json.dumps({"Version": "2012-10-17", "Statement": THEIRS})
    s3_client(configured).put_bucket_policy(Bucket=BUCKET, Policy=policy)

    setup_bucket()

    assert statements(configured)["Auditors"] == THEIRS
    assert len(statements(configured)) == 4


def test_other_peoples_lifecycle_rules_are_kept(configured):
    setup_bucket()
    theirs = {
        "ID": "Archive",
        "Status": "Enabled",
        "Filter": {"Prefix": "old/"},
        "Expiration": {"Days": 90},
    }
    s3_client(configured).put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": [theirs]}
    )

    setup_bucket()

    answer = s3_client(configured).get_bucket_lifecycle_configuration(Bucket=BUCKET)
    assert [rule["ID"] for rule in answer["Rules"]] == ["Archive", "PortalAbortStaleUploads"]


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


def test_a_server_without_lifecycles_is_set_up_all_the_same(configured):
    configured.fail_next(
        status=501,
        code="NotImplemented",
        times=99,
        matching=lambda request: "lifecycle" in request.query,
    )

    said = setup_bucket()

    assert "lifecycle: this server has none" in said
    assert stranger_gets(configured, "media/x.webp") == 200


def test_a_wrong_key_is_one_sentence(configured, s3_environment, settings, monkeypatch):
    use(settings, monkeypatch, s3_environment | {"AWS_SECRET_ACCESS_KEY": "wrong"})

    with pytest.raises(CommandError, match="S3 refused"):
        setup_bucket()


def test_it_refuses_where_s3_is_not_configured(on_disk):
    with pytest.raises(CommandError, match="AWS_STORAGE_BUCKET_NAME"):
        setup_bucket()


def test_one_of_several_sites_does_not_speak_for_the_others(on_s3, settings):
    """Its statements would replace theirs. What it would say can be read all the same."""
    settings.FILES_FOLDER = "/site-pr-7"

    with pytest.raises(CommandError, match="FILES_FOLDER empty"):
        call_command("setup_bucket")
    call_command("setup_bucket", "--dry-run", stdout=io.StringIO())

    assert not on_s3.requests
