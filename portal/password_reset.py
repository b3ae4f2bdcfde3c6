"""Asking for a new password, which does the same for addresses known and unknown."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm

from .account_messages import ask_for_reset, site_url


class ResetPasswordForm(AllauthResetPasswordForm):
    """allauth's form, which looks nobody up: how long it takes would tell who is a member."""

    def clean_email(self) -> str:
        return get_adapter().clean_email(self.cleaned_data["email"].lower())

    def save(self, request, **kwargs) -> str:
        """Write one message, whoever asks; at delivery it goes to the owner of the address."""
        email = self.cleaned_data["email"]
        ask_for_reset(email, site_url(request))
        return email
