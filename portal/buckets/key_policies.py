"""Least privilege: what each key pair of this site has to be allowed, and nothing besides.

Identity policies in IAM's JSON, one for each key pair: `setup_bucket --print-iam` prints them.
"""

from .documents import arn, buckets_of, camel_case, objects, policy

# A HEAD is a GetObject, and a link to a file opens what its signer may get. PutObject covers every
# part of an upload in parts; to give one up is a right of its own.
UPLOAD_ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
# collectstatic lists what is there and adds what is not. Old assets stay: pages still name them.
ASSETS_ACTIONS = ["s3:PutObject"]
SETUP_ACTIONS = [
    "s3:CreateBucket",
    "s3:ListBucket",  # whether it is there
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


def policies(storages: dict, live: dict) -> dict[str, dict]:
    """The policy of each key pair, by what it is for.

    `storages` are this site's by alias; `live` are those that a staging copy is made of. Makes no
    request.
    """
    uploads = [storages["default"], storages["protected"]]
    assets = [storages["assets"]]
    with_app_key = [each for each in assets if each.access_key == uploads[0].access_key]
    return {
        "app": policy(
            may("KeepUploads", UPLOAD_ACTIONS, uploads)
            + may("AddAssets", ASSETS_ACTIONS, with_app_key)
            + may_list(uploads + with_app_key)
        ),
        "assets": policy(may("AddAssets", ASSETS_ACTIONS, assets) + may_list(assets)),
        "live": policy(may("ReadFiles", ["s3:GetObject"], live.values()) + may_list(live.values())),
        "operator": policy(may_set_up(uploads + assets)),
    }


def may(sid: str, actions: list[str], storages) -> list[dict]:
    resources = [objects(storage) for storage in storages]
    statement = {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}
    return [statement] if resources else []


def may_list(storages) -> list[dict]:
    """Leave to list below the prefixes, and with it to be told that a file there is missing.

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
    resources = [arn(inside[0]) for inside in buckets_of(storages).values()]
    return [
        {"Sid": "SetUp", "Effect": "Allow", "Action": SETUP_ACTIONS, "Resource": resources},
    ]
