"""System checks about files: what a deployer can get wrong, and what to do about it.

Errors keep the site from being released and from serving; warnings are for `check --deploy`.
"""

from django.conf import settings
from django.core import checks
from django.core.checks import Error, Tags, register
from storages.backends.s3 import S3Storage

from portal.s3.addresses import AWS_HOST, prefix_of

from . import conf
from .hints import alias_of, named
from .locations import may_share_files
from .policies import (
    in_buckets_as_they_are,
    is_protected,
    is_public,
    missing_options,
    options_not_heeded,
)
from .references import field_label, file_fields
from .static_files import assets_on_disk, uploaded_static_files
from .storages import PolicyMixin, ProtectedMediaStorage, custom_domain


@register("files")
def uploads_have_a_storage(app_configs, **kwargs):
    """Check that uploads have a storage: a dyno's disk is lost with the dyno."""
    if conf.AWS_AVAILABLE or conf.SITE_ENVIRONMENT == "development":
        return []
    return [
        Error(
            "S3 is not configured, so uploads would have nowhere to go.",
            hint=f"Set {', '.join(conf.S3_REQUIRED)}{named('; .env.example explains them', '')}.",
            id="portal.E001",
        )
    ]


@register("files")
def buckets_have_keys(app_configs, **kwargs):
    """Warn of storages for which no command of this site works; those of Django's own may."""
    both = {"STORAGES": settings.STORAGES, "LIVE_STORAGES": conf.LIVE_STORAGES}
    found = {
        f'{setting}["{alias}"]': storage
        for setting, aliases in both.items()
        for alias, storage in in_buckets_as_they_are(aliases).items()
    }
    return [
        checks.Warning(
            f"{name} has no {' and no '.join(missing)}.",
            hint="Name them in its OPTIONS. check_storage, setup_bucket and what copies files sign"
            " requests themselves, and cannot use a profile or a role.",
            id="portal.W007",
        )
        for name, storage in found.items()
        if (missing := missing_options(storage))
    ] + [
        checks.Warning(
            f"{name} has {' and '.join(others)}.",
            hint="check_storage, setup_bucket and what copies files send requests themselves, and"
            " use no session token, no proxy and no other certificates.",
            id="portal.W008",
        )
        for name, storage in found.items()
        if (others := options_not_heeded(storage))
    ]


@register("files")
def storages_of_fields_have_aliases(app_configs, **kwargs):
    """Warn of fields whose bucket is proved and configured by no command, which go by aliases."""
    return [
        checks.Warning(
            f"{field_label(model, field)} keeps files in a storage that STORAGES does not name.",
            hint="Name it there, and have the field take it from Django's storages:"
            " setup_bucket and check_storage pass over all others.",
            id="portal.W009",
        )
        for model, field in file_fields()
        if isinstance(field.storage, S3Storage) and not alias_of(field.storage)
    ]


@register("files")
def protected_links_are_signed(app_configs, **kwargs):
    """Check that no protected storage has a custom domain, which needs no signature."""
    return [
        Error(
            f'The storage "{alias}" is protected and has a custom domain, which switches signing'
            " off.",
            hint=f'Take custom_domain out of STORAGES["{alias}"] and set no such option.',
            id="portal.E002",
        )
        for alias, storage in in_buckets_as_they_are(settings.STORAGES).items()
        if isinstance(storage, ProtectedMediaStorage) and storage.custom_domain
    ]


@register("files")
def policies_have_prefixes(app_configs, **kwargs):
    """Check that each storage has a prefix: without one, its policy is for the whole bucket.

    A protected storage of a stock class may have a bucket to itself, as many projects have it.
    """
    return [
        Error(
            f'The storage "{alias}" has no prefix, so that its policy is one for a whole bucket.',
            hint=f'Name one as location in the OPTIONS of STORAGES["{alias}"]; or, if nothing else'
            " ever is in that bucket, add portal.E003 to SILENCED_SYSTEM_CHECKS.",
            id="portal.E003",
        )
        for alias, storage in in_buckets_as_they_are(settings.STORAGES).items()
        if (is_public(storage) or isinstance(storage, PolicyMixin)) and not prefix_of(storage)
    ]


