"""Y13: a third storage, under whatever alias, is set up, allowed and proven as the others are."""

import io
import json

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command

from portal.exposure.findings import OK, WARN
from portal.files import sweeping
from tests.conftest import BUCKET, s3_client

from .runs import LIVE_BUCKET, about_live, check, failed, names, only, open_to_everyone

POLICY = "portal.files.storages."
STOCK = "storages.backends.s3.S3Storage"
V4 = {"signature_version": "s3v4"}  # else boto3 signs links the old way in some regions


@pytest.fixture
def add(on_s3, settings):
    """Add a storage beside the site's own, in the same bucket unless an option says otherwise."""

    def add(alias, backend, **options):
        own = settings.STORAGES["protected"]["OPTIONS"]
        added = {"BACKEND": backend, "OPTIONS": own | {"location": alias} | options}
        settings.STORAGES = settings.STORAGES | {alias: added}

    return add


@pytest.fixture
def third(add):
    """Two storages more, one of each policy, in a bucket that has been set up for them."""
    add("minutes", POLICY + "ProtectedMediaStorage")
    add("posters", POLICY + "PublicMediaStorage")
    setup_bucket()


def setup_bucket(*arguments) -> str:
    out = io.StringIO()
    call_command("setup_bucket", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def statements(server) -> dict:
    policy = json.loads(s3_client(server).get_bucket_policy(Bucket=BUCKET)["Policy"])
    return {statement["Sid"]: statement for statement in policy["Statement"]}


def sids(server) -> set:
    return set(statements(server))


def test_setup_bucket_opens_what_is_public_and_limits_what_is_protected(on_s3, third):
    assert {"PortalPublicReadPosters", "PortalLinkAgeMinutes"} < sids(on_s3)

    for alias, status in (("posters", 200), ("minutes", 403)):
        storages[alias].save("x.txt", ContentFile(b"x"))
        address = f"{on_s3.endpoint_url}/{BUCKET}/{alias}/x.txt"
        assert requests.get(address, timeout=5).status_code == status


def test_a_bucket_of_its_own_is_created(on_s3, add):
    add("minutes", POLICY + "ProtectedMediaStorage", bucket_name="society-minutes")

    setup_bucket()

    block = s3_client(on_s3).get_public_access_block(Bucket="society-minutes")
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}


