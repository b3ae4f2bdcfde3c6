"""What to do about what S3 answers to the site itself, naming the variables that are concerned."""

from typing import NamedTuple

from django.conf import settings
from storages.backends.s3 import S3Storage

from .probes import code_of, is_answer
from .s3 import StorageError, storage_errors


class Variables(NamedTuple):
    """The variables of the environment that say where a storage is and with which keys."""

    bucket: str
    prefix: str
    key: str
    secret: str
    region: str
    endpoint: str


SITE = Variables(
    "AWS_STORAGE_BUCKET_NAME", "MEDIA_PREFIX", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_S3_REGION_NAME", "AWS_S3_ENDPOINT_URL",
)  # fmt: skip
LIVE = Variables(
    "LIVE_STORAGE_BUCKET_NAME", "LIVE_MEDIA_PREFIX", "LIVE_READ_ONLY_ACCESS_KEY_ID",
    "LIVE_READ_ONLY_SECRET_KEY", "LIVE_S3_REGION_NAME", "LIVE_S3_ENDPOINT_URL",
)  # fmt: skip
# What differs from those, each only where it is set.
OTHERS = {
    "protected": {"bucket": "PROTECTED_BUCKET_NAME", "prefix": "PROTECTED_PREFIX"},
    "assets": {
        "bucket": "ASSETS_BUCKET_NAME",
        "prefix": "ASSETS_PREFIX",
        "key": "ASSETS_ACCESS_KEY_ID",
        "secret": "ASSETS_SECRET_ACCESS_KEY",
    },
    "live protected": {"bucket": "LIVE_PROTECTED_BUCKET_NAME", "prefix": "LIVE_PROTECTED_PREFIX"},
}

WRONG_REGION = "Set {region} to the region that the bucket {name} is in."
NO_S3 = "Correct {endpoint}, or {bucket}: what answers there has no such bucket."
FORBIDDEN = "Let the key of {key} do there what setup_bucket --print-iam says it needs."
ADVICE = {
    "InvalidAccessKeyId": "Set {key} and {secret} to a key pair that this provider knows.",
    "SignatureDoesNotMatch": "Set {secret} to the secret half of {key}.",
    "RequestTimeTooSkewed": "Set this machine's clock, for S3 checks the time of a signature.",
    "NoSuchBucket": "Run setup_bucket, which makes the bucket {name}, or correct {bucket}.",
    "AuthorizationHeaderMalformed": WRONG_REGION,
    "AuthorizationQueryParametersError": WRONG_REGION,
    "PermanentRedirect": WRONG_REGION,
    "301": WRONG_REGION,
    "IllegalLocationConstraintException": WRONG_REGION,
    "InvalidBucketName": "Correct {bucket}: this provider allows no such name.",
    "BucketAlreadyExists": "Choose another name for {bucket}: this one is somebody else's.",
    "404": NO_S3,
    "405": NO_S3,
    "MethodNotAllowed": NO_S3,
    "AccessDenied": FORBIDDEN,
    "403": FORBIDDEN,
}
UNKNOWN = "Look up what this means at the provider of {bucket}, and run check_storage again."


def variables(subject: str) -> Variables:
    """Those that count for a storage: an alias, or a live twin's behind the word live."""
    usual = LIVE if subject.startswith("live ") else SITE
    others = OTHERS.get(subject, {}).items()
    return usual._replace(**{what: name for what, name in others if getattr(settings, name, None)})


def on_refusal(code: str, subject: str, storage: S3Storage) -> str:
    """What to do where S3 has refused what the site itself has asked."""
    names = variables(subject)._asdict()
    return ADVICE.get(code, UNKNOWN).format(name=storage.bucket_name, **names)


def on_silence(subject: str, storage: S3Storage) -> str:
    """What to do where a bucket does not answer."""
    names = variables(subject)
    name = names.endpoint if storage.endpoint_url else names.region
    return f"Correct {name}, or run this again when {storage.bucket_url} answers from here."


def with_advice(error: OSError) -> str:
    """An error in one line, and what to do about it if it is S3's."""
    if not isinstance(error, StorageError) or error.storage is None:
        return str(error)
    return f"{error}. {on_error(error)}"


def on_error(error: StorageError) -> str:
    """What to do about an error that a storage's bucket has caused."""
    subject = alias_of(error.storage)
    if is_answer(error):
        return on_refusal(reason(error), subject, error.storage)
    return on_silence(subject, error.storage)


def reason(error: StorageError) -> str:
    """S3's own word for why it has refused; empty where it was silent.

    The answer to a HEAD is a bare status, the same for a wrong secret and for a missing right. Then
    a listing is asked for, whose refusal has a word.
    """
    code = code_of(error)
    if code.isdigit() and code != "404":
        place = {"Bucket": error.storage.bucket_name, "Prefix": f"{error.storage.location}/"}
        try:
            with storage_errors("list", place["Prefix"]):
                error.storage.connection.meta.client.list_objects_v2(**place, MaxKeys=1)
        except StorageError as listing:
            return code_of(listing) or code
    return code


def alias_of(storage: S3Storage) -> str:
    """The alias in STORAGES of the place that a storage is at; an empty one if it has none."""
    place = (storage.bucket_name, storage.location)
    for alias, about in settings.STORAGES.items():
        options = about.get("OPTIONS", {})
        if (options.get("bucket_name"), options.get("location")) == place:
            return alias
    return ""
