"""What a bucket of this site must be told: whom to let in, and what to clear away.

Pure documents, in the JSON that S3's API takes; the command setup_bucket hands them over.
"""

from collections import defaultdict

from .storages import UnsignedMixin

OURS = "Portal"  # begins the name of every statement and rule of this site's
STALE_UPLOAD_DAYS = 1


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
            "Sid": f"{OURS}PublicRead{storage.location.title().translate(NO_SEPARATORS)}",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"{arn(storage)}/{storage.location}/*",
        }
        for storage in storages
        if isinstance(storage, UnsignedMixin)
    ]


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


def arn(storage) -> str:
    partition = "aws-cn" if storage.region_name.startswith("cn-") else "aws"
    return f"arn:{partition}:s3:::{storage.bucket_name}"


NO_SEPARATORS = str.maketrans(dict.fromkeys("/._-"))
