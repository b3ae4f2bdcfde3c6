"""What a message tells an operator to correct, by S3's answer and the storage that was asked."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from portal.files import hints
from portal.files.storages import ProtectedMediaStorage
from portal.s3.errors import StorageError, code_of, describe, is_answer

AWS = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
    "region_name": "eu-west-1", "location": "files",
}  # fmt: skip
BACKEND = "portal.files.storages.ProtectedMediaStorage"
STORAGE = ProtectedMediaStorage(**AWS)


def error_of(cause, storage=STORAGE):
    error = StorageError("Could not list files/: ClientError", storage=storage)
    error.__cause__ = cause
    return error


def refusal(code):
    return ClientError({"Error": {"Code": code} if code else {}}, "ListObjectsV2")


def silence():
    return EndpointConnectionError(endpoint_url="https://s3.example.org")


@pytest.mark.parametrize(
    ("codes", "hint"),
    [
        (["InvalidAccessKeyId"],
         "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key pair that this provider knows."),
        (["SignatureDoesNotMatch"],
         "Set AWS_SECRET_ACCESS_KEY to the secret half of AWS_ACCESS_KEY_ID."),
        (["ExpiredToken"],
         "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key pair that does not expire."),
        (["InvalidToken"],
         ("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to a key pair that needs no session"
          " token.")),
        (["RequestTimeTooSkewed"],
         "Set this machine's clock, for S3 checks the time of a signature."),
        (["NoSuchBucket"],
         "Run setup_bucket, which makes the bucket society, or correct AWS_STORAGE_BUCKET_NAME."),
        (["InvalidBucketName"],
         "Correct AWS_STORAGE_BUCKET_NAME: this provider allows no bucket of the name society."),
        (["BucketAlreadyExists"],
         "Choose another name for AWS_STORAGE_BUCKET_NAME: somebody else has the bucket society."),
        (["404"],
         ("Correct AWS_S3_ENDPOINT_URL, or AWS_STORAGE_BUCKET_NAME: what answers there has no"
          " bucket society.")),
        (["AccessControlListNotSupported"],
         ("Take default_acl, and ACLs in object_parameters, out of the OPTIONS in STORAGES: the"
          " bucket society has none, and is opened by its policy.")),
        (["NotImplemented", "XNotImplemented", "MethodNotAllowed", "501", "405"],
         "Correct AWS_S3_ENDPOINT_URL: what answers there does not do what S3 does."),
        (["AuthorizationHeaderMalformed", "AuthorizationQueryParametersError", "PermanentRedirect",
          "IllegalLocationConstraintException", "301"],
         "Set AWS_S3_REGION_NAME to the region that the bucket society is in."),
        (["AccessDenied", "Forbidden", "403"],
         "Let the key of AWS_ACCESS_KEY_ID do there what setup_bucket --print-iam prints."),
        (["SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "BadDigest"],
         "Run this again later: the provider of AWS_STORAGE_BUCKET_NAME is busy."),
        (["Nonsense", ""],
         ("Look up what this means at the provider of AWS_STORAGE_BUCKET_NAME, and run"
          " check_storage again.")),
    ],
)  # fmt: skip
def test_a_refusal_has_its_own_hint(codes, hint):
    for code in codes:
        assert hints.on_refusal(code, "default", STORAGE) == hint, code


@pytest.mark.parametrize(
    ("subject", "names"),
    [
        ("default", ("AWS_STORAGE_BUCKET_NAME MEDIA_PREFIX AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"
                    " AWS_S3_REGION_NAME AWS_S3_ENDPOINT_URL")),
        ("protected", ("PROTECTED_BUCKET_NAME PROTECTED_PREFIX AWS_ACCESS_KEY_ID"
                      " AWS_SECRET_ACCESS_KEY AWS_S3_REGION_NAME AWS_S3_ENDPOINT_URL")),
        ("assets", ("ASSETS_BUCKET_NAME ASSETS_PREFIX ASSETS_ACCESS_KEY_ID ASSETS_SECRET_ACCESS_KEY"
                   " AWS_S3_REGION_NAME AWS_S3_ENDPOINT_URL")),
        ("live default", ("LIVE_STORAGE_BUCKET_NAME LIVE_MEDIA_PREFIX LIVE_READ_ONLY_ACCESS_KEY_ID"
                         " LIVE_READ_ONLY_SECRET_KEY LIVE_S3_REGION_NAME LIVE_S3_ENDPOINT_URL")),
        ("live protected", ("LIVE_PROTECTED_BUCKET_NAME LIVE_PROTECTED_PREFIX"
                           " LIVE_READ_ONLY_ACCESS_KEY_ID LIVE_READ_ONLY_SECRET_KEY"
                           " LIVE_S3_REGION_NAME LIVE_S3_ENDPOINT_URL")),
    ],
)  # fmt: skip
def test_a_storage_is_configured_by_its_own_variables_where_they_are_set(settings, subject, names):
    of_site = hints.LIVE if subject.startswith("live") else hints.SITE
    settings.S3_VARIABLES = {"AWS_STORAGE_BUCKET_NAME": None}
    assert hints.variables(subject) == of_site

    settings.S3_VARIABLES = dict.fromkeys(names.split(), "x")

    assert " ".join(hints.variables(subject)) == names


@pytest.mark.parametrize(
    ("subject", "setting"),
    [("minutes", 'STORAGES["minutes"]'), ("live minutes", 'LIVE_STORAGES["minutes"]')],
)
def test_a_storage_without_variables_is_configured_by_options(subject, setting):
    """Y13."""
    options = ("bucket_name", "location", "access_key", "secret_key", "region_name", "endpoint_url")

    assert list(hints.variables(subject)) == [f"{option} of {setting}" for option in options]


@pytest.mark.parametrize(
    ("subject", "storage"),
    [
        ("default", 'STORAGES["default"]'),
        ("protected", 'STORAGES["protected"]'),
        ("assets", 'STORAGES["assets"]'),
        ("live default", 'LIVE_STORAGES["default"]'),
    ],
)
def test_a_project_without_variables_is_told_the_options(settings, subject, storage):
    """Y13: also where an alias is one of this site's."""
    settings.S3_VARIABLES = {}

    assert hints.variables(subject).secret == f"secret_key of {storage}"
    assert hints.settings_of_live() == "LIVE_STORAGES in the settings"
    assert hints.named("A_VARIABLE", "an option") == "an option"


