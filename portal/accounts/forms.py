"""allauth's forms, which accept an address in any form and compare it with verified ones alone."""

from allauth.account import forms as allauth_forms
from allauth.core import context
from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .email_address import MAX_LENGTH
from .fields import AddressFormField
from .messages import ask_for_reset
from .passwords import BoundedPasswords
from .site_address import site_url

EMAIL = _("Email")


def address_field(label=EMAIL, autocomplete="email", **kwargs) -> AddressFormField:
    """Return a field for the site's own pages.

    It is an input for text, with the keyboard for addresses: in one of the type email, browsers
    refuse some pasted addresses before the site can correct them.
    """
    attributes = {
        "inputmode": "email",
        "autocomplete": autocomplete,
        "autocapitalize": "none",
        "spellcheck": "false",
    }
    return AddressFormField(label=label, widget=forms.TextInput(attributes), **kwargs)


class LoginForm(BoundedPasswords, allauth_forms.LoginForm):
    """allauth's log-in; its link "Forgot your password?" has the address that was typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"] = address_field(autocomplete="username")
        typed = self.data.get("login", "").strip()
        if 0 < len(typed) <= MAX_LENGTH:
            self.fields["password"].help_text = format_html(
                '<a href="{}?{}">{}</a>',
                reverse("account_reset_password"),
                urlencode({"email": typed}),
                _("Forgot your password?"),
            )


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    """allauth's request for a reset, which does the same for known and unknown addresses.

    It looks up no account, because the time that takes would reveal who is a member. The address
    from the log-in page is filled in.
    """

    email = address_field()

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if context.request:
            self.initial.setdefault("email", context.request.GET.get("email", "")[:MAX_LENGTH])

    def clean_email(self):
        return self.cleaned_data["email"]

    def save(self, request, **kwargs):
        """Write one message for any address; delivery finds out if an account has the address."""
        email = self.cleaned_data["email"]
        ask_for_reset(email, site_url(request), get_language())
        return email


class ReauthenticateForm(BoundedPasswords, allauth_forms.ReauthenticateForm):
    """allauth's request for the password before an important change."""


class ChangePasswordForm(BoundedPasswords, allauth_forms.ChangePasswordForm):
    """allauth's change of a password, which asks for the present one, too."""


class SetPasswordForm(BoundedPasswords, allauth_forms.SetPasswordForm):
    """allauth's first password of an account that has none."""


class ResetPasswordKeyForm(BoundedPasswords, allauth_forms.ResetPasswordKeyForm):
    """allauth's new password, behind the link of an invitation or a reset."""


class ChangeAddressForm(forms.Form):
    """The address that a member would like to have instead of the present one."""

    email = address_field(
        label=_("New address"),
        help_text=_("We send a link there. Nothing changes until you open it."),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self):
        """Refuse the present address.

        If another account has the new one, only whoever opens the link sent there is told so.
        """
        email = self.cleaned_data["email"]
        if email == self.user.email:
            raise forms.ValidationError(_("This is your address already."))
        return email
