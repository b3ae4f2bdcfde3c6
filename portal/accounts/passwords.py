"""Limits to the length of a password.

A password is never truncated. One that is too long is refused, with a message, before it is hashed,
looked up or counted by the throttle.
"""

from allauth.account.fields import PasswordField
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _


def refuse_long_password(password: str) -> None:
    """Raise ValidationError if a password is longer than MAX_PASSWORD_CHARACTERS."""
    longest = settings.MAX_PASSWORD_CHARACTERS
    if len(password) > longest:
        raise ValidationError(
            _("This password is too long. It may have at most %(most)s characters."),
            code="password_too_long",
            params={"most": number_format(longest, force_grouping=True)},
        )


class LengthValidator(MinimumLengthValidator):
    """Limits the length of a password wherever one is chosen (forms, admin, commands)."""

    def validate(self, password, user=None):
        refuse_long_password(password)
        super().validate(password, user)


class BoundedPasswords:
    """Mixin for forms: a password that is too long is an error of its field."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PasswordField):
                field.validators.append(refuse_long_password)
