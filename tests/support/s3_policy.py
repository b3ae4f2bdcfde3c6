"""Decides one request by a policy: that of a bucket, or that of a key pair.

Only what this site's buckets and keys need is understood. Anything else raises NotImplementedError:
a rule that a test server ignores is a rule that nobody tests.
"""

import json
import re
from dataclasses import dataclass

# A condition holds or not, given the statement's value and the request's. AWS treats a condition on
# a key that the request does not have (None here) as not met.
CONDITIONS = {
    ("Bool", "aws:securetransport"): lambda wanted, actual: str(wanted).lower() == actual,
    ("NumericGreaterThan", "s3:signatureage"): lambda wanted, actual: actual > float(wanted),
    ("StringEquals", "s3:authtype"): lambda wanted, actual: wanted == actual,
    ("StringLike", "s3:prefix"): lambda wanted, actual: matches(wanted, actual),
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
}
# The same of a bucket: there, the name of what is asked for stands in the action's name.
BUCKET_SUBRESOURCES = {
    "acl": "BucketAcl",
    "encryption": "EncryptionConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "tagging": "BucketTagging",
}
BUCKET_LISTINGS = {"uploads": "s3:ListBucketMultipartUploads", "versions": "s3:ListBucketVersions"}
UNDERSTOOD = {"Sid", "Effect", "Action", "Resource", "Condition"}


@dataclass(frozen=True)
class Statement:
    """One Allow or Deny: of a bucket's policy, to everybody; of a key's own, to its holder."""

    effect: str
    actions: list[str]
    resources: list[str]
    conditions: list[tuple[str, str, list]]  # operator, key, any of these values

    def applies(self, action: str, resource: str, facts: dict) -> bool:
        """Return True if this is about the action on the resource, given facts of the request."""
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
    """Name what a request does, as policies do.

    docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
    """
    verb = VERBS.get(method, method)
    if not key:
        return bucket_action_name(verb, query)
    if "uploadId" in query and method in {"GET", "DELETE"}:
        return "s3:ListMultipartUploadParts" if verb == "Get" else "s3:AbortMultipartUpload"
    end = next((end for name, end in SUBRESOURCES.items() if name in query), "")
    return f"s3:{verb}Object{end}"


def bucket_action_name(verb: str, query: dict[str, str]) -> str:
    if verb == "Get":
        for name, action in BUCKET_LISTINGS.items():
            if name in query:
                return action
    for name, end in BUCKET_SUBRESOURCES.items():
        if name in query:
            # What a bucket was told is taken back by leave to tell it; its policy is the exception.
            verb = "Put" if verb == "Delete" and name != "policy" else verb
            return f"s3:{verb}{end}"
    if verb == "Put" and "delete" in query:
        return "s3:DeleteObject"  # of each key that the body names
    return {"Get": "s3:ListBucket", "Put": "s3:CreateBucket"}.get(verb, f"s3:{verb}Bucket")


def decide(statements: list[Statement], action: str, resource: str, facts: dict) -> str | None:
    """Return "Deny", "Allow", or None where the policy is silent. A Deny beats any Allow.

    `facts` holds "aws:securetransport" ("true" or "false"); "s3:authtype", of a signed request;
    "s3:signatureage" (milliseconds), of a presigned link; "s3:prefix", of a listing.
    """
    effects = {s.effect for s in statements if s.applies(action, resource, facts)}
    return next((effect for effect in ("Deny", "Allow") if effect in effects), None)


def parse(text: str | bytes, bucket: str) -> list[Statement]:
    """Read a bucket's statements for everybody.

    Raise ValueError where AWS would call it malformed. An Allow to somebody by name is left out:
    the server's own `permissions` and `identities` govern those.
    """
    try:
        listed = as_list(json.loads(text)["Statement"])
        parsed = [(statement, parse_statement(statement)) for statement in listed]
        statements = [ours for statement, ours in parsed if is_for_everybody(statement)]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"Malformed policy: {error!r}") from error
    arn = f"arn:aws:s3:::{bucket}"
    for resource in (resource for statement in statements for resource in statement.resources):
        if resource != arn and not resource.startswith(f"{arn}/"):
            raise ValueError("Policy has invalid resource")
    return statements


def parse_identity(policy: dict) -> list[Statement]:
    """Read the policy of a key pair. Raise ValueError where AWS would call it malformed."""
    if any("Principal" in statement for statement in policy["Statement"]):
        raise ValueError("A key's own policy names no principal: it is its holder's.")
    return [parse_statement(statement) for statement in policy["Statement"]]


def is_for_everybody(statement: dict) -> bool:
    principal = statement["Principal"]
    if principal == "*" or "*" in as_list(principal.get("AWS", [])):
        return True
    if statement["Effect"] == "Deny":
        raise NotImplementedError(f"Deny for the principal {principal}")
    return False


def parse_statement(statement: dict) -> Statement:
    if strange := statement.keys() - UNDERSTOOD - {"Principal"}:
        raise NotImplementedError(f"policy element {sorted(strange)}")
    effect = statement["Effect"]
    if effect not in ("Allow", "Deny"):
        raise ValueError(f"Invalid effect {effect}")
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
