"""Least privilege: an IAM policy for each key pair of this site, which allows what it needs.

`setup_bucket --print-iam` prints them.
"""

from portal.files.storages import AssetsStorage

from .documents import arn, buckets_of, camel_case, objects, policy_document

# A HEAD is a GetObject, and a link to a file opens what its signer may get. PutObject covers every
# part of an upload in parts; to abort one is a permission of its own.
UPLOAD_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
# collectstatic lists what is there and adds what is not. Old assets stay: pages still name them.
ASSETS_ACTIONS = ["s3:PutObject"]
SETUP_ACTIONS = [
    "s3:CreateBucket",
    "s3:ListBucket",  # to find out if it exists
    "s3:GetBucketPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketPolicy",
    "s3:PutBucketPolicy",
    "s3:GetEncryptionConfiguration",
    "s3:PutEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:PutBucketOwnershipControls",
]


def key_policies(storages: dict, live: dict) -> dict[str, dict]:
    """Return the policy of each key pair, by what it is for. Makes no request.

    `storages` are this site's by alias, `live` those that a staging copy is made of; without any,
    those of this site that hold uploads. The policy "app" is for the key of the first of these;
    each other key pair for uploads has its own, named by the first alias that has it.
    """
    assets = [each for each in storages.values() if isinstance(each, AssetsStorage)]
    uploads = {alias: each for alias, each in storages.items() if each not in assets}
    by_key = {}
    for alias, storage in uploads.items():
        by_key.setdefault(storage.access_key, (f"storage-{alias}", []))[1].append(storage)
    app_key = next(iter(by_key), None)
    _, app_uploads = by_key.pop(app_key, ("", []))
    read = list((live or uploads).values())
    return {
        "app": upload_policy(app_uploads, [s for s in assets if s.access_key == app_key]),
        "assets": policy_document(may("AddAssets", ASSETS_ACTIONS, assets) + may_list(assets)),
        "live": policy_document(may("ReadFiles", ["s3:GetObject"], read) + may_list(read)),
        "operator": policy_document(may_set_up(storages.values())),
    } | {name: upload_policy(inside, []) for name, inside in by_key.values()}


def upload_policy(uploads: list, assets: list) -> dict:
    """Return the policy of a key that keeps uploads, and adds the assets of some storages."""
    return policy_document(
        may("KeepUploads", UPLOAD_ACTIONS, uploads)
        + may("AddAssets", ASSETS_ACTIONS, assets)
        + may_list(uploads + assets)
    )


def may(sid: str, actions: list[str], storages: list) -> list[dict]:
    """Allow actions on the files of some storages; without any, nothing."""
    resources = [objects(storage) for storage in storages]
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return [statement] if resources else []


def may_list(storages: list) -> list[dict]:
    """Allow listing below the prefixes, and with it the answer that a file there is missing.

    Without it S3 answers 403 to a HEAD of a missing file, and an upload begins with such a HEAD.
    """
    return [
        {
            "Sid": "List" + "".join(camel_case(storage.location) for storage in inside),
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": arn(inside[0]),
            "Condition": {
                "StringLike": {"s3:prefix": [f"{storage.location}/*" for storage in inside]}
            },
        }
        for inside in buckets_of(storages).values()
    ]


def may_set_up(storages) -> list[dict]:
    """Allow what setup_bucket does, on the buckets of some storages."""
    resources = [arn(inside[0]) for inside in buckets_of(storages).values()]
    return [
        {"Sid": "SetUp", "Effect": "Allow", "Action": SETUP_ACTIONS, "Resource": resources},
    ]
