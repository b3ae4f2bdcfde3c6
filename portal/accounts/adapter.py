from urllib.parse import quote

from allauth.account.adapter import DefaultAccountAdapter
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from .email_address import canonical
from .site_address import site_url
from .throttle import in_words, longest_wait

TOO_MANY_ATTEMPTS = (
    "Too many failed login attempts. "
    f"Please wait {in_words(longest_wait({'login_failed'}))}, then try again."
)


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """allauth's behaviour, except that accounts are made by the staff alone."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "too_many_login_attempts": TOO_MANY_ATTEMPTS,
        "rate_limited": TOO_MANY_ATTEMPTS,
    }

    def is_open_for_signup(self, request):
        return False

    def clean_email(self, email):
        return canonical(email)

    def _get_login_attempts_cache_key(self, request, **credentials):
        """Count failures by address and client: whoever fails on purpose locks out nobody else.

        allauth counts by address alone, so that anybody could keep a member from logging in; and
        by Host, with its port, so that a client that invents ports would begin anew with each.
        """
        return f"{credentials.get('email', '').lower()}:{self.get_client_ip(request)}"

    def get_reset_password_from_key_url(self, key):
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return site_url(self.request) + path.replace("UID-KEY", quote(key))

    def get_email_confirmation_url(self, request, emailconfirmation):
        return site_url(request) + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_account_already_exists_mail(self, email):
        context = {
            "signup_url": site_url(self.request) + reverse("account_signup"),
            "password_reset_url": site_url(self.request) + reverse("account_reset_password"),
        }
        self.send_mail("account/email/account_already_exists", email, context)

    def is_safe_url(self, url):
        """Let ?next= lead to paths of this site alone.

        allauth would let it lead to whatever ALLOWED_HOSTS matches, and on Heroku that may be
        .herokuapp.com, where anybody can have a site. What is not printable breaks the header.
        """
        is_path = url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable()
        return is_path and url_has_allowed_host_and_scheme(url, allowed_hosts=None)
