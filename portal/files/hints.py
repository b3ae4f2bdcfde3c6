"""Hints: what to do if S3 refuses a request of the site, and which variables to correct."""

from typing import NamedTuple

from botocore.exceptions import (
    NoCredentialsError,
    ParamValidationError,
)
from django.conf import settings
from django.db import DatabaseError
from storages.backends.s3 import S3Storage

from portal.files import conf
from portal.files.policies import NEEDED, address_of, made, missing_options
from portal.s3.addresses import prefix_of
from portal.s3.codes import KINDS, Kind
from portal.s3.errors import StorageError, code_of, is_answer, storage_errors


class Variables(NamedTuple):
    """The names of the variables, or options, that configure the connection of a storage."""

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
# Variables that take precedence over those where they are set.
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

HINTS: dict[Kind | None, str] = {
    Kind.ACCESS_KEY: "Set {key} and {secret} to a key pair that this provider knows.",
    Kind.SECRET_KEY: "Set {secret} to the secret half of {key}.",
    Kind.KEYS_EXPIRED: "Set {key} and {secret} to a key pair that does not expire.",
    Kind.KEYS_NOT_TAKEN: "Set {key} and {secret} to a key pair that needs no session token.",
    Kind.CLOCK: "Set this machine's clock, for S3 checks the time of a signature.",
    Kind.BUCKET: "Run setup_bucket, which makes the bucket {name}, or correct {bucket}.",
    Kind.BUCKET_NAME: "Correct {bucket}: this provider allows no bucket of the name {name}.",
    Kind.TAKEN_BUCKET: "Choose another name for {bucket}: somebody else has the bucket {name}.",
    Kind.NOT_FOUND: "Correct {endpoint}, or {bucket}: what answers there has no bucket {name}.",
    Kind.NOT_SUPPORTED: "Correct {endpoint}: what answers there does not do what S3 does.",
    Kind.NO_ACL: "Take default_acl, and ACLs in object_parameters, out of the OPTIONS in STORAGES:"
    " the bucket {name} has none, and is opened by its policy.",
    Kind.REGION: "Set {region} to the region that the bucket {name} is in.",
    Kind.BUSY: "Run this again later: the provider of {bucket} is busy.",
    Kind.FORBIDDEN: "Let the key of {key} do there what setup_bucket --print-iam prints.",
}
# What boto3 raises for a storage without a key pair, or without the name of a bucket.
INCOMPLETE = (NoCredentialsError, ParamValidationError)
UNKNOWN = "Look up what this means at the provider of {bucket}, and run check_storage again."


def variables(subject: str) -> Variables:
    """Return the variables of a storage: an alias such as "default", or "live default"."""
    is_live = subject.startswith("live ")
    if subject not in OTHERS or not conf.S3_VARIABLES:
        setting, alias = "LIVE_STORAGES" if is_live else "STORAGES", subject.removeprefix("live ")
        storage = f'{setting}["{alias}"]' if alias else "the storage"
        return Variables(*(f"{option} of {storage}" for option in OPTIONS))
    others = OTHERS[subject].items()
    usual = LIVE if is_live else SITE
    return usual._replace(**{what: name for what, name in others if conf.S3_VARIABLES.get(name)})


def named(variables: str, options: str) -> str:
    """Return the words for this site's variables, or those for the settings of another project."""
    return variables if conf.S3_VARIABLES else options


def settings_of_live() -> str:
    """Return what names the live site's files."""
    return named("the LIVE_ variables", "LIVE_STORAGES in the settings")


def on_refusal(code: str, subject: str, storage: S3Storage) -> str:
    """Return what to do if S3 has answered with this error code."""
    names = variables(subject)._asdict()
    return HINTS.get(KINDS.get(code), UNKNOWN).format(name=storage.bucket_name, **names)


def on_silence(subject: str, storage: S3Storage) -> str:
    """Return what to do if a bucket does not answer."""
    names = variables(subject)
    name = names.endpoint if storage.endpoint_url else names.region
    return f"Correct {name}, or run this again when {address_of(storage)} answers from here."


def with_hint(error: OSError) -> str:
    """Return an error in one line, with the hint if it is a storage's."""
    if not isinstance(error, StorageError) or error.storage is None:
        return str(error)
    return f"{error}. {on_error(error)}"


def of_database(error: DatabaseError) -> str:
    """Return the first line of a database's error, and what to look at."""
    return f"{str(error).splitlines()[0]}. Is the database the right one, and migrated?"


def on_error(error: StorageError) -> str:
    """Return what to do about an error of a storage's bucket. May ask S3 for its reason."""
    subject = alias_of(error.storage)
    if isinstance(error.__cause__, INCOMPLETE):
        names = variables(subject)
        needed = dict(zip(NEEDED, (names.bucket, names.key, names.secret), strict=True))
        if missing := missing_options(error.storage):
            return f"Set {' and '.join(needed[name] for name in missing)}."
        return f"Correct {names.bucket}: no bucket can have the name {error.storage.bucket_name}."
    if is_answer(error):
        return on_refusal(reason(error), subject, error.storage)
    return on_silence(subject, error.storage)


def reason(error: StorageError) -> str:
    """Return the code of a refusal; empty if S3 has not answered.

    The answer to a HEAD is a bare status, the same for a wrong secret and for a missing permission.
    In that case this requests a listing, whose refusal has a code.
    """
    code = code_of(error)
    if code.isdigit() and KINDS.get(code) is not Kind.NOT_FOUND:
        storage, prefix = error.storage, prefix_of(error.storage)
        client = storage.connection.meta.client
        try:
            with storage_errors("list", prefix):
                client.list_objects_v2(Bucket=storage.bucket_name, Prefix=prefix, MaxKeys=1)
        except StorageError as refused:
            return code_of(refused) or code
    return code


def alias_of(storage: S3Storage) -> str:
    """Return the alias in STORAGES of a storage in this bucket below this prefix, or else ""."""
    for alias, other in made(settings.STORAGES).items():
        if isinstance(other, S3Storage) and (other.bucket_name, prefix_of(other)) == (
            storage.bucket_name,
            prefix_of(storage),
        ):
            return alias
    return ""
