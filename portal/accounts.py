from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings


class InvitationOnlyAdapter(DefaultAccountAdapter):
    """allauth's behaviour, except that accounts are made by the staff alone."""

    def is_open_for_signup(self, request):
        return False


def send_invitation(user) -> None:
    """E-mail a new member the link with which to set a password, good for PASSWORD_RESET_TIMEOUT.

    It is the link of allauth's password reset: it works once, and an expired one says so.
    """
    adapter = get_adapter()
    token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    key = f"{user_pk_to_url_str(user)}-{token}"
    context = {
        "user": user,
        "site_name": settings.SITE_NAME,
        "days": settings.PASSWORD_RESET_TIMEOUT // (24 * 60 * 60),
        "set_password_url": adapter.get_reset_password_from_key_url(key),
    }
    adapter.send_mail("account/email/invitation", user.email, context)
