"""How long a password may be, and the forms that ask for one.

A password is never cut off: whoever pastes a longer one is told so. It is refused before it is
hashed, looked up or counted by the throttle.
"""

from allauth.account import forms
from allauth.account.fields import PasswordField
from allauth.core import context
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

LONGEST_ADDRESS = 320  # characters, RFC 3696; an e-mail field takes no more


def refuse_long_password(password: str) -> None:
    """Raise ValidationError if a password is longer than MAX_PASSWORD_CHARACTERS."""
    longest = settings.MAX_PASSWORD_CHARACTERS
    if len(password) > longest:
        raise ValidationError(
            f"This password is too long. It may have at most {longest:,} characters.",
            code="password_too_long",
        )


class LengthValidator(MinimumLengthValidator):
    """A password's shortest and longest length, wherever one is chosen (forms, admin, commands)."""

    def validate(self, password, user=None):
        refuse_long_password(password)
        super().validate(password, user)


class BoundedPasswords:
    """A form that refuses a long password in the field where it was typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PasswordField):
                field.validators.append(refuse_long_password)


class LoginForm(BoundedPasswords, forms.LoginForm):
    """allauth's log-in, after which "Forgot your password?" keeps the address that was typed."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        typed = self.data.get("login", "").strip()
        if 0 < len(typed) <= LONGEST_ADDRESS:
            self.fields["password"].help_text = format_html(
                '<a href="{}?{}">Forgot your password?</a>',
                reverse("account_reset_password"),
                urlencode({"email": typed}),
            )


class ResetPasswordForm(forms.ResetPasswordForm):
    """allauth's request for a reset, filled in with the address from the log-in page."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if context.request:
            self.initial.setdefault("email", context.request.GET.get("email", "")[:LONGEST_ADDRESS])


class ReauthenticateForm(BoundedPasswords, forms.ReauthenticateForm):
    """allauth's question for the password before something that matters."""


class ChangePasswordForm(BoundedPasswords, forms.ChangePasswordForm):
    """allauth's change of a password, the present one included."""


class SetPasswordForm(BoundedPasswords, forms.SetPasswordForm):
    """allauth's first password of an account that has none."""


class ResetPasswordKeyForm(BoundedPasswords, forms.ResetPasswordKeyForm):
    """allauth's new password, behind the link of an invitation or a reset."""
