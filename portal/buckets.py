"""What a bucket of this site must be told: whom to let in and how, and what to clear away.

Pure documents, in the JSON that S3's API takes; the command setup_bucket hands them over.

Two things are never said. CORS: no page needs it, for none loads fonts, modules or data from the
bucket (a test looks). Versioning: to keep what members delete is the operator's decision.
"""

from collections import defaultdict

from .addresses import service
from .storages import ProtectedMediaStorage, UnsignedMixin

OURS = "Portal"  # begins the name of every statement and rule of this site's
STALE_UPLOAD_DAYS = 1
# A link ends by its own signature. The bucket's cap comes after that, whatever S3 rounds.
LINK_TOLERANCE_SECONDS = 10


def buckets_of(storages) -> dict[str, list]:
    """The storages of each bucket, by the bucket's name."""
    buckets = defaultdict(list)
    for storage in storages:
        buckets[storage.bucket_name].append(storage)
    return dict(buckets)


def public_access_block(storages: list) -> dict:
    """ACLs stay blocked for good; policies are let through only where something is public.

    A bucket of protected files alone stays shut, whatever policy somebody gives it later.
    """
    is_shut = not any(isinstance(storage, UnsignedMixin) for storage in storages)
    return {
        "BlockPublicAcls": True,
        "IgnorePublicAcls": True,
        "BlockPublicPolicy": is_shut,
        "RestrictPublicBuckets": is_shut,
    }


def public_statements(storages: list) -> list[dict]:
    """Strangers may read single objects below the public prefixes; listing is nobody's."""
    return [
        {
            "Sid": f"{OURS}PublicRead{camel_case(storage.location)}",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": objects(storage),
        }
        for storage in storages
        if isinstance(storage, UnsignedMixin)
    ]


def link_age_statements(storages: list, seconds: int) -> list[dict]:
    """No link opens a protected file for longer than the site's own do, whoever has signed it.

    Only presigned links are meant, which s3:authType tells: what the site itself asks for is signed
    in a header, a moment before. docs.aws.amazon.com/AmazonS3/latest/API/
    bucket-policy-s3-sigv4-conditions.html has both keys.
    """
    milliseconds = (seconds + LINK_TOLERANCE_SECONDS) * 1000
    return [
        {
            "Sid": f"{OURS}LinkAge{camel_case(storage.location)}",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": objects(storage),
            "Condition": {
                "StringEquals": {"s3:authType": "REST-QUERY-STRING"},
                "NumericGreaterThan": {"s3:signatureAge": str(milliseconds)},
            },
        }
        for storage in storages
        if isinstance(storage, ProtectedMediaStorage)
    ]


def tls_statements(storages: list) -> list[dict]:
    """Nothing goes over plain http, where TLS ends at S3 itself.

    That is known of AWS alone. A server behind a proxy takes every request for plain http, and this
    would shut out everybody, for good.
    """
    storage = storages[0]
    if not is_aws(storage):
        return []
    return [
        {
            "Sid": f"{OURS}TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn(storage), f"{arn(storage)}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def encryption(storages: list) -> dict | None:
    """AWS encrypts with keys of its own, which costs nothing and asks nothing of any reader.

    Elsewhere it is left to the server: some take the order without having any keys, and then refuse
    every upload.
    """
    if not is_aws(storages[0]):
        return None
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def algorithm(encryption: dict | None) -> str:
    """What a bucket encrypts with by default, such as AES256 or aws:kms; empty if nothing."""
    rules = encryption["Rules"] if encryption else []
    named = (rule.get("ApplyServerSideEncryptionByDefault") for rule in rules)
    return next((each["SSEAlgorithm"] for each in named if each), "")


def ownership_controls() -> dict:
    """Whatever is in the bucket is its owner's, whoever has put it there, and ACLs are no more."""
    return {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def lifecycle_rule() -> dict:
    """Parts of uploads that were never finished cost money and are seen in no listing."""
    return {
        "ID": f"{OURS}AbortStaleUploads",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": STALE_UPLOAD_DAYS},
    }


def merged(present: list[dict], ours: list[dict], name: str) -> list[dict]:
    """The statements or rules that somebody else has put there, and then ours as they should be."""
    return [item for item in present if not str(item.get(name, "")).startswith(OURS)] + ours


def say_the_same(one, other) -> bool:
    """Whether two documents mean the same: servers give them back in other forms than they took."""
    return plain(one) == plain(other)


def plain(document):
    """Lists of one as that one, other lists in an order of their own, everybody as "*"."""
    if isinstance(document, dict):
        fields = {name: plain(value) for name, value in document.items()}
        return "*" if fields == {"AWS": "*"} else fields
    if isinstance(document, list):
        items = sorted(map(plain, document), key=repr)
        return items[0] if len(items) == 1 else items
    return document


def is_aws(storage) -> bool:
    """Whether a storage's bucket is on AWS itself, and is spoken to over TLS."""
    is_theirs = service(storage.endpoint_url, storage.region_name) in {"aws", "aws-cn"}
    return is_theirs and storage.bucket_url.startswith("https:")


def policy(statements: list[dict]) -> dict:
    return {"Version": "2012-10-17", "Statement": statements}


def arn(storage) -> str:
    """The name by which policies know a storage's bucket."""
    return f"arn:{partition(storage.region_name)}:s3:::{storage.bucket_name}"


def partition(region: str) -> str:
    """Which of its separate worlds AWS counts a region to; "aws" where there is no AWS."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def objects(storage) -> str:
    """The name by which policies know a storage's files."""
    return f"{arn(storage)}/{storage.location}/*"


def camel_case(prefix: str) -> str:
    """A prefix as part of a statement's name, which takes letters and digits alone."""
    return prefix.title().translate(NO_SEPARATORS)


NO_SEPARATORS = str.maketrans(dict.fromkeys("/._-"))
