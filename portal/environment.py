"""Reading the environment: typed, an empty variable counts as absent, all errors at once.

Error messages name variables and never hold their values, which may be secrets.
"""

import os
import re
from itertools import combinations
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvValidationError

PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")

SQLITE_LOCK_SECONDS = 20  # an upload holds the lock while its file is read; a few may queue

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:\d+)?")


class Environment(Env):
    """environs' reader, which also collects the errors that concern several variables."""

    def __init__(self):
        super().__init__(eager=False)
        self.refusals = []

    def _get_value(self, env_key, default):
        # Hosts' dashboards and copied .env files leave empty variables behind.
        value = super()._get_value(env_key, default)
        return default if isinstance(value, str) and not value.strip() else value

    def refuse(self, sentence: str) -> None:
        self.refusals.append(sentence)

    def prefix(self, name: str, default: str) -> str:
        """A key prefix in a bucket, without slashes at its ends."""
        return self._key_part(name, self.str(name, default))

    def folder(self, name: str) -> str:
        """A folder below the prefixes, with a slash before it; "" where the variable is absent.

        ${OTHER} in it is that variable's value: app.json can state only what all review apps share.
        """
        value = os.path.expandvars(self.str(name, ""))
        if "$" in value:
            self.refuse(f"{name} refers to a variable that is not set.")
            return ""
        return value and "/" + self._key_part(name, value)

    def _key_part(self, name: str, value: str) -> str:
        value = value.strip("/")
        if not PREFIX.fullmatch(value):
            self.refuse(f"{name} must be words of letters, digits, . _ - with / between them.")
        return value

    def web_address(self, name: str, default=None):
        """A web address such as https://host:9000, without a slash at its end."""
        value = self.str(name, default)
        if value and not (urlsplit(value).scheme in {"http", "https"} and urlsplit(value).netloc):
            self.refuse(f"{name} must be an address that starts with https:// (or http://).")
        return value and value.rstrip("/")

    def host(self, name: str, default=None):
        """A bare host name such as cdn.example.org."""
        value = self.str(name, default)
        if value and not HOST.fullmatch(value):
            self.refuse(f"{name} must be a host name alone, without https:// and without slashes.")
        return value

    def sentry_dsn(self, name: str):
        """Where Sentry wants errors sent, such as https://key@o1.ingest.sentry.io/2."""
        value = self.str(name, None)
        if value:
            from sentry_sdk.utils import Dsn  # imported only where Sentry is used

            try:
                Dsn(value)
            except ValueError:
                self.refuse(f"{name} must be the address that Sentry shows: https://key@host/123")
        return value

    def refuse_overlap(self, *places: tuple[str, str, str]) -> None:
        """Refuse places (bucket, prefix, name of the variable) of which one holds another.

        The bucket policy opens prefixes: what lies below a public one is public.
        """
        for (bucket, prefix, name), (other_bucket, other, other_name) in combinations(places, 2):
            if bucket == other_bucket and f"{prefix}/".startswith(f"{other}/"):
                self.refuse(f"{name} must not lie within {other_name}.")
            elif bucket == other_bucket and f"{other}/".startswith(f"{prefix}/"):
                self.refuse(f"{other_name} must not lie within {name}.")

    def database(self, name: str, default: str, *, may_be_sqlite: bool) -> dict:
        """A database URL as Django's settings, with connections kept for a minute and checked.

        PostgreSQL is spoken over TLS unless the URL says otherwise (?sslmode=) or names a socket.
        """
        database = self.dj_db_url(name, default, conn_max_age=60, conn_health_checks=True) or {}
        engine = database.get("ENGINE", "")
        if engine == "django.db.backends.postgresql":
            if not database["NAME"]:
                self.refuse(f"{name} must name a database: postgres://user:password@host/name")
            database["ENGINE"] = "portal.postgresql"
            options = database.setdefault("OPTIONS", {})
            # Together, and with a pause for closing, well within the 30 seconds of Heroku's router.
            options.setdefault("connect_timeout", 5)
            options.setdefault("answer_timeout", 10)
            if database["HOST"]:
                options.setdefault("sslmode", "prefer" if may_be_sqlite else "require")
        elif engine == "django.db.backends.sqlite3" and may_be_sqlite:
            # A transaction that reads first and writes then is refused at once if another one
            # writes meanwhile; one that asks for the lock when it begins waits for its turn.
            options = database.setdefault("OPTIONS", {})
            options.setdefault("transaction_mode", "IMMEDIATE")
            options.setdefault("timeout", SQLITE_LOCK_SECONDS)
        elif engine:
            self.refuse(f"{name} must be a PostgreSQL address: postgres://user:password@host/name")
        return database

    def finish(self) -> None:
        """Raise ImproperlyConfigured with every error found, one a line."""
        try:
            self.seal()
            messages = {}
        except EnvValidationError as error:
            messages = error.error_messages
        lines = [f"{name}: {' '.join(found)}" for name, found in messages.items()]
        lines += self.refusals
        if lines:
            raise ImproperlyConfigured(
                "The environment is not complete or not valid (.env.example lists all variables):"
                + "".join(f"\n  - {line}" for line in lines)
            ) from None