def test_a_silent_server_is_looked_for_at_the_endpoint_or_else_in_the_region():
    elsewhere = ProtectedMediaStorage(**AWS, endpoint_url="https://s3.example.org")

    assert hints.on_silence("default", elsewhere) == (
        "Correct AWS_S3_ENDPOINT_URL, or run this again when https://society.s3.example.org answers"
        " from here."
    )
    assert hints.on_silence("default", STORAGE).startswith("Correct AWS_S3_REGION_NAME, or run")


def test_an_error_is_shown_in_one_line_with_the_hint_for_its_storage(settings):
    settings.S3_VARIABLES = {"AWS_STORAGE_BUCKET_NAME": None}
    settings.STORAGES = settings.STORAGES | {
        "other": {"BACKEND": BACKEND, "OPTIONS": AWS | {"location": "elsewhere"}},
        "protected": {"BACKEND": BACKEND, "OPTIONS": AWS},
    }
    text = "Could not list files/: ClientError"

    assert hints.with_hint(error_of(refusal("AccessDenied"))) == (
        f"{text}. Let the key of AWS_ACCESS_KEY_ID do there what setup_bucket --print-iam prints."
    )
    assert hints.with_hint(error_of(silence())).startswith(f"{text}. Correct AWS_S3_REGION_NAME")
    assert hints.with_hint(error_of(refusal("AccessDenied"), storage=None)) == text
    assert hints.with_hint(OSError("The disk is full")) == "The disk is full"
    assert hints.alias_of(STORAGE) == "protected"
    assert hints.alias_of(ProtectedMediaStorage(**AWS | {"bucket_name": "another"})) == ""


def test_a_refusal_that_has_a_reason_is_not_asked_for_another():
    assert hints.reason(error_of(refusal("AccessDenied"), storage=None)) == "AccessDenied"
    assert hints.reason(error_of(refusal("404"), storage=None)) == "404"
    assert hints.reason(error_of(silence(), storage=None)) == ""


@pytest.mark.parametrize(
    ("cause", "answer", "code", "words"),
    [
        (refusal("AccessDenied"), True, "AccessDenied", "answered AccessDenied"),
        (refusal(""), True, "", "answered "),
        (silence(), False, "", "no answer: EndpointConnectionError"),
    ],
)
def test_an_answer_is_told_from_silence(cause, answer, code, words):
    error = error_of(cause)

    assert (is_answer(error), code_of(error), describe(error)) == (answer, code, words)
