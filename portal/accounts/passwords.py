"""How long a password may be.

A password is never cut off: whoever pastes a longer one is told so. It is refused before it is
hashed, looked up or counted by the throttle.
"""

from allauth.account.fields import PasswordField
from django.conf import settings
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError


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
