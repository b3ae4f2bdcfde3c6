"""The canonical form in which an e-mail address is stored, compared and looked up.

Two spellings of one mailbox have the same canonical form, so plain equality decides whose account
it is. The domain is stored in ASCII, as mail servers and browsers send it; people are shown its
own letters.
"""

import re
import unicodedata

import idna
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_LENGTH = 254  # characters, RFC 5321; the length of the column
MAX_LOCAL_LENGTH = 64  # characters before the @, RFC 5321
MAX_INPUT_LENGTH = 1000  # characters; longer input is not parsed, which would take time

# The characters that Chinese and Japanese keyboards type in place of a dot and an @.
WIDE_SIGNS = str.maketrans({"\u3002": ".", "\uff0e": ".", "\uff61": ".", "\uff20": "@"})
# Zero-width joiners: needed in some names (Persian, Indic), without meaning anywhere else.
JOINERS = {"\u200c", "\u200d"}

ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
LOCAL_PART = re.compile(rf"{ATOM}(?:\.{ATOM})*")
ASCII_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def canonical(address: str) -> str:
    """Return the canonical form of an address: lower case, without anything invisible, in ASCII.

    Raises ValidationError, with a message for the person who typed it, if it is not an address.
    """
    if len(address) > MAX_INPUT_LENGTH:
        raise too_long()
    local, _at, domain = visible(address).rpartition("@")
    local = without_joiners(local)
    if not f"{local}{without_joiners(domain)}".isprintable() or " " in local + domain:
        raise ValidationError(
            _("An e-mail address has no spaces or line breaks. Please enter one address alone."),
            code="space",
        )
    if not (local and domain):
        raise ValidationError(
            _("Please enter an address like name@example.org."), code="no_address"
        )
    local = local.lower()
    if not LOCAL_PART.fullmatch(local):
        raise ValidationError(
            _(
                "“%(local)s” before the @ is not a name that mail can be sent to. Please use an "
                "address with the letters a to z, digits and single dots there."
            ),
            code="local_part",
            params={"local": local},
        )
    try:
        domain = ascii_domain(domain)
    except UnicodeError:  # idna's errors are of this kind
        raise ValidationError(
            _(
                "“%(domain)s” is not a domain that mail can be sent to. Please check what comes "
                "after the @."
            ),
            code="domain",
            params={"domain": domain},
        ) from None
    if len(local) > MAX_LOCAL_LENGTH or len(f"{local}@{domain}") > MAX_LENGTH:
        raise too_long()
    return f"{local}@{domain}"


def shown(address: str) -> str:
    """Return a canonical address in the form for people: with the domain in its own letters."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        readable = local + at + idna.decode(domain)
        return readable if canonical(readable) == address else address
    except (UnicodeError, ValidationError):
        return address


def canonical_part(text: str) -> str:
    """Return part of an address, such as a search term, in the form in which it is stored."""
    local, at, domain = visible(text).rpartition("@")
    labels = []
    for label in domain.lower().split("."):
        try:
            labels.append(ascii_label(label))
        except UnicodeError:
            labels.append(label)
    return local.lower() + at + ".".join(labels)


def visible(address: str) -> str:
    """Return the address composed (NFC), and without invisible characters from a paste."""
    address = "".join(
        character
        for character in unicodedata.normalize("NFC", address)
        if unicodedata.category(character) != "Cf" or character in JOINERS
    )
    # Without the removed characters, others may be neighbours that compose.
    return unicodedata.normalize("NFC", address).translate(WIDE_SIGNS).strip()


def without_joiners(text: str) -> str:
    """Return the text without zero-width joiners."""
    return "".join(character for character in text if character not in JOINERS)


def ascii_domain(domain: str) -> str:
    """Return the domain in ASCII (A-labels of IDNA 2008); raises UnicodeError."""
    try:
        mapped = idna.uts46_remap(domain)
        labels = [ascii_label(label) for label in mapped.removesuffix(".").split(".")]
    except UnicodeError:
        if without_joiners(domain) == domain:
            raise
        return ascii_domain(without_joiners(domain))
    if len(labels) < 2 or labels[-1].isdigit():
        raise idna.IDNAError("no top-level domain")
    return ".".join(labels)


def ascii_label(label: str) -> str:
    """Return one label of a domain in ASCII; raises UnicodeError."""
    if not label.startswith("xn--") and ASCII_LABEL.fullmatch(label):
        return label  # idna would refuse two hyphens that some registries allow
    return idna.alabel(label).decode()


def too_long() -> ValidationError:
    """Return the error for an address that is too long."""
    return ValidationError(
        _("This address is longer than mail servers allow. Please check it."), code="too_long"
    )