@register("files")
def prefixes_are_no_patterns(app_configs, **kwargs):
    """Check that no prefix has what policies take for other characters: * and ? and ${."""
    return [
        Error(
            f'The location of STORAGES["{alias}"], {storage.location}, is a pattern in the policy'
            " of a bucket, which would be one for other files as well.",
            hint="Rename it: policies match other characters by *, by ? and by ${.",
            id="portal.E006",
        )
        for alias, storage in in_buckets_as_they_are(settings.STORAGES).items()
        if any(pattern in storage.location for pattern in ("*", "?", "${"))
    ]


@register("files")
def public_and_protected_files_are_apart(app_configs, **kwargs):
    """Check that no protected files are below a public prefix, where they would be public."""
    inside = in_buckets_as_they_are(settings.STORAGES)
    return [
        Error(
            f'The storage "{alias}" keeps protected files where "{public}" opens them to everyone.',
            hint=f'Change location or bucket_name in the OPTIONS of STORAGES["{alias}"], so that'
            " neither prefix lies within the other.",
            id="portal.E004",
        )
        for alias, storage in inside.items()
        for public, other in inside.items()
        if is_protected(storage) and is_public(other) and may_share_files(storage, other)
    ]


@register(Tags.security, deploy=True)
def cdns_serve_no_protected_files(app_configs, **kwargs):
    """Warn of a CDN that can read a bucket with protected files: it needs no signature."""
    inside = in_buckets_as_they_are(settings.STORAGES).values()
    protected = {storage.bucket_name for storage in inside if is_protected(storage)}
    domains = {
        custom_domain(storage)
        for storage in inside
        if is_public(storage) and storage.bucket_name in protected
        # Stock classes may name S3's own host so, to have links without a signature.
        if not AWS_HOST.fullmatch(storage.custom_domain or "")
    }
    return [
        checks.Warning(
            f"{domain} stands before a bucket in which protected files are.",
            hint="Let it serve the public prefixes alone, which check_storage proves, or set"
            f" {named('PROTECTED_BUCKET_NAME', 'another bucket_name in the OPTIONS of one')}.",
            id="portal.W004",
        )
        for domain in sorted(domains - {""})
    ]


@register(Tags.security, deploy=True)
def files_travel_over_tls(app_configs, **kwargs):
    """Warn of an endpoint without TLS: whoever intercepts a signed link can open the file."""
    if conf.SITE_ENVIRONMENT == "development":
        return []
    endpoints = {"AWS_S3_ENDPOINT_URL": conf.AWS_S3_ENDPOINT_URL} | {
        f'endpoint_url of STORAGES["{alias}"]': storage.endpoint_url
        for alias, storage in in_buckets_as_they_are(settings.STORAGES).items()
        if storage.endpoint_url != conf.AWS_S3_ENDPOINT_URL
    }
    return [
        checks.Warning(
            f"{name} starts with http://: links can be read, and used, on their way.",
            hint="Set it to an address that starts with https://.",
            id="portal.W005",
        )
        for name, endpoint in endpoints.items()
        if (endpoint or "").startswith("http://")
    ]


@register(deploy=True)
def assets_are_collected(app_configs, **kwargs):
    """Check that this build has a manifest, without which no page finds the assets that it names.

    In development names need not be hashed, and there need be no build.
    """
    storage = assets_on_disk()
    if not storage or settings.DEBUG or not storage.manifest_strict or storage.hashed_files:
        return []
    return [
        Error(
            f"There is no manifest of the assets in {storage.location}, so that each page that"
            " names one would be an error.",
            hint="Have the build run collectstatic, before the release (on Heroku: unset"
            " DISABLE_COLLECTSTATIC, and push a commit).",
            id="portal.E005",
        )
    ]


@register(deploy=True)
def assets_are_in_their_bucket(app_configs, **kwargs):
    """Warn if the site serves its assets itself, as a build from before the bucket does."""
    storage = uploaded_static_files()
    if storage is None or not storage.hashed_files or storage.is_uploaded():
        return []
    return [
        checks.Warning(
            "This build's assets were not uploaded to the bucket; the site serves them itself.",
            hint="Build again now that the bucket is configured (on Heroku: push a commit), or"
            " leave it so: docs/deploying.md, Whose assets.",
            id="portal.W003",
        )
    ]
