"""The documents that a bucket of this site is configured with, in the JSON of S3's API.

Pure: storages in, documents out; portal/buckets/setup.py sends them.

Two things are never configured. CORS: no page needs it, because none loads fonts, modules or data
from the bucket (a test checks this). Versioning: to keep what members delete is the operator's
decision.
"""

from collections import Counter, defaultdict

from portal.files.storages import PolicyMixin, ProtectedMediaStorage, UnsignedMixin
from portal.s3.addresses import prefix_of, service

SID_PREFIX = "Portal"  # begins the name of each statement and rule that this site writes
STALE_UPLOAD_DAYS = 1
# A link expires by its own signature. The bucket's limit is later, however S3 rounds.
LINK_TOLERANCE_SECONDS = 10


def buckets_of(storages) -> dict[str, list]:
    """Return the storages of each bucket, by the bucket's name.

    If two services have buckets of the same name, the endpoints are added to the name.
    """
    buckets = defaultdict(list)
    for storage in storages:
        buckets[storage.bucket_name, storage.endpoint_url].append(storage)
    count = Counter(name for name, _ in buckets)
    return {
        name if count[name] == 1 else f"{name} at {endpoint_url or 'AWS'}": inside
        for (name, endpoint_url), inside in buckets.items()
    }


def bucket_documents(storages: list) -> dict:
    """Return all that the bucket of some storages is configured with, under S3's own names."""
    statements = public_statements(storages) + limits(storages)
    return {
        "PublicAccessBlockConfiguration": public_access_block(storages),
        "Policy": policy_document(statements),
        "ServerSideEncryptionConfiguration": encryption(storages),
        "LifecycleConfiguration": {"Rules": [lifecycle_rule()]},
        "OwnershipControls": ownership_controls(),
    }


def public_access_block(storages: list) -> dict:
    """Block ACLs always, and public policies unless the bucket has public files.

    A bucket of protected files alone stays closed, whatever policy somebody gives it later.
    """
    is_closed = not any(isinstance(storage, UnsignedMixin) for storage in storages)
    return {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": is_closed,
        "RestrictPublicBuckets": is_closed,
    }


def public_statements(storages: list) -> list[dict]:
    """Let anonymous clients read single objects below the public prefixes, and list nothing."""
    return [
        {
            "Sid": f"{SID_PREFIX}PublicRead{camel_case(storage.location)}",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": objects(storage),
        }
        for storage in one_of_each_prefix(storages, UnsignedMixin)
    ]


def limits(storages: list) -> list[dict]:
    """Return the statements that some S3-compatible servers refuse."""
    return link_age_statements(storages) + tls_statements(storages)


def link_age_statements(storages: list) -> list[dict]:
    """Refuse links to protected files that are older than the site's own may be.

    The condition on s3:authType limits this to presigned links: the site's own requests are signed
    in a header. docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
    has both keys.
    """
    return [
        {
            "Sid": f"{SID_PREFIX}LinkAge{camel_case(storage.location)}",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": objects(storage),
            "Condition": {
                "StringEquals": {"s3:authType": "REST-QUERY-STRING"},
                "NumericGreaterThan": {"s3:signatureAge": oldest(storage)},
            },
        }
        for storage in one_of_each_prefix(storages, ProtectedMediaStorage)
    ]


def oldest(storage: ProtectedMediaStorage) -> str:
    """Return the age of a link that is still accepted, in milliseconds, as a policy has it."""
    return str((storage.link_seconds + LINK_TOLERANCE_SECONDS) * 1000)


def tls_statements(storages: list) -> list[dict]:
    """Refuse plain http on AWS, where TLS ends at S3 itself.

    Elsewhere TLS may end at a proxy: the server would take every request for plain http, and refuse
    them all.
    """
    storage = storages[0]
    if not is_aws(storage):
        return []
    return [
        {
            "Sid": f"{SID_PREFIX}TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn(storage), f"{arn(storage)}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def one_of_each_prefix(storages: list, policy: type[PolicyMixin]) -> list:
    """Return the storages of one policy; of several with the same prefix, the first."""
    return list(
        {each.location: each for each in reversed(storages) if isinstance(each, policy)}.values()
    )[::-1]


def encryption(storages: list) -> dict | None:
    """Encrypt with AWS's own keys, which costs nothing and needs no permission to read.

    None elsewhere: some servers accept this without having any keys, and then refuse every upload.
    """
    if not is_aws(storages[0]):
        return None
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def algorithm(encryption: dict | None) -> str:
    """Return a bucket's default encryption, such as AES256 or aws:kms; empty if it has none."""
    rules = encryption["Rules"] if encryption else []
    named = (rule.get("ApplyServerSideEncryptionByDefault") for rule in rules)
    return next((each["SSEAlgorithm"] for each in named if each), "")


def ownership_controls() -> dict:
    """Make the bucket's owner the owner of every object, which switches ACLs off."""
    return {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def lifecycle_rule() -> dict:
    """Delete the parts of unfinished uploads, which cost money and are in no listing."""
    return {
        "ID": f"{SID_PREFIX}AbortStaleUploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": STALE_UPLOAD_DAYS},
    }


def merged(present: list[dict], ours: list[dict], name: str) -> list[dict]:
    """Return the statements or rules that others have written, followed by ours."""
    return [item for item in present if not str(item.get(name, "")).startswith(SID_PREFIX)] + ours


def sids(statements: list[dict]) -> set[str]:
    """Return the names of the statements that have one."""
    return {str(statement["Sid"]) for statement in statements if "Sid" in statement}


def same_document(one, other) -> bool:
    """Return True if two documents mean the same; servers may return another form than was put."""
    return normalized(one) == normalized(other)


def normalized(document):
    """Return a document with lists of one as that one, other lists sorted, {"AWS": "*"} as "*"."""
    if isinstance(document, dict):
        fields = {name: normalized(value) for name, value in document.items()}
        return "*" if fields == {"AWS": "*"} else fields
    if isinstance(document, list):
        items = sorted(map(normalized, document), key=repr)
        return items[0] if len(items) == 1 else items
    return document


def is_aws(storage) -> bool:
    """Return True if a storage's bucket is on AWS itself and is addressed by https."""
    is_theirs = service(storage.endpoint_url, storage.region_name) in {"aws", "aws-cn"}
    return is_theirs and storage.bucket_url.startswith("https:")


def policy_document(statements: list[dict]) -> dict:
    """Return some statements as a policy."""
    return {"Version": "2012-10-17", "Statement": statements}


def arn(storage) -> str:
    """Return the name of a storage's bucket in policies."""
    return f"arn:{partition(storage.region_name)}:s3:::{storage.bucket_name}"


def partition(region: str) -> str:
    """Return the partition of AWS that a region is in; "aws" where there is no AWS."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def objects(storage) -> str:
    """Return the name of a storage's files in policies."""
    return f"{arn(storage)}/{prefix_of(storage)}*"


def camel_case(prefix: str) -> str:
    """Return a prefix as part of a statement's name, which takes letters and digits alone."""
    return prefix.title().translate(NO_SEPARATORS)


NO_SEPARATORS = str.maketrans(dict.fromkeys("/._-"))
