"""How environment variables become buckets: the settings that say where files are.

Pure: an Environment in, settings by their names out, errors collected in the Environment. No boto3
and no request, so that any set of variables is tried in no time.
"""

import re
from pathlib import Path

from .bucket_rules import settle_address
from .environment import REFUSED_ADDRESS, Environment
from .s3.addresses import public_address
from .shapes import ROLE_ARN

STYLES = ["virtual", "path"]
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

# Settings, by which variables an add-on calls some of them, and what it puts before public and
# protected prefixes.
Lent = tuple[dict[str, str | None], dict[str, str], tuple[str, str]]


def storage_settings(env: Environment, *, is_development: bool, media_root: Path) -> dict:
    """The settings about files, by their names; CSP_SOURCES are what pages may load and link to."""
    bucket, called, add_on = own_bucket(env)
    prefixes = own_prefixes(env, bucket, *add_on)
    required = {name: bucket[name] for name in REQUIRED}
    optional = [bucket[name] for name in bucket if name not in REQUIRED]
    is_available = all(required.values())
    refuse_half(env, "S3", {called.get(name, name): required[name] for name in required}, optional)
    if bool(bucket["ASSETS_ACCESS_KEY_ID"]) != bool(bucket["ASSETS_SECRET_ACCESS_KEY"]):
        env.refuse(
            "ASSETS_ACCESS_KEY_ID and ASSETS_SECRET_ACCESS_KEY go together: set both or none."
        )
    if is_available:
        storages = bucket_storages(bucket, prefixes)
        addresses = {
            alias: public_address(**storages[alias]["OPTIONS"])
            for alias in ("default", "protected", "assets")
        }
    else:
        storages = storages_without_s3(media_root, is_development=is_development)
        addresses = {}
    return {
        **bucket,
        **prefixes,
        "AWS_AVAILABLE": is_available,
        "S3_REQUIRED": required,
        "STORAGES": storages,
        "MEDIA_URL": addresses.get("default", "/media/"),
        "CSP_SOURCES": {
            alias: [addresses[alias]] if addresses else []
            for alias in ("default", "protected", "assets")
        },
        **live_settings(env, prefixes),
        **batch_settings(env, bucket, prefixes),
    }