def test_a_bucket_of_the_same_name_at_another_service_is_another_bucket(add):
    add("minutes", POLICY + "ProtectedMediaStorage", endpoint_url="https://minio.example.org")

    documents = json.loads(setup_bucket("--dry-run"))

    own, other = documents
    assert own.startswith(f"{BUCKET} at http://127.0.0.1")
    assert other == f"{BUCKET} at https://minio.example.org"
    assert documents[other]["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] is True


def test_two_storages_with_the_same_prefix_are_one_statement(on_s3, add):
    """AWS refuses a policy in which two statements have one name."""
    add("photos", POLICY + "PublicMediaStorage", location="media")

    assert "policy: as it should be" in setup_bucket()


def test_the_key_of_the_app_is_allowed_what_it_needs(on_s3, third, monkeypatch):
    printed = setup_bucket("--print-iam", "app")
    monkeypatch.setitem(on_s3.identities, "AKIAPORTAL", json.loads(printed))

    found, ending = check()

    assert ending is None
    assert {each.outcome for each in found if each.subject in {"minutes", "posters"}} <= {OK, WARN}


def test_a_key_pair_of_its_own_has_a_policy_of_its_own(on_s3, add):
    add("minutes", POLICY + "ProtectedMediaStorage", access_key="AKIAMINUTES")

    policies = json.loads(setup_bucket("--print-iam"))

    assert "minutes/*" not in json.dumps(policies["app"])
    assert policies["storage-minutes"] == json.loads(setup_bucket("--print-iam", "storage-minutes"))
    assert policies["storage-minutes"]["Statement"][0]["Resource"] == [
        f"arn:aws:s3:::{BUCKET}/minutes/*"
    ]


def test_a_key_that_nothing_has_is_refused_with_the_names_of_those_there_are(on_s3):
    with pytest.raises(CommandError, match="app, assets, live, operator, all"):
        setup_bucket("--print-iam", "admin")


def test_check_storage_proves_it(on_s3, third):
    found, ending = check()

    assert ending is None
    stated = {(each.subject, each.statement.partition(" http")[0]) for each in found}
    assert {
        ("posters", "anonymous clients can read it at"),
        ("minutes", "anonymous clients are refused it at"),
        ("minutes", "a signed link opens it"),
        ("minutes", "an expired link is refused"),
        ("minutes", "anonymous clients can neither write nor delete"),
    } < stated
    assert names(on_s3) == []


def test_a_third_protected_storage_that_is_open_is_red(on_s3, third):
    open_to_everyone(on_s3, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/minutes/*")

    red = only(failed())

    assert (red.subject, red.observed) == ("minutes", "answered 200")


def test_a_hint_names_the_option_where_no_variable_has_it(add):
    add("minutes", POLICY + "ProtectedMediaStorage", secret_key="no")

    red = only(failed())

    assert red.hint == (
        'Set secret_key of STORAGES["minutes"] to the secret half of access_key of'
        ' STORAGES["minutes"].'
    )


def test_a_stock_class_is_taken_at_its_word(on_s3, add):
    """With unsigned links its files are public, else they are protected."""
    add("exports", STOCK, querystring_expire=60, **V4)
    add("posters", STOCK, querystring_auth=False)

    setup_bucket()
    found, ending = check()

    assert ending is None
    assert {"PortalPublicReadPosters", "PortalLinkAgeExports"} < sids(on_s3)
    assert "PortalPublicReadExports" not in sids(on_s3)
    refused = statements(on_s3)["PortalLinkAgeExports"]["Condition"]["NumericGreaterThan"]
    assert refused == {"s3:signatureAge": "70000"}, "ten seconds more than its links, for clocks"
    warned = {each.statement for each in found if each.outcome != OK}
    assert warned <= {"links are sent over TLS alone", "pages link to the assets in their bucket"}
    assert {"exports", "posters"} < {each.subject for each in found}


def test_the_links_of_a_stock_class_are_tried_as_it_makes_them(on_s3, add):
    """Y13: its pages have these, and this server, as AWS, refuses the old signature."""
    add("exports", STOCK)

    red = only(failed())

    assert (red.subject, red.statement) == ("exports", "a signed link opens it")
    assert red.hint.startswith('Set signature_version in the OPTIONS of STORAGES["exports"] to ')


def test_a_link_that_is_redirected_to_another_region_is_red(on_s3, add):
    """As of a new bucket, where boto3 names no region in the address; the signature is for it."""
    add("exports", STOCK, **V4)
    on_s3.fail_next(307, "TemporaryRedirect", matching=lambda request: is_link(request, "exports"))

    red = only(failed())

    assert (red.subject, red.observed) == ("exports", "answered 307 TemporaryRedirect")
    assert red.hint.startswith('Set addressing_style in the OPTIONS of STORAGES["exports"] to ')


def is_link(request, prefix) -> bool:
    return request.key.startswith(f"{prefix}/") and "X-Amz-Signature" in request.query


def test_a_stock_class_whose_files_are_open_is_reported(on_s3, add):
    add("exports", STOCK, **V4)
    setup_bucket()
    open_to_everyone(on_s3, "s3:GetObject", f"arn:aws:s3:::{BUCKET}/exports/*")

    assert only(failed()).subject == "exports"


@pytest.mark.parametrize(
    ("keys", "missing"),
    [
        ({"access_key": None, "secret_key": None}, "access_key and no secret_key"),
        ({"access_key": "", "secret_key": "secret"}, "access_key"),
        ({"access_key": "AKIA", "secret_key": ""}, "secret_key"),
        ({"bucket_name": ""}, "bucket_name"),
    ],
)
@pytest.mark.parametrize("command", ["setup_bucket", "setup_bucket --dry-run", "check_storage"])
def test_a_stock_class_without_a_key_pair_is_refused(on_s3, add, keys, missing, command):
    add("exports", STOCK, **keys)

    with pytest.raises(CommandError, match=f'"exports" has no {missing} in its OPTIONS'):
        call_command(*command.split(), stdout=io.StringIO())


def test_a_name_that_no_bucket_can_have_is_told_before_s3_is_asked(on_s3, add):
    add("exports", STOCK, bucket_name="The Exports")

    with pytest.raises(CommandError) as error:
        call_command("setup_bucket", stdout=io.StringIO())

    assert str(error.value).startswith("S3 was not asked: ")
    assert str(error.value).endswith(
        'Correct bucket_name of STORAGES["exports"]: no bucket can have the name The Exports.'
    )


@pytest.mark.parametrize("command", ["setup_bucket", "check_storage"])
def test_a_stock_class_with_a_session_token_is_refused(on_s3, add, command):
    add("exports", STOCK, security_token="token")

    with pytest.raises(CommandError, match='"exports" has security_token, from its OPTIONS'):
        call_command(command, stdout=io.StringIO())


def test_a_third_storage_of_the_live_site_is_tried_too(live, settings):
    options = settings.LIVE_STORAGES["protected"]["OPTIONS"]
    settings.LIVE_STORAGES = settings.LIVE_STORAGES | {
        "minutes": {
            "BACKEND": POLICY + "ProtectedMediaStorage",
            "OPTIONS": options | {"location": "minutes"},
        },
        "exports": {"BACKEND": STOCK, "OPTIONS": options | {"location": "exports"}},
    }
    s3_client(live).put_object(Bucket=LIVE_BUCKET, Key="minutes/x.pdf", Body=b"x")

    found, ending = check()

    assert ending is None
    outcomes = [each.outcome for each in about_live(found) if each.subject == "live minutes"]
    assert outcomes == [OK] * 3
    assert {each.outcome for each in found if each.subject == "live exports"} == {OK, WARN}
    assert "minutes/*" in setup_bucket("--print-iam", "live")


@pytest.mark.parametrize(
    "options", [{"default_acl": "public-read"}, {"object_parameters": {"ACL": "public-read"}}]
)
def test_an_acl_that_the_bucket_refuses_is_found_as_an_upload_finds_it(on_s3, add, options):
    """Without it, the same storage is as it should be: see the test below."""
    add("posters", STOCK, querystring_auth=False, **options)

    wrong = only([each for each in failed() if each.subject == "posters"])

    assert "AccessControlListNotSupported" in wrong.observed
    assert wrong.hint.startswith("Take default_acl, and ACLs in object_parameters, out")


def test_a_storage_without_a_prefix_has_its_bucket_to_itself(on_s3, add):
    """As django-storages' own does by default. Policies of ours need one: portal.E003."""
    s3_client(on_s3).create_bucket(
        Bucket="society-backups", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    add("backups", STOCK, bucket_name="society-backups", location="", **V4)
    setup_bucket()
    storages["backups"].save("x.txt", ContentFile(b"x"))

    found, _ = check()

    proven = [each for each in found if each.subject == "backups"]
    assert {each.outcome for each in proven} == {OK, WARN}  # there is no TLS here
    assert [file.name for file in sweeping.listing(storages["backups"])] == ["x.txt"]
    sweeping.delete(storages["backups"], "x.txt")
    assert not storages["backups"].exists("x.txt")
