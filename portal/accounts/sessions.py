"""Sessions in the database, as Django keeps them, with a shorter way to read one."""

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import VALID_KEY_CHARS, CreateError
from django.db import connection
from django.utils import timezone
from django.utils.crypto import salted_hmac


class SessionStore(db.SessionStore):
    """Django's own store, which reads a session by plain SQL, and changes a key when it is saved.

    Each page of a member reads one. Building the query in the ORM takes four times as long as
    asking it.
    """

    changes_key = False

    def cycle_key(self):
        """Take another key when the session is saved, which its browser is then told.

        Django takes it at once. Under a new SECRET_KEY that ends each session which is only looked
        at, as in a member's list of sessions.
        """
        self.changes_key = self.modified = True

    def save(self, must_create=False):
        if not self.changes_key:
            super().save(must_create)
            return
        self.changes_key = False
        former = self.session_key
        verified = self.get(HASH_SESSION_KEY)  # while it still has the key that it is found by
        if not former:
            self.create()
            return
        self._session_key = next_key(former, verified)
        try:
            super().save(must_create=True)
        except CreateError:  # another request of the browser's was faster
            super().save()
        self.delete(former)
        # Or the member could not see or end it, and nor could the staff.
        UserSession.objects.filter(session_key=former).update(session_key=self.session_key)

    def _validate_session_key(self, key):
        """Return True for what can be a key: a cookie may hold NUL, which PostgreSQL refuses."""
        return super()._validate_session_key(key) and set(key) <= set(VALID_KEY_CHARS)

    def load(self):
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT session_data FROM django_session"
                " WHERE session_key = %s AND expire_date > %s",
                [self.session_key, now],
            )
            found = cursor.fetchone()
        if not found:
            self._session_key = None
            return {}
        return self.decode(found[0])


def next_key(former: str, verified: str | None) -> str:
    """Return the key that follows a session's, which only the site can tell.

    All requests that a browser sends at once, as for the tabs that it restores, have the same. Who
    logs in as somebody else, or with another password, has another: `verified` differs.
    """
    parts = f"{former}:{verified}"
    return salted_hmac("portal.accounts.sessions", parts, algorithm="sha256").hexdigest()[:32]
