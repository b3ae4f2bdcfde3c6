"""Hints: what to do where S3 refuses the site itself, with the variables that are concerned."""

from typing import NamedTuple

from django.conf import settings
from storages.backends.s3 import S3Storage

from portal.s3.codes import KINDS, Kind


class Variables(NamedTuple):
    """The names of what configures the connection of a storage."""

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
# Variables that replace those, each only where it is set.
OTHERS = {
    "default": {},
    "protected": {"bucket": "PROTECTED_BUCKET_NAME", "prefix": "PROTECTED_PREFIX"},
    "assets": {
        "bucket": "ASSETS_BUCKET_NAME",
        "prefix": "ASSETS_PREFIX",
        "key": "ASSETS_ACCESS_KEY_ID",
        "secret": "ASSETS_SECRET_ACCESS_KEY",
    },
    "live default": {},
    "live protected": {"bucket": "LIVE_PROTECTED_BUCKET_NAME", "prefix": "LIVE_PROTECTED_PREFIX"},
}
# Other storages are configured in the settings themselves, by these options.
OPTIONS = Variables(
    "bucket_name", "location", "access_key", "secret_key", "region_name", "endpoint_url"
)

HINTS = {
    Kind.ACCESS_KEY: "Set {key} and {secret} to a key pair that this provider knows.",
    Kind.SECRET_KEY: "Set {secret} to the secret half of {key}.",
    Kind.CLOCK: "Set this machine's clock, for S3 checks the time of a signature.",
    Kind.BUCKET: "Run setup_bucket, which makes the bucket {name}, or correct {bucket}.",
    Kind.REGION: "Set {region} to the region that the bucket {name} is in.",
    Kind.FORBIDDEN: "Let the key of {key} do there what setup_bucket --print-iam prints.",
}
UNKNOWN = "Look up what this means at the provider of {bucket}, and run check_storage again."


def variables(subject: str) -> Variables:
    """Return the names that concern a storage: an alias, or a live one's behind the word live."""
    is_live = subject.startswith("live ")
    if subject not in OTHERS:
        setting, alias = "LIVE_STORAGES" if is_live else "STORAGES", subject.removeprefix("live ")
        return Variables(*(f'{option} of {setting}["{alias}"]' for option in OPTIONS))
    others = OTHERS[subject].items()
    usual = LIVE if is_live else SITE
    return usual._replace(**{what: name for what, name in others if getattr(settings, name, None)})


def on_refusal(code: str, subject: str, storage: S3Storage) -> str:
    """Return what to do where S3 has answered with this error code."""
    names = variables(subject)._asdict()
    return HINTS.get(KINDS.get(code), UNKNOWN).format(name=storage.bucket_name, **names)


def on_silence(subject: str, storage: S3Storage) -> str:
    """Return what to do where a bucket does not answer."""
    names = variables(subject)
    name = names.endpoint if storage.endpoint_url else names.region
    return f"Correct {name}, or run this again when {storage.bucket_url} answers from here."
