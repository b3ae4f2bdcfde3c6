"""allauth's forms, with addresses taken in all their forms and held against verified ones alone."""

from allauth.account import forms as allauth_forms
from django import forms
from django.contrib.auth import get_user_model

from .fields import AddressFormField


def address_field(label="Email", autocomplete="email", **kwargs) -> AddressFormField:
    """Return a field for the site's own pages.

    Browsers refuse some of what is pasted into an input of the type email before the site can
    mend it, so that it is one for text, with the keyboard for addresses.
    """
    attributes = {
        "inputmode": "email",
        "autocomplete": autocomplete,
        "autocapitalize": "none",
        "spellcheck": "false",
    }
    return AddressFormField(label=label, widget=forms.TextInput(attributes), **kwargs)


class LoginForm(allauth_forms.LoginForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["login"] = address_field(autocomplete="username")
        self.order_fields(["login", "password"])


class ResetPasswordForm(allauth_forms.ResetPasswordForm):
    email = address_field()

    def clean_email(self):
        email = self.cleaned_data["email"]
        self.users = list(get_user_model().objects.filter(email=email, is_active=True))
        return email


class ChangeAddressForm(forms.Form):
    """The address that a member would like to have instead of the present one."""

    email = address_field(
        label="New address", help_text="We send a link there. Nothing changes until you open it."
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self):
        """Refuse the present address; whether others have the new one is not told before a link
        that was sent there is opened."""
        email = self.cleaned_data["email"]
        if email == self.user.email:
            raise forms.ValidationError("This is your address already.")
        return email
