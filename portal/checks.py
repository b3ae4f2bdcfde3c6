"""System checks about hosts and e-mail; those about files are portal/files/checks.py.

Errors keep the site from being released and from serving; warnings are for `check --deploy`.
"""

from django.conf import settings
from django.core import checks
from django.core.checks import Tags, register


@register(Tags.security, deploy=True)
def hosts_are_named(app_configs, **kwargs):
    """Warn if ALLOWED_HOSTS is Heroku's default: links in e-mails need the site's own host."""
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
    """Warn if a live site can send no e-mail: invitations and password resets depend on it."""
    if settings.EMAIL_CONFIGURED or settings.SITE_ENVIRONMENT != "production":
        return []
    return [
        checks.Warning(
            "E-mail is not configured: invitations and resets of passwords wait in the outbox.",
            hint="Set EMAIL_URL (smtp+tls://user:password@host:587) and DEFAULT_FROM_EMAIL.",
            id="portal.W002",
        )
    ]


@register(Tags.security, deploy=True)
def staging_sends_no_mail(app_configs, **kwargs):
    """Warn if a staging site could deliver what waits in the outbox of a copy of live."""
    if settings.SITE_ENVIRONMENT != "staging" or not settings.EMAIL_CONFIGURED:
        return []
    return [
        checks.Warning(
            "This staging site can send e-mail: what waits in a copy of the live database would go"
            " to the members themselves, before the scrub empties the outbox.",
            hint="Unset EMAIL_URL.",
            id="portal.W012",
        )
    ]


@register(deploy=True)
def mail_has_a_sender(app_configs, **kwargs):
    """Warn if the sender is Django's default, which many mail servers refuse."""
    if not settings.EMAIL_CONFIGURED or settings.DEFAULT_FROM_EMAIL != "webmaster@localhost":
        return []
    return [
        checks.Warning(
            "E-mails come from webmaster@localhost, which many servers refuse.",
            hint="Set DEFAULT_FROM_EMAIL to an address of the society's.",
            id="portal.W006",
        )
    ]


@register(Tags.security, deploy=True)
def mail_passwords_travel_over_tls(app_configs, **kwargs):
    """Warn if the log-in at the mail server, and what is sent, could be read on the way."""
    server = settings.OUTBOX_OPTIONS
    if not server.get("username") or server["use_ssl"] or server["use_tls"]:
        return []
    return [
        checks.Warning(
            "EMAIL_URL is smtp:// with a password: it is sent in plain text, and so are the links"
            " in e-mails.",
            hint="Write smtp+tls:// (STARTTLS, mostly on port 587) or smtp+ssl:// (465).",
            id="portal.W010",
        )
    ]


@register(deploy=True)
def mail_ports_fit_their_schemes(app_configs, **kwargs):
    """Warn if the port is that of the other kind of TLS: the server would never answer."""
    server = settings.OUTBOX_OPTIONS
    expected = {465: True, 587: False, 25: False}.get(server.get("port"))
    if expected is None or server["use_ssl"] == expected:
        return []
    return [
        checks.Warning(
            f"EMAIL_URL has the port {server['port']} and the TLS of another: most servers do not"
            " answer then.",
            hint="Write smtp+ssl://...:465 (TLS from the start) or smtp+tls://...:587 (STARTTLS).",
            id="portal.W011",
        )
    ]
