from functools import cache

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import get_user_model
from django.db import connection


class AddressBackend(AuthenticationBackend):
    """Logs people in by their verified address alone.

    allauth also accepts one that waits for confirmation, which may be somebody else's.
    """

    def get_user(self, user_id):
        """Read the user of a request; to build the SQL each time would take longer than that."""
        users = get_user_model()._default_manager.raw(select_user(connection.vendor), [user_id])
        user = next(iter(users), None)
        return user if user and self.user_can_authenticate(user) else None

    def _authenticate_by_email(self, email, password):
        user = get_user_model().objects.filter(email=email).first()
        return self._check_password(user, password)


@cache
def select_user(vendor: str) -> str:
    """Return the SQL that reads a user by the primary key."""
    return get_user_model()._default_manager.filter(pk=0).query.sql_with_params()[0]
