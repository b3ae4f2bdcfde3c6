"""Least privilege: an IAM policy for each key pair of this site, which allows what it needs.

`setup_bucket --print-iam` prints them.
"""

from portal.files.storages import AssetsStorage
from portal.s3.addresses import prefix_of

from .documents import arn, buckets_of, camel_case, objects, policy_document

# A HEAD needs GetObject, and so does the signer of a link. PutObject covers the parts of an upload
# in parts; aborting one needs a permission of its own.
UPLOAD_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
# collectstatic lists the assets and adds those that are missing. Old ones stay: pages link to them.
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

    `storages` are this site's, by alias. `live` are those that a staging copy reads from; if there
    are none, the policy "live" is for this site's own uploads. The policy "app" is for the key of
    the first storage of uploads; each other key pair for uploads has a policy of its own, named
    after the first alias that uses it.
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
    """Return the statement that allows actions on the files of storages; none without storages."""
    resources = [objects(storage) for storage in storages]
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return [statement] if resources else []


def may_list(storages: list) -> list[dict]:
    """Return the statements that allow listing below the prefixes.

    Uploads need it: each begins with a HEAD to see if the name is free, and without the permission
    to list, S3 answers 403 instead of 404.
    """
    return [
        {
            "Sid": "List" + "".join(camel_case(storage.location) for storage in inside),
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": arn(inside[0]),
            "Condition": {
                "StringLike": {"s3:prefix": [f"{prefix_of(storage)}*" for storage in inside]}
            },
        }
        for inside in buckets_of(storages).values()
    ]


def may_set_up(storages) -> list[dict]:
    """Return the statement that allows setup_bucket to configure the buckets of storages."""
    resources = [arn(inside[0]) for inside in buckets_of(storages).values()]
    return [
        {"Sid": "SetUp", "Effect": "Allow", "Action": SETUP_ACTIONS, "Resource": resources},
    ]
