"""The settings about files, made of environment variables: buckets, prefixes and keys.

Pure: an Environment in, settings by their names out, errors collected in the Environment. It uses
no boto3 and makes no request, so that tests can try many sets of variables.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from .bucket_rules import assets_are_with_site, settle_address
from .environment import REFUSED_ADDRESS, Environment
from .s3.addresses import public_address
from .shapes import ROLE_ARN

STYLES = ["virtual", "path"]
OWN_ASSETS = {"BACKEND": "portal.files.assets.OwnStaticFilesStorage"}
# All of S3 or none of it: bucket, key, secret, region.
REQUIRED = (
    "AWS_STORAGE_BUCKET_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_S3_REGION_NAME",
)  # fmt: skip
BUCKETEER = (
    "BUCKETEER_BUCKET_NAME", "BUCKETEER_AWS_ACCESS_KEY_ID", "BUCKETEER_AWS_SECRET_ACCESS_KEY",
    "BUCKETEER_AWS_REGION",
)  # fmt: skip
CLOUDCUBE = ("CLOUDCUBE_URL", "CLOUDCUBE_ACCESS_KEY_ID", "CLOUDCUBE_SECRET_ACCESS_KEY")
LIVE_REQUIRED = (
    "LIVE_STORAGE_BUCKET_NAME", "LIVE_READ_ONLY_ACCESS_KEY_ID", "LIVE_READ_ONLY_SECRET_KEY",
    "LIVE_S3_REGION_NAME",
)  # fmt: skip

# Settings; the names of an add-on's variables for them; and what goes before the public and the
# protected prefixes in the add-on's bucket.
Lent = tuple[dict[str, str | None], dict[str, str], tuple[str, str]]


def storage_settings(env: Environment, *, is_development: bool, media_root: Path) -> dict:
    """Return the settings about files by name; CSP_SOURCES is what pages may load and link to."""
    bucket, called, add_on = own_bucket(env)
    prefixes = own_prefixes(env, bucket, *add_on)
    required = {name: bucket[name] for name in REQUIRED}
    is_available = all(required.values())
    asked_for = {called.get(name, name): required[name] for name in required}
    refuse_part(env, "S3", asked_for, bucket.values())
    if bool(bucket["ASSETS_ACCESS_KEY_ID"]) != bool(bucket["ASSETS_SECRET_ACCESS_KEY"]):
        env.refuse(
            "ASSETS_ACCESS_KEY_ID and ASSETS_SECRET_ACCESS_KEY go together: set both or none."
        )
    are_with_site = assets_are_with_site(env, bucket)
    storages = storages_without_s3(media_root, is_development=is_development)
    addresses = {}
    if is_available:
        storages = bucket_storages(bucket, prefixes, are_with_site=are_with_site)
        options = {alias: each.get("OPTIONS") for alias, each in storages.items()}
        addresses = {alias: public_address(**each) for alias, each in options.items() if each}
    live, live_required, live_storages = live_settings(env, prefixes)
    return {
        "S3_VARIABLES": bucket | prefixes | live | batch_variables(env, bucket, prefixes),
        "AWS_AVAILABLE": is_available,
        "S3_REQUIRED": required,
        "STORAGES": storages,
        "MEDIA_URL": addresses.get("default", "/media/"),
        "CSP_SOURCES": {
            alias: [addresses[alias]] if alias in addresses else []
            for alias in ("default", "protected", "assets")
        },
        "LIVE_REQUIRED": live_required,
        "LIVE_STORAGES": live_storages,
    }


def own_bucket(env: Environment) -> Lent:
    """Return the settings of the site's own buckets.

    They come from the plain variables, or else from those of an add-on. An add-on lends a part of
    its own bucket, of which only public/ can be opened to anonymous clients.
    """
    found = {
        "AWS_STORAGE_BUCKET_NAME": env.bucket("AWS_STORAGE_BUCKET_NAME"),
        "AWS_ACCESS_KEY_ID": env.key_id("AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": env.secret("AWS_SECRET_ACCESS_KEY"),
        "AWS_S3_REGION_NAME": env.region("AWS_S3_REGION_NAME"),
        "AWS_S3_ENDPOINT_URL": env.web_address("AWS_S3_ENDPOINT_URL"),
        "AWS_S3_ADDRESSING_STYLE": env.choice("AWS_S3_ADDRESSING_STYLE", STYLES, None),
        "AWS_S3_CUSTOM_DOMAIN": env.host("AWS_S3_CUSTOM_DOMAIN"),
        "PROTECTED_BUCKET_NAME": env.bucket("PROTECTED_BUCKET_NAME"),
        "ASSETS_BUCKET_NAME": env.bucket("ASSETS_BUCKET_NAME"),
        "ASSETS_ACCESS_KEY_ID": env.key_id("ASSETS_ACCESS_KEY_ID"),
        "ASSETS_SECRET_ACCESS_KEY": env.secret("ASSETS_SECRET_ACCESS_KEY"),
        "ASSETS_CUSTOM_DOMAIN": env.host("ASSETS_CUSTOM_DOMAIN"),
    }
    lent, called, add_on = {}, {}, ("", "")
    if not any(found[name] for name in REQUIRED[:3]):
        lent, called, add_on = bucketeer(env) or cloudcube(env) or (lent, called, add_on)
    if found["AWS_S3_REGION_NAME"]:  # a plain variable takes precedence over an add-on's
        lent.pop("AWS_S3_REGION_NAME", None)
        called.pop("AWS_S3_REGION_NAME", None)
    found |= lent
    buckets = ("AWS_STORAGE_BUCKET_NAME", "PROTECTED_BUCKET_NAME", "ASSETS_BUCKET_NAME")
    settle_address(env, "AWS_S3", found, buckets, called)
    return found, called, add_on


def bucketeer(env: Environment) -> Lent | None:
    """Return the bucket of Heroku's add-on Bucketeer, if there is one."""
    bucket = env.bucket("BUCKETEER_BUCKET_NAME")
    if not bucket:
        return None
    lent = {
        "AWS_STORAGE_BUCKET_NAME": bucket,
        "AWS_ACCESS_KEY_ID": env.key_id("BUCKETEER_AWS_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": env.secret("BUCKETEER_AWS_SECRET_ACCESS_KEY"),
        "AWS_S3_REGION_NAME": env.region("BUCKETEER_AWS_REGION"),
    }
    called = dict(zip(REQUIRED, BUCKETEER, strict=True))
    return lent, called, ("public/", "")


def cloudcube(env: Environment) -> Lent | None:
    """Return the part of a bucket that Heroku's add-on Cloudcube lends, if there is one."""
    cube = env.web_address("CLOUDCUBE_URL")
    if not cube:
        return None
    # https://cloud-cube-eu.s3.amazonaws.com/name-of-the-cube
    found = re.fullmatch(r"https://([a-z0-9-]+)\.s3[a-z0-9.-]*\.amazonaws\.com/([\w-]+)", cube)
    if not found and cube != REFUSED_ADDRESS:
        env.refuse("CLOUDCUBE_URL must be as Cloudcube sets it: https://bucket.s3.../name-of-cube")
    bucket, name = found.groups() if found else ("refused", "refused")
    lent = {
        "AWS_STORAGE_BUCKET_NAME": bucket,
        "AWS_ACCESS_KEY_ID": env.key_id("CLOUDCUBE_ACCESS_KEY_ID"),
        "AWS_SECRET_ACCESS_KEY": env.secret("CLOUDCUBE_SECRET_ACCESS_KEY"),
        "AWS_S3_REGION_NAME": "eu-west-1" if "-eu" in bucket else "us-east-1",
    }
    called = dict(zip(REQUIRED, CLOUDCUBE, strict=False))
    return lent, called, (f"{name}/public/", f"{name}/")


def own_prefixes(env: Environment, bucket: dict, public_part: str, private_part: str) -> dict:
    """Return the prefix of each policy's files.

    If sites share a bucket, as review apps may, each has a folder below the prefixes: a statement
    that opens media/* to anonymous clients opens media/site-pr-7/*, too.
    """
    folder = env.folder("FILES_FOLDER")
    found = {
        "MEDIA_PREFIX": env.prefix("MEDIA_PREFIX", f"{public_part}media") + folder,
        "ASSETS_PREFIX": env.prefix("ASSETS_PREFIX", f"{public_part}assets") + folder,
        "PROTECTED_PREFIX": env.prefix("PROTECTED_PREFIX", f"{private_part}protected") + folder,
    }
    media = bucket["AWS_STORAGE_BUCKET_NAME"]
    env.refuse_overlap(
        (media, found["MEDIA_PREFIX"], "MEDIA_PREFIX"),
        (bucket["ASSETS_BUCKET_NAME"] or media, found["ASSETS_PREFIX"], "ASSETS_PREFIX"),
        (bucket["PROTECTED_BUCKET_NAME"] or media, found["PROTECTED_PREFIX"], "PROTECTED_PREFIX"),
    )
    return {"FILES_FOLDER": folder, **found}


def refuse_part(env: Environment, what: str, required: dict, given: Iterable) -> None:
    """Refuse a group of variables of which only some are set; `given` are the values of all."""
    missing = [name for name, value in required.items() if not value]
    if missing and any(given):
        env.refuse(
            f"{what} is only partly configured: also set {', '.join(missing)}, or unset them all."
        )


def connection(found: dict, bucket: str, key: str, secret: str, prefix: str) -> dict:
    """Return the connection options of a storage, which are in these variables."""
    return {
        "bucket_name": found[bucket],
        "access_key": found[key],
        "secret_key": found[secret],
        "region_name": found[f"{prefix}_REGION_NAME"],
        "endpoint_url": found[f"{prefix}_ENDPOINT_URL"],
        "addressing_style": found[f"{prefix}_ADDRESSING_STYLE"],
    }


def public(options: dict, location: str, domain: str | None = None) -> dict:
    """Return a storage of public uploads, on the custom domain of its bucket, if it has one."""
    return {
        "BACKEND": "portal.files.storages.PublicMediaStorage",
        "OPTIONS": options | {"location": location, "custom_domain": domain},
    }


def protected(options: dict, location: str, bucket: str | None) -> dict:
    """Return a storage of protected uploads, in a bucket of their own, if they have one."""
    options = options | {"bucket_name": bucket or options["bucket_name"]}
    return {
        "BACKEND": "portal.files.storages.ProtectedMediaStorage",
        "OPTIONS": options | {"location": location},
    }


def bucket_storages(bucket: dict, prefixes: dict, *, are_with_site: bool) -> dict:
    """Return STORAGES on S3: a storage for each policy of portal/files/storages.py."""
    options = connection(bucket, *REQUIRED[:3], "AWS_S3")
    domain, assets_bucket = bucket["AWS_S3_CUSTOM_DOMAIN"], bucket["ASSETS_BUCKET_NAME"]
    assets_options = {
        **options,
        "bucket_name": assets_bucket or options["bucket_name"],
        "access_key": bucket["ASSETS_ACCESS_KEY_ID"] or options["access_key"],
        "secret_key": bucket["ASSETS_SECRET_ACCESS_KEY"] or options["secret_key"],
        # The custom domain of the media bucket does not serve another bucket.
        "custom_domain": bucket["ASSETS_CUSTOM_DOMAIN"] or (None if assets_bucket else domain),
    }
    resumes = protected(options, prefixes["PROTECTED_PREFIX"], bucket["PROTECTED_BUCKET_NAME"])
    uploads = {"default": public(options, prefixes["MEDIA_PREFIX"], domain), "protected": resumes}
    if are_with_site:
        return uploads | {"staticfiles": OWN_ASSETS}
    assets = {
        "BACKEND": "portal.files.storages.AssetsStorage",
        "OPTIONS": assets_options | {"location": prefixes["ASSETS_PREFIX"]},
    }
    return uploads | {
        "assets": assets,
        "staticfiles": {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"},
    }


def storages_without_s3(media_root: Path, *, is_development: bool) -> dict:
    """Return STORAGES without S3: on disk in development, elsewhere none but that of the assets.

    Elsewhere this is a build from before the bucket: it collects assets and serves nothing.
    """
    if not is_development:
        unconfigured = {"BACKEND": "portal.files.storages.UnconfiguredStorage"}
        return {"default": unconfigured, "protected": unconfigured, "staticfiles": OWN_ASSETS}
    return {
        "default": {
            "BACKEND": "portal.files.storages.PublicFileStorage",
            "OPTIONS": {"location": media_root / "media", "base_url": "/media/"},
        },
        "protected": {
            "BACKEND": "portal.files.storages.ProtectedFileStorage",
            "OPTIONS": {"location": media_root / "protected"},
        },
        "staticfiles": OWN_ASSETS,
    }


def live_settings(env: Environment, prefixes: dict) -> tuple[dict, dict, dict]:
    """Return the variables of the live site's files, those that are required, and the storages."""
    folder = prefixes["FILES_FOLDER"]
    found = {
        "LIVE_STORAGE_BUCKET_NAME": env.bucket("LIVE_STORAGE_BUCKET_NAME"),
        "LIVE_PROTECTED_BUCKET_NAME": env.bucket("LIVE_PROTECTED_BUCKET_NAME"),
        "LIVE_READ_ONLY_ACCESS_KEY_ID": env.key_id("LIVE_READ_ONLY_ACCESS_KEY_ID"),
        "LIVE_READ_ONLY_SECRET_KEY": env.secret("LIVE_READ_ONLY_SECRET_KEY"),
        "LIVE_S3_REGION_NAME": env.region("LIVE_S3_REGION_NAME"),
        "LIVE_S3_ENDPOINT_URL": env.web_address("LIVE_S3_ENDPOINT_URL"),
        "LIVE_S3_ADDRESSING_STYLE": env.choice("LIVE_S3_ADDRESSING_STYLE", STYLES, None),
        "LIVE_MEDIA_PREFIX": env.prefix(
            "LIVE_MEDIA_PREFIX", prefixes["MEDIA_PREFIX"].removesuffix(folder)
        ),
        "LIVE_PROTECTED_PREFIX": env.prefix(
            "LIVE_PROTECTED_PREFIX", prefixes["PROTECTED_PREFIX"].removesuffix(folder)
        ),
    }
    buckets = ("LIVE_STORAGE_BUCKET_NAME", "LIVE_PROTECTED_BUCKET_NAME")
    settle_address(env, "LIVE_S3", found, buckets, {})
    required = {name: found[name] for name in LIVE_REQUIRED}
    given = [
        *required.values(),
        found["LIVE_PROTECTED_BUCKET_NAME"],
        found["LIVE_S3_ADDRESSING_STYLE"],
        env.value("LIVE_MEDIA_PREFIX"),
        env.value("LIVE_PROTECTED_PREFIX"),
    ]
    refuse_part(env, "The live site's S3", required, given)
    storages = {}
    if all(required.values()):
        options = connection(found, *LIVE_REQUIRED[:3], "LIVE_S3")
        storages["default"] = public(options, found["LIVE_MEDIA_PREFIX"])
        storages["protected"] = protected(
            options, found["LIVE_PROTECTED_PREFIX"], found["LIVE_PROTECTED_BUCKET_NAME"]
        )
    return found, required, storages


def batch_variables(env: Environment, bucket: dict, prefixes: dict) -> dict:
    """Return the variables of copy_live_media --s3-batch: the role that copies, and its reports.

    Manifests and reports name files, and are in the bucket of protected uploads: their prefix must
    not be public.
    """
    reports = env.prefix("BATCH_REPORT_PREFIX", f"{prefixes['PROTECTED_PREFIX']}/batch")
    media = bucket["AWS_STORAGE_BUCKET_NAME"]
    for public in (
        (media, prefixes["MEDIA_PREFIX"], "MEDIA_PREFIX"),
        (bucket["ASSETS_BUCKET_NAME"] or media, prefixes["ASSETS_PREFIX"], "ASSETS_PREFIX"),
    ):
        env.refuse_overlap(
            public, (bucket["PROTECTED_BUCKET_NAME"] or media, reports, "BATCH_REPORT_PREFIX")
        )
    role = env.shaped("BATCH_ROLE_ARN", ROLE_ARN, "a role: arn:aws:iam::123456789012:role/name.")
    return {"BATCH_ROLE_ARN": role, "BATCH_REPORT_PREFIX": reports}
