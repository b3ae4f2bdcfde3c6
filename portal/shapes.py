"""The shapes of the values of variables: hosts, addresses, keys, mailboxes."""

import re
import zoneinfo
from email import policy
from email.errors import ObsoleteHeaderDefect
from ipaddress import ip_address
from typing import Any
from unicodedata import category
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import dj_database_url
from django.core.validators import EmailValidator

PASTED = "\u200b\ufeff"  # blanks that come with a paste, and that str.strip() leaves
JOINERS = {"\u200c", "\u200d"}  # invisible, but part of words in some scripts

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})*")
URL_PATH = re.compile(r"(/[A-Za-z0-9._~%-]+)*/?")
PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
# The names that some provider allows, except for IP addresses.
BUCKET = re.compile(r"(?!.*\.\.)(?!\d+(\.\d+){3}$)[A-Za-z0-9][A-Za-z0-9._-]{2,254}")
REGION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
KEY_ID = re.compile(r"[!#-&(-+.0-<>-~-]{1,256}")  # ASCII without blanks, quotes, / = and commas
SECRET = re.compile(r"[!-~]{1,512}")  # ASCII without blanks
ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+")
VERSION = re.compile(r"[^\s/\\]{1,200}")  # Sentry's rule for the name of a release

LEAST_SECRET_KEY = 32  # characters
LEAST_VARIETY = 5  # different characters, as in Django's check security.W009

SQLITE_LOCK_SECONDS = 20  # an upload holds the lock while its file is read; a few may queue
# What Django, and portal/postgresql/base.py, take from the options before PostgreSQL has them.
DJANGO_OPTIONS = {"answer_timeout", "assume_role", "isolation_level", "pool", "server_side_binding"}

SMTP_BACKEND = "portal.outbox.smtp.EmailBackend"
MAIL_SECONDS = 10  # for connecting to a mail server, and for each of its answers
# The schemes of a mail server: TLS from the start, STARTTLS, and the port if none is named.
SMTP = {
    "smtp": (False, False, 25),
    "smtp+tls": (False, True, 587),
    "submission": (False, True, 587),
    "submit": (False, True, 587),
    "smtp+ssl": (True, False, 465),
}
# Schemes without a server: no message leaves the machine.
NO_SERVER = {
    "console": "django.core.mail.backends.console.EmailBackend",
    "dummy": "django.core.mail.backends.dummy.EmailBackend",
    "memory": "django.core.mail.backends.locmem.EmailBackend",
}


def without_blanks(text: str) -> str:
    """Return the text without blanks at its ends, the invisible ones of a paste included."""
    return text.strip().strip(PASTED).strip()


def is_invisible(character: str) -> bool:
    """Return True for control and format characters, line breaks, and undecodable bytes."""
    return category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in JOINERS