def own_bucket(env: Environment) -> Lent:
    """The settings of the site's own buckets.

    The plain names, or else those of an add-on. Add-ons lend part of a bucket of theirs, of which
    only what lies below public/ may be opened to anonymous clients.
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
    if found["AWS_S3_REGION_NAME"]:  # a plain name beats an add-on's
        lent.pop("AWS_S3_REGION_NAME", None)
        called.pop("AWS_S3_REGION_NAME", None)
    found |= lent
    buckets = ("AWS_STORAGE_BUCKET_NAME", "PROTECTED_BUCKET_NAME", "ASSETS_BUCKET_NAME")
    settle_address(env, "AWS_S3", found, buckets, called)
    return found, called, add_on


def bucketeer(env: Environment) -> Lent | None:
    """The bucket of Heroku's add-on Bucketeer, if there is one."""
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
    """The part of a bucket that Heroku's add-on Cloudcube lends, if there is one."""
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
    """Where in the buckets each policy has its files.

    Where sites share a bucket, as review apps may, each has a folder below the prefixes: what opens
    media/* to anonymous clients opens media/site-pr-7/*, too.
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


def refuse_half(env: Environment, what: str, required: dict, optional: list) -> None:
    """Refuse some of the variables without the others."""
    missing = [name for name, value in required.items() if not value]
    if missing and (any(required.values()) or any(optional)):
        env.refuse(
            f"{what} is only partly configured: also set {', '.join(missing)}, or unset them all."
        )


def connection(found: dict, bucket: str, key: str, secret: str, prefix: str) -> dict:
    """The connection options of a storage, of which these are the variables."""
    return {
        "bucket_name": found[bucket],
        "access_key": found[key],
        "secret_key": found[secret],
        "region_name": found[f"{prefix}_REGION_NAME"],
        "endpoint_url": found[f"{prefix}_ENDPOINT_URL"],
        "addressing_style": found[f"{prefix}_ADDRESSING_STYLE"],
    }


def public(place: dict, location: str, domain: str | None = None) -> dict:
    """Public uploads, on the custom domain of their bucket, if there is one."""
    return {
        "BACKEND": "portal.files.storages.PublicMediaStorage",
        "OPTIONS": place | {"location": location, "custom_domain": domain},
    }


def protected(place: dict, location: str, bucket: str | None) -> dict:
    """Protected uploads: in a bucket of their own, if there is one."""
    place = place | {"bucket_name": bucket or place["bucket_name"]}
    return {
        "BACKEND": "portal.files.storages.ProtectedMediaStorage",
        "OPTIONS": place | {"location": location},
    }


def bucket_storages(bucket: dict, prefixes: dict) -> dict:
    """STORAGES on S3: where each policy of portal/files/storages.py has its files."""
    place = connection(bucket, *REQUIRED[:3], "AWS_S3")
    domain, assets_bucket = bucket["AWS_S3_CUSTOM_DOMAIN"], bucket["ASSETS_BUCKET_NAME"]
    assets_place = {
        **place,
        "bucket_name": assets_bucket or place["bucket_name"],
        "access_key": bucket["ASSETS_ACCESS_KEY_ID"] or place["access_key"],
        "secret_key": bucket["ASSETS_SECRET_ACCESS_KEY"] or place["secret_key"],
        # What serves the media bucket knows nothing of another bucket.
        "custom_domain": bucket["ASSETS_CUSTOM_DOMAIN"] or (None if assets_bucket else domain),
    }
    return {
        "default": public(place, prefixes["MEDIA_PREFIX"], domain),
        "protected": protected(
            place, prefixes["PROTECTED_PREFIX"], bucket["PROTECTED_BUCKET_NAME"]
        ),
        "assets": {
            "BACKEND": "portal.files.storages.AssetsStorage",
            "OPTIONS": assets_place | {"location": prefixes["ASSETS_PREFIX"]},
        },
        "staticfiles": {"BACKEND": "portal.files.assets.UploadedStaticFilesStorage"},
    }


def storages_without_s3(media_root: Path, *, is_development: bool) -> dict:
    """STORAGES on a laptop's disk; elsewhere those of a build that comes before its bucket.

    There assets are collected, and nothing is served.
    """
    assets = {"BACKEND": "portal.files.assets.OwnStaticFilesStorage"}
    if not is_development:
        nowhere = {"BACKEND": "portal.files.storages.UnconfiguredStorage"}
        return {"default": nowhere, "protected": nowhere, "staticfiles": assets}
    return {
        "default": {
            "BACKEND": "portal.files.storages.PublicFileStorage",
            "OPTIONS": {"location": media_root / "media", "base_url": "/media/"},
        },
        "protected": {
            "BACKEND": "portal.files.storages.ProtectedFileStorage",
            "OPTIONS": {"location": media_root / "protected"},
        },
        "staticfiles": assets,
    }


def live_settings(env: Environment, prefixes: dict) -> dict:
    """The files of the live site, for a staging copy of it, read with keys that only read."""
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
    optional = [
        found["LIVE_PROTECTED_BUCKET_NAME"],
        found["LIVE_S3_ENDPOINT_URL"],
        found["LIVE_S3_ADDRESSING_STYLE"],
        env.str("LIVE_MEDIA_PREFIX", None),
        env.str("LIVE_PROTECTED_PREFIX", None),
    ]
    refuse_half(env, "The live site's S3", required, optional)
    storages = {}
    if all(required.values()):
        place = connection(found, *LIVE_REQUIRED[:3], "LIVE_S3")
        storages["default"] = public(place, found["LIVE_MEDIA_PREFIX"])
        storages["protected"] = protected(
            place, found["LIVE_PROTECTED_PREFIX"], found["LIVE_PROTECTED_BUCKET_NAME"]
        )
    return {**found, "LIVE_REQUIRED": required, "LIVE_STORAGES": storages}


def batch_settings(env: Environment, bucket: dict, prefixes: dict) -> dict:
    """For copy_live_media --s3-batch: who copies on AWS's side, and where it reports.

    Manifests and reports are in the bucket of protected uploads and name files, so that they must
    not become public.
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
