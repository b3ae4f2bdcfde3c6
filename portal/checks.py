"""System checks: what a deployer can get wrong, and what to do about it.

Errors keep the site from being released and from serving; warnings are for `check --deploy`.
"""

from django.conf import settings
from django.core import checks
from django.core.checks import Error, Tags, register
from django.core.files.storage import storages


@register("files")
def files_have_a_home(app_configs, **kwargs):
    """Uploads must not land on a disk that vanishes with the dyno."""
    if settings.AWS_AVAILABLE or settings.SITE_ENVIRONMENT == "development":
        return []
    return [
        Error(
            "S3 is not configured, so uploads would have nowhere to go.",
            hint=f"Set {', '.join(settings.S3_REQUIRED)}; .env.example explains them.",
            id="portal.E001",
        )
    ]


@register("files")
def protected_links_are_signed(app_configs, **kwargs):
    """A custom domain would serve protected files without asking for a signature."""
    if getattr(storages["protected"], "custom_domain", None):
        return [
            Error(
                "The protected storage has a custom domain, which switches signing off.",
                hint='Take custom_domain out of STORAGES["protected"] and set no such option.',
                id="portal.E002",
            )
        ]
    return []


@register("files")
def policies_have_prefixes(app_configs, **kwargs):
    """A bucket policy opens what is below a prefix; without one, that is the whole bucket."""
    return [
        Error(
            f'The storage "{alias}" has no prefix, so that its policy is one for a whole bucket.',
            hint=f'Name one as location in the OPTIONS of STORAGES["{alias}"].',
            id="portal.E003",
        )
        for alias in settings.STORAGES
        if getattr(storages[alias], "location", None) == ""
    ]


@register(Tags.security, deploy=True)
def cdns_are_no_way_around(app_configs, **kwargs):
    """A CDN that may read the whole bucket hands out protected files without a signature."""
    options = {alias: place.get("OPTIONS", {}) for alias, place in settings.STORAGES.items()}
    bucket = options["protected"].get("bucket_name")
    domains = {
        options[alias]["custom_domain"]
        for alias in ("default", "assets")
        if bucket and options.get(alias, {}).get("bucket_name") == bucket
    } - {None}
    return [
        checks.Warning(
            f"{domain} stands before the bucket in which protected files are.",
            hint="Let it serve the public prefixes alone, which check_storage proves, or set"
            " PROTECTED_BUCKET_NAME.",
            id="portal.W004",
        )
        for domain in sorted(domains)
    ]


@register(Tags.security, deploy=True)
def files_travel_over_tls(app_configs, **kwargs):
    """A signed link that is read on its way opens the file for whoever has read it."""
    endpoint = settings.AWS_S3_ENDPOINT_URL or ""
    if settings.SITE_ENVIRONMENT == "development" or not endpoint.startswith("http://"):
        return []
    return [
        checks.Warning(
            "AWS_S3_ENDPOINT_URL starts with http://: links can be read, and used, on their way.",
            hint="Set it to an address that starts with https://.",
            id="portal.W005",
        )
    ]


@register(Tags.security, deploy=True)
def hosts_are_named(app_configs, **kwargs):
    """On Heroku the site comes up under its default host; links in mails need the real one."""
    if any(host.strip(".") == "herokuapp.com" for host in settings.ALLOWED_HOSTS):
        return [
            checks.Warning(
                "ALLOWED_HOSTS is Heroku's default, any host below herokuapp.com.",
                hint="Set ALLOWED_HOSTS to the site's own hosts, separated by commas.",
                id="portal.W001",
            )
        ]
    return []


@register(deploy=True)
def mail_can_be_sent(app_configs, **kwargs):
    """Invitations and forgotten passwords go by e-mail."""
    if settings.EMAIL_CONFIGURED or settings.SITE_ENVIRONMENT == "development":
        return []
    return [
        checks.Warning(
            "E-mail is not configured: invitations and resets of passwords wait in the outbox.",
            hint="Set EMAIL_URL (smtp+tls://user:password@host:587) and DEFAULT_FROM_EMAIL.",
            id="portal.W002",
        )
    ]


@register(deploy=True)
def mail_has_a_sender(app_configs, **kwargs):
    """Django's default sender is nobody's, and refused by many servers."""
    if not settings.EMAIL_CONFIGURED or settings.DEFAULT_FROM_EMAIL != "webmaster@localhost":
        return []
    return [
        checks.Warning(
            "Mails come from webmaster@localhost, which many servers refuse.",
            hint="Set DEFAULT_FROM_EMAIL to an address of the society's.",
            id="portal.W006",
        )
    ]


@register(deploy=True)
def assets_are_in_their_bucket(app_configs, **kwargs):
    """A build that was made before its bucket was configured serves its assets by itself."""
    storage = storages["staticfiles"]
    if not settings.AWS_AVAILABLE or not storage.hashed_files or storage.is_uploaded():
        return []
    return [
        checks.Warning(
            "This build's assets were not uploaded to the bucket; the site serves them itself.",
            hint="Build again now that the bucket is configured (on Heroku: push a commit), or"
            " leave it so: docs/deploying.md, Whose assets.",
            id="portal.W003",
        )
    ]