def is_ip_address(text: str) -> bool:
    """Return True for an IP address of either version."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_own_host(text: str, *, may_be_any: bool) -> bool:
    """Return True for a valid entry of ALLOWED_HOSTS; `may_be_any` allows * and . and .org."""
    if text in {"*", "."}:
        return may_be_any
    if text.startswith("["):
        return text.endswith("]") and ":" in text and is_ip_address(text[1:-1])
    domain = text.removeprefix(".")
    is_top_level = text != domain and "." not in domain  # .org would match anybody's host
    return HOST.fullmatch(domain) is not None and (may_be_any or not is_top_level)


def is_weak(key: str) -> bool:
    """Return True for a secret key that can be guessed: short, or of few characters."""
    return len(key) < LEAST_SECRET_KEY or len(set(key)) < LEAST_VARIETY


def split_address(text: str) -> SplitResult | None:
    """Return the parts of an address with a host; None for any other text."""
    try:
        address = urlsplit(text)
        port, host = address.port, address.hostname or ""
    except ValueError:
        return None
    if " " in text or port == 0 or not (HOST.fullmatch(host) or is_ip_address(host)):
        return None
    return address


def web_address(text: str) -> str | None:
    """Return a web address in its usual form, without a slash at its end; None if it is not one."""
    address = split_address(text)
    if (
        address is None
        or not address.hostname
        or address.scheme not in {"http", "https"}
        or "@" in address.netloc
        or "?" in text
        or "#" in text
        or not URL_PATH.fullmatch(address.path)
    ):
        return None
    host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
    port = f":{address.port}" if address.port else ""
    return f"{address.scheme}://{host}{port}{address.path.rstrip('/')}"


def is_host_with_port(text: str) -> bool:
    """Return True for a host such as cdn.example.org or cdn.example.org:8443."""
    address = split_address(f"//{text}")
    is_whole = address is not None and address.netloc == text
    return is_whole and re.fullmatch(r"[^@\[\]]*[^@:]", text) is not None


def mail_server(text: str, *, may_be_none: bool) -> tuple[str, dict[str, Any]] | None:
    """Return an e-mail backend and its options for smtp+tls://user:password@host:587, or None.

    `may_be_none` allows the addresses that stand for no server, such as console://.
    """
    scheme, _, rest = text.partition(":")
    if may_be_none and rest in {"", "//"} and scheme.lower() in NO_SERVER:
        return NO_SERVER[scheme.lower()], {}
    address = split_address(text)
    if (
        address is None
        or not address.hostname
        or address.scheme not in SMTP
        or address.path not in {"", "/"}
        or "#" in text
    ):
        return None
    ssl, starttls, port = SMTP[address.scheme]
    query = parse_qs(address.query)
    wanted = {name for name in query if query[name][0].lower() in {"1", "y", "yes", "true", "on"}}
    ssl = ssl or "ssl" in wanted
    return SMTP_BACKEND, {
        "host": address.hostname,
        "port": address.port or port,
        "username": unquote(address.username or ""),
        "password": unquote(address.password or ""),
        "use_ssl": ssl,
        "use_tls": not ssl and (starttls or "tls" in wanted),
        "timeout": MAIL_SECONDS,
    }


def database(text: str, *, may_be_sqlite: bool) -> dict[str, Any] | None:
    """Return Django's settings for postgres://user:password@host/name, or None.

    Connections are kept for a minute, and tried before they are used again. Those to PostgreSQL use
    TLS unless the address has ?sslmode= or names a socket.
    """
    try:
        parsed = dj_database_url.parse(text, conn_max_age=60, conn_health_checks=True)
    except ValueError:
        return None
    found: dict[str, Any] = {**parsed}
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"] == "django.db.backends.sqlite3" and may_be_sqlite:
        # A transaction that first reads and then writes fails at once if another one has
        # written meanwhile. One that takes the lock when it begins waits instead.
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("timeout", SQLITE_LOCK_SECONDS)
        return found
    is_postgresql = found["ENGINE"] == "django.db.backends.postgresql"
    if not is_postgresql or not found["NAME"] or "/" in found["NAME"]:
        return None
    if "#" in text or " " in found["HOST"] or not options.keys() <= postgresql_options():
        return None
    found["ENGINE"] = "portal.postgresql"
    # Together, and with a pause for closing, well within the 30 seconds of Heroku's router.
    options.setdefault("connect_timeout", 5)
    options.setdefault("answer_timeout", 10)
    if found["HOST"]:
        options.setdefault("sslmode", "prefer" if may_be_sqlite else "require")
    return found


def postgresql_options() -> set[str]:
    """Return the names that may stand in ?name=value after a database's address.

    An unknown one, such as another framework's ?pgbouncer=true, would fail each connection.
    """
    from psycopg.pq import Conninfo  # imported only where there is an address of PostgreSQL

    return {option.keyword.decode() for option in Conninfo.get_defaults()} | DJANGO_OPTIONS


def is_mailbox(text: str) -> bool:
    """Return True for one address, with or without a name: Name <portal@example.org>."""
    try:
        header = policy.default.header_factory("From", text)
    except IndexError:  # Python 3.11 and 3.12, at an address that ends with its @
        return False
    if any(not isinstance(defect, ObsoleteHeaderDefect) for defect in header.defects):
        return False  # only the dot of a name such as St. Mary is allowed, an obsolete syntax
    try:
        [mailbox] = header.addresses
        domain = mailbox.domain.encode("idna").decode()
    except ValueError:
        return False
    # What validate_email() accepts: its pattern of a domain takes 40 ms to compile, in each start.
    is_domain = "." in domain and HOST.fullmatch(domain) and not is_ip_address(domain)
    is_user = EmailValidator.user_regex.match(mailbox.username)
    return bool(is_user and (is_domain or domain == "localhost"))


def time_zone(text: str) -> str | None:
    """Return the name of a time zone as the IANA database writes it; None if it has none."""
    names = {name.lower(): name for name in zoneinfo.available_timezones()}
    return names.get(text.lower())
