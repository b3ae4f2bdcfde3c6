"""Reading the environment: typed, an empty variable counts as absent, all errors at once.

Each kind of value has a method here, and a shape. Blanks around a value are removed; a value that
does not fit its shape is refused. Error messages name variables and never hold their values, which
may be secrets. A refused value is replaced by a valid one, so that one mistake gives one error.
"""

import os
import re
from collections.abc import Mapping
from itertools import combinations, takewhile
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from . import shapes
from .s3.addresses import is_within

QUOTES = {'"', "'"}
ON, OFF = {"on", "true", "t", "yes", "y", "1"}, {"off", "false", "f", "no", "n", "0"}
REFUSED_ADDRESS = "https://refused.invalid"  # in place of an address that was refused


class Environment:
    """A reader with the shapes of this site's variables, which collects all errors.

    `variables` are the process's own unless others are given.
    """

    def __init__(self, variables: Mapping[str, str] | None = None):
        self.variables = os.environ if variables is None else variables
        self.refusals: list[str] = []

    def value(self, name: str, default: Any = None) -> Any:
        """Return a text, or the default where the variable is absent."""
        # Dashboards of hosts and copied .env files leave variables empty.
        return self._tidied(name, self.variables.get(name, "")) or default

    def required(self, name: str, default: str | None = None) -> str:
        """Return a text, or the default where the variable is absent; one of them must be there."""
        value = self.value(name, default)
        if not value:
            self.refuse(f"{name} must be set.")
        return value or ""

    def flag(self, name: str, default: bool) -> bool:
        """Return True for on, and False for off, or another usual word for them."""
        word = self.value(name, "").lower()
        if word and word not in ON | OFF:
            self.refuse(f"{name} must be on or off.")
        return word in ON if word else default

    def _tidied(self, name: str, value: str) -> str:
        """Return a value without blanks around it; refuse quotes and invisible characters."""
        value = shapes.without_blanks(value)
        if len(value) > 1 and value[0] in QUOTES and value[-1] == value[0]:
            # A shell removes them, docker's --env-file and the form of a dashboard do not.
            self.refuse(f"{name} stands in quotes, which would be part of it: take them off.")
            value = shapes.without_blanks(value[1:-1])
        if any(shapes.is_invisible(character) for character in value):
            self.refuse(f"{name} holds a line break or another character that cannot be seen.")
            value = "".join(takewhile(lambda character: not shapes.is_invisible(character), value))
        return value

    def refuse(self, sentence: str) -> None:
        """Add an error to those that finish() raises, unless it is among them."""
        if sentence not in self.refusals:
            self.refusals.append(sentence)

    def shaped(self, name: str, shape: re.Pattern, sentence: str, instead: str = "refused"):
        """Return a text that matches a pattern; the sentence, after "must be", ends the error."""
        value = self.value(name)
        if value and not shape.fullmatch(value):
            self.refuse(f"{name} must be {sentence}")
            return instead
        return value

    def choice(self, name: str, words: list[str], default: str | None) -> str | None:
        """Return one of these words, which the variable may have in capitals."""
        value = self.value(name)
        if value and value.lower() not in words:
            self.refuse(f"{name} must be {', '.join(words[:-1])} or {words[-1]}.")
        return value.lower() if value else default

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`."""
        value = self.value(name, str(default))
        if re.fullmatch(r"\d{1,15}", value, re.ASCII) and least <= int(value) <= most:
            return int(value)
        self.refuse(f"{name} must be a whole number from {least} to {most}.")
        return default

    def text(self, name: str, default: str, most: int) -> str:
        """Return text for people, of at most `most` characters."""
        value = self.value(name, default)
        if len(value) > most:
            self.refuse(f"{name} must have at most {most} characters.")
        return value

    def items(self, name: str) -> list[str]:
        """Return the items of a list with commas, without blanks around them and empty ones."""
        found = (shapes.without_blanks(item) for item in self.value(name, "").split(","))
        return [item for item in found if item]

    def refuse_weak(self, name: str, keys: list[str]) -> None:
        """Refuse secret keys that can be guessed."""
        if any(map(shapes.is_weak, keys)):
            self.refuse(
                f"{name} must have at least {shapes.LEAST_SECRET_KEY} characters, chosen at random"
                " (each key, where there are several)."
            )

    def hosts(self, name: str, default: Any = None, *, may_be_any: bool) -> list[str]:
        """Return host names, separated by commas; a dot before one includes all hosts below it.

        Without a default they are required.
        """
        if not self.value(name) and default is not None:
            return default
        if not self.required(name):
            return []
        found = [host.removesuffix(".") or host for host in self.items(name)]
        if not found or not all(shapes.is_own_host(host, may_be_any=may_be_any) for host in found):
            self.refuse(
                f"{name} must be the site's own host names, separated by commas, without https://,"
                " port, slash or quotes. An international name is written as xn--..., an IPv6"
                " address in brackets, all hosts below a domain as .example.org."
                " * and . would let anyone forge links in e-mails."
            )
        return [host.lower() for host in found]

    def key_id(self, name: str):
        """Return the id of a key pair."""
        return self.shaped(name, shapes.KEY_ID, "a key without blanks, quotes, / = and commas.")

    def secret(self, name: str):
        """Return the secret of a key pair."""
        return self.shaped(name, shapes.SECRET, "a key without blanks, in ASCII.")

    def bucket(self, name: str):
        """Return a bucket's name."""
        return self.shaped(
            name,
            shapes.BUCKET,
            "a bucket's name alone: 3 letters, digits, . _ - or more, without s3:// and slashes,"
            " and no IP address.",
        )

    def region(self, name: str):
        """Return a region, such as eu-west-1."""
        return self.shaped(
            name,
            shapes.REGION,
            "a region such as eu-west-1: letters, digits, - and _.",
            instead="us-east-1",
        )

    def version(self, name: str):
        """Return the name of a version of the site, such as a commit."""
        return self.shaped(name, shapes.VERSION, "at most 200 characters without blanks and / \\.")

    def prefix(self, name: str, default: str) -> str:
        """Return a key prefix in a bucket, without slashes at its ends."""
        return self._key_part(name, self.value(name, default)) or default

    def folder(self, name: str) -> str:
        """Return a folder below the prefixes, with a slash before it; "" if the variable is absent.

        ${OTHER} in it is replaced by that variable: app.json can only hold a value that all review
        apps share.
        """
        value = re.sub(
            r"\$\{(\w+)\}|\$(\w+)",
            lambda found: self.variables.get(found[1] or found[2], found[0]),
            self.value(name, ""),
        )
        if "$" in value:
            self.refuse(f"{name} refers to a variable that is not set.")
            return ""
        part = value and self._key_part(name, value)
        return part and f"/{part}"

    def _key_part(self, name: str, value: str) -> str:
        value = value.strip("/")
        if shapes.PREFIX.fullmatch(value):
            return value
        self.refuse(f"{name} must be words of letters, digits, . _ - with / between them.")
        return ""

    def web_address(self, name: str, default=None):
        """Return a web address such as https://host:9000, without a slash at its end."""
        value = self.value(name, default)
        if not value:
            return value
        address = shapes.web_address(value)
        if address is None:
            self.refuse(
                f"{name} must be an address that starts with https:// (or http://), such as"
                " https://s3.example.org:9000, without user, password, ? and #."
            )
        return address or REFUSED_ADDRESS

    def host(self, name: str, default=None):
        """Return a bare host name such as cdn.example.org."""
        value = self.value(name, default)
        if value and not shapes.is_host_with_port(value):
            self.refuse(f"{name} must be a host name alone, without https:// and without slashes.")
        return value and value.lower()

    def mailbox(self, name: str, default: str) -> str:
        """Return a sender: portal@example.org, or Name <portal@example.org>."""
        value = self.value(name, default)
        if not shapes.is_mailbox(value):
            self.refuse(
                f"{name} must be one address (portal@example.org) or a name and an address (Name"
                ' <portal@example.org>). A name with a comma or a colon stands in "".'
            )
        return value

    def mail_server(self, name: str, *, may_be_none: bool) -> tuple[str | None, dict[str, Any]]:
        """Return the backend and the options of a server: smtp+tls://user:password@host:587."""
        found = shapes.mail_server(self.value(name, ""), may_be_none=may_be_none)
        if found is None:
            self.refuse(
                f"{name} must be the address of a mail server: smtp+tls://user:password@host:587"
                " (STARTTLS) or smtp+ssl://user:password@host:465 (TLS from the start). Within user"
                " and password, / # ? @ : % are written as %2F %23 %3F %40 %3A %25."
            )
        return found or (None, {})

    def time_zone(self, name: str, default: str) -> str:
        """Return a time zone by its name in the IANA database, such as Europe/London."""
        value = self.value(name)
        found = shapes.time_zone(value) if value else default
        if found is None:
            self.refuse(f"{name} must be a time zone such as Europe/London.")
        return found or default

    def directory(self, name: str, default: Path) -> Path:
        """Return a folder on disk."""
        value = self.value(name, str(default))
        if "://" in value or value.startswith("~") or not value.strip("/."):
            self.refuse(f"{name} must be the path of a folder on disk, without ~ and ://.")
            return default
        return Path(value)

    def sentry_dsn(self, name: str):
        """Return the address of a Sentry project, such as https://key@o1.ingest.sentry.io/2."""
        value = self.value(name)
        if value:
            from sentry_sdk.utils import Dsn  # imported only where Sentry is used

            try:
                Dsn(value)
            except ValueError:
                self.refuse(f"{name} must be the address that Sentry shows: https://key@host/123")
        return value

    def refuse_overlap(self, *prefixes: tuple[str, str, str]) -> None:
        """Refuse prefixes, each with its bucket and variable, of which one lies within another.

        The bucket policy opens prefixes: whatever is below a public one is public.
        """
        for (bucket, prefix, name), (other_bucket, other, other_name) in combinations(prefixes, 2):
            if bucket == other_bucket and is_within(prefix, other):
                self.refuse(f"{name} must not lie within {other_name}.")
            elif bucket == other_bucket and is_within(other, prefix):
                self.refuse(f"{other_name} must not lie within {name}.")

    def database(self, name: str, default: str | None = None, *, may_be_sqlite: bool) -> dict:
        """Return Django's settings of a database: postgres://user:password@host/name."""
        address = self.required(name, default)
        found = shapes.database(address, may_be_sqlite=may_be_sqlite)
        if address and found is None:
            self.refuse(
                f"{name} must be the address of a PostgreSQL database:"
                " postgres://user:password@host/name. Within user and password, / # ? @ : % [ ] are"
                " written as %2F %23 %3F %40 %3A %25 %5B %5D; after the name, ? may only begin"
                " options of PostgreSQL, such as ?sslmode=verify-full."
            )
        return found or {}

    def finish(self) -> None:
        """Raise ImproperlyConfigured with every error found, one a line."""
        if self.refusals:
            raise ImproperlyConfigured(
                "The environment is not complete or not valid (.env.example lists all variables):"
                + "".join(f"\n  - {line}" for line in self.refusals)
            )
