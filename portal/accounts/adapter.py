from ipaddress import ip_address

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.internal.ratelimit import truncate_ip
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth import get_user_model
from django.utils import translation
from django.utils.functional import lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from .email_address import canonical
from .languages import language_of
from .messages import ask_for_confirmation
from .recent import has_just_logged_in
from .site_name import site_name
from .throttle import in_words, longest_wait


def too_many_attempts() -> str:
    """Return the error of a log-in that the throttle refuses."""
    # Translators: %(time)s is such as "1 minute" or "5 minutes".
    words = gettext("Too many failed login attempts. Please wait %(time)s, then try again.")
    return words % {"time": in_words(longest_wait({"login_failed"}))}


TOO_MANY_ATTEMPTS = lazy(too_many_attempts, str)()


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """allauth's adapter, except that only the staff create accounts."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": TOO_MANY_ATTEMPTS,
        "rate_limited": TOO_MANY_ATTEMPTS,
    }

    def is_open_for_signup(self, request):
        return False

    def clean_email(self, email):
        return canonical(email)

    def _get_login_attempts_cache_key(self, request, **credentials):
        """Count failures by address and client, so that nobody can lock out somebody else.

        allauth counts by address alone, so that anybody could keep a member from logging in; and
        by Host with its port, so that a client could start a new count with each invented port.
        An IPv6 client is a network, as in allauth's other limits: it chooses among its addresses.
        """
        return f"{credentials.get('email', '')}:{truncate_ip(self.get_client_ip(request))}"

    def get_client_ip(self, request):
        """Return the client's address, in IPv4 where a socket or proxy for IPv6 has written it so.

        All such addresses (::ffff:203.0.113.7) are of one network, so all clients would be one.
        """
        address = ip_address(super().get_client_ip(request))
        return str(getattr(address, "ipv4_mapped", None) or address)

    def is_safe_url(self, url):
        """Let ?next= lead to paths of this site alone.

        allauth allows whatever ALLOWED_HOSTS matches, and on Heroku that may be .herokuapp.com,
        where anybody can have a site. Unprintable characters would break the header.
        """
        is_path = url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()
        return is_path and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def is_reauthentication_required(self, *, app, **kwargs):
        """Ask for the password, unless it was typed within ACCOUNT_REAUTHENTICATION_TIMEOUT.

        allauth does not count the log-in itself, and would ask somebody who has just logged in.
        """
        return not has_just_logged_in(self.request) and super().is_reauthentication_required(
            app=app, **kwargs
        )

    def format_email_subject(self, subject):
        return f"{site_name()}: {subject}"

    def render_mail(self, template_prefix, email, context, headers=None):
        """Make a message about the account, which is sent even if the account is inactive.

        It is in the recipient's language, whoever has caused it.
        """
        with translation.override(self.language_of_mail(email, context)):
            message = super().render_mail(template_prefix, email, context, headers)
        message.about_account = True
        return message

    def language_of_mail(self, email: str, context: dict) -> str:
        """Return the recipient's choice, or else the language of the page that they are on."""
        user = context.get("user") or get_user_model().objects.filter(email=email).first()
        language = context.get("asked_in", "")
        if self.request and user == getattr(self.request, "user", None):
            language = language or translation.get_language()
        return language_of(user, language)

    def send_confirmation_mail(self, request, emailconfirmation, signup):
        """Ask for the confirmation of an address; the link is made at delivery."""
        ask_for_confirmation(emailconfirmation.email_address, request)


class NamedMFAAdapter(DefaultMFAAdapter):
    """allauth's adapter for second factors; apps and keys list them under the site's name."""

    def get_totp_issuer(self):
        return site_name()

    def _get_site_name(self):
        return site_name()
