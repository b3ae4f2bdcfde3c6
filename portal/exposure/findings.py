"""Findings: the answers to the questions that check_storage asks."""

from collections.abc import Mapping
from typing import NamedTuple

from .anonymous_client import Response

OK, WARN, FAIL = "ok", "warn", "FAIL"


class Finding(NamedTuple):
    """The answer to one question."""

    outcome: str  # OK, WARN or FAIL
    subject: str  # a storage by its alias, or what else the question is about
    statement: str  # what should hold
    observed: str = ""  # what was found instead
    hint: str = ""  # what to do, in one sentence


def refused(subject: str, statement: str, response: Response, hint: str, base: str) -> Finding:
    """Return the finding that an address refuses a request; the hint is shown if it does not."""
    if response.is_refused:
        return Finding(OK, subject, statement)
    if response.is_given:
        return Finding(FAIL, subject, statement, str(response), hint)
    return Finding(
        WARN if response.is_redirect else FAIL, subject, statement, *unproven(response, base)
    )


def unproven(response: Response, base: str) -> tuple[str, str]:
    """Return what was observed, and the hint, if a response proves nothing either way."""
    hint = f"Find out why {base} answers so, and run check_storage again: nothing is proven."
    return str(response), hint


def headers_are(
    subject: str, statement: str, response: Response, wanted: Mapping[str, str], hint: str
) -> Finding:
    """Return the finding that a response has these headers."""
    wrong = [name for name in wanted if not same(wanted[name], response.headers.get(name, ""))]
    if not wrong:
        return Finding(OK, subject, statement)
    observed = "; ".join(f"{name}: {response.headers.get(name, '(none)')}" for name in wrong)
    return Finding(FAIL, subject, statement, observed, hint)


def same(wanted: str, found: str) -> bool:
    """Return True if two values of a header mean the same: in any order, with any charset."""
    parts, found_parts = (
        {part.strip().lower() for part in value.replace(";", ",").split(",")}
        for value in (wanted, found)
    )
    return parts == {part for part in found_parts if not part.startswith("charset=")}
