"""What a bucket policy says about one request.

Only what a bucket with public prefixes and a cap on the age of links needs is understood. Anything
else raises NotImplementedError: a rule that a test server ignores is a rule that nobody tests.
"""

import json
import re
from dataclasses import dataclass

# A condition holds or not, given the statement's value and the request's. AWS treats a condition on
# a key that the request does not have (None here) as not met.
CONDITIONS = {
    ("Bool", "aws:securetransport"): lambda wanted, actual: str(wanted).lower() == actual,
    ("NumericGreaterThan", "s3:signatureage"): lambda wanted, actual: actual > float(wanted),
}
VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}
# What a query may ask for instead of the content or the listing, and how its action's name ends.
SUBRESOURCES = {
    "acl": "Acl",
    "attributes": "Attributes",
    "legal-hold": "LegalHold",
    "policy": "Policy",
    "publicAccessBlock": "PublicAccessBlock",
    "retention": "Retention",
    "tagging": "Tagging",
    "torrent": "Torrent",
    "versionId": "Version",
    "versions": "Versions",
}
UNDERSTOOD = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Statement:
    """One Allow or Deny that speaks of everybody."""

    effect: str
    actions: list[str]
    resources: list[str]
    conditions: list[tuple[str, str, list]]  # operator, key, any of these values

    def applies(self, action: str, resource: str, facts: dict) -> bool:
        """Whether this speaks of the action on the resource, given facts of the request."""
        return (
            any(matches(pattern.lower(), action.lower()) for pattern in self.actions)
            and any(matches(pattern, resource) for pattern in self.resources)
            and all(self.holds(*condition, facts) for condition in self.conditions)
        )

    @staticmethod
    def holds(operator: str, key: str, values: list, facts: dict) -> bool:
        actual = facts.get(key)
        met = CONDITIONS[operator, key]
        return actual is not None and any(met(wanted, actual) for wanted in values)


def action_name(method: str, key: str, query: dict[str, str]) -> str:
    """Name what a request does, as policies do: exact for objects, near enough for buckets."""
    verb = VERBS.get(method, method)
    if verb == "Get" and "uploadId" in query:
        return "s3:ListMultipartUploadParts"
    end = next((end for name, end in SUBRESOURCES.items() if name in query), "")
    if not key and not end and verb == "Get":
        return "s3:ListBucket"
    return f"s3:{verb}{'Object' if key else 'Bucket'}{end}"


def decide(statements: list[Statement], action: str, resource: str, facts: dict) -> str | None:
    """Return "Deny", "Allow", or None where the policy is silent. A Deny beats any Allow.

    `facts` holds "aws:securetransport" ("true" or "false") and, for a presigned link,
    "s3:signatureage" (milliseconds).
    """
    effects = {s.effect for s in statements if s.applies(action, resource, facts)}
    return next((effect for effect in ("Deny", "Allow") if effect in effects), None)


def parse(text: str | bytes, bucket: str) -> list[Statement]:
    """Read the statements for everybody. Raise ValueError where AWS would call it malformed."""
    try:
        listed = as_list(json.loads(text)["Statement"])
        statements = [parse_statement(statement) for statement in listed]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Malformed policy: {error!r}") from error
    arn = f"arn:aws:s3:::{bucket}"
    for resource in (r for s in statements if s for r in s.resources):
        if resource != arn and not resource.startswith(f"{arn}/"):
            raise ValueError("Policy has invalid resource")
    return [statement for statement in statements if statement]


def parse_statement(statement: dict) -> Statement | None:
    """Return None for an Allow to somebody by name: the server's own `permissions` govern those."""
    if strange := statement.keys() - UNDERSTOOD:
        raise NotImplementedError(f"policy element {sorted(strange)}")
    effect, principal = statement["Effect"], statement["Principal"]
    if effect not in ("Allow", "Deny"):
        raise ValueError(f"Invalid effect {effect}")
    if principal != "*" and "*" not in as_list(principal.get("AWS", [])):
        if effect == "Allow":
            return None
        raise NotImplementedError(f"Deny for the principal {principal}")
    resources = as_list(statement["Resource"])
    if any("${" in resource for resource in resources):
        raise NotImplementedError("policy variables")
    conditions = [
        (operator, key.lower(), as_list(values))
        for operator, tests in statement.get("Condition", {}).items()
        for key, values in tests.items()
    ]
    for operator, key, _ in conditions:
        if (operator, key) not in CONDITIONS:
            raise NotImplementedError(f"policy condition {operator} on {key}")
    return Statement(effect, as_list(statement["Action"]), resources, conditions)


def matches(pattern: str, text: str) -> bool:
    """Match as AWS does: * and ? only, so not fnmatch, to which [ is special too."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def as_list(value: object) -> list:
    return value if isinstance(value, list) else [value]
