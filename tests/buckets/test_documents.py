"""The documents and the key policies, whole: what they hold, and what they do not."""

import pytest

from portal.buckets import documents
from portal.buckets.key_policies import key_policies
from portal.files.storages import AssetsStorage, ProtectedMediaStorage, PublicMediaStorage

AWS = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
    "region_name": "eu-west-1", "endpoint_url": None,
}  # fmt: skip
MINIO = {"endpoint_url": "https://minio.example.org"}


def storages(**options):
    """The three storages of a site."""
    return {
        "default": PublicMediaStorage(**AWS | options, location="media"),
        "protected": ProtectedMediaStorage(**AWS | options, location="protected"),
        "assets": AssetsStorage(**AWS | options, location="assets"),
    }


def opening(sid, prefix):
    return {
        "Sid": sid, "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::society/{prefix}/*",
    }  # fmt: skip


OPEN = [
    opening("PortalPublicReadMedia", "media"),
    opening("PortalPublicReadAssets", "assets"),
]
LINK_AGE = {
    "Sid": "PortalLinkAgeProtected",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:GetObject",
    "Resource": "arn:aws:s3:::society/protected/*",
    "Condition": {
        "StringEquals": {"s3:authType": "REST-QUERY-STRING"},
        "NumericGreaterThan": {"s3:signatureAge": "610000"},
    },
}
TLS = {
    "Sid": "PortalTlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::society", "arn:aws:s3:::society/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}
LIFECYCLE = {
    "Rules": [
        {
            "ID": "PortalAbortStaleUploads",
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }
    ]
}


def by_default(algorithm):
    return {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}


def block(*, is_closed):
    return {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": is_closed,
        "RestrictPublicBuckets": is_closed,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("inside", "statements", "is_closed", "encryption"),
    [
        (storages(), [*OPEN, LINK_AGE, TLS], False, "AES256"),
        (storages(**MINIO), [*OPEN, LINK_AGE], False, None),
        ({"protected": storages()["protected"]}, [LINK_AGE, TLS], True, "AES256"),
        ({"assets": storages()["assets"]}, [OPEN[1], TLS], False, "AES256"),
        (
            storages() | {"second": storages()["default"]},
            [*OPEN[::-1], LINK_AGE, TLS],
            False,
            "AES256",
        ),
    ],
    ids=["aws", "elsewhere", "protected alone", "assets alone", "one prefix twice"],
)
def test_a_bucket_is_told_this_and_nothing_else(inside, statements, is_closed, encryption):
    """S4: the public prefixes are opened, single files of them, and links are limited in age."""
    assert documents.bucket_documents(list(inside.values())) == {
        "PublicAccessBlockConfiguration": block(is_closed=is_closed),
        "Policy": {"Version": "2012-10-17", "Statement": statements},
        "ServerSideEncryptionConfiguration": encryption and {"Rules": [by_default(encryption)]},
        "LifecycleConfiguration": LIFECYCLE,
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    }


def allow(sid, action, resource):
    return {"Sid": sid, "Effect": "Allow", "Action": action, "Resource": resource}


def listing(sid, bucket, *prefixes):
    condition = {"StringLike": {"s3:prefix": [f"{prefix}/*" for prefix in prefixes]}}
    return allow(sid, "s3:ListBucket", f"arn:aws:s3:::{bucket}") | {"Condition": condition}


UPLOAD = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
FILES = "arn:aws:s3:::society/"
UPLOADS = [f"{FILES}media/*", f"{FILES}protected/*"]


def statements_of(policies):
    assert {policy["Version"] for policy in policies.values()} == {"2012-10-17"}
    return {key: policy["Statement"] for key, policy in policies.items()}


def test_each_key_may_do_what_it_is_for():
    """S4, Y2: the app keeps uploads and adds assets, live only reads."""
    found = statements_of(key_policies(storages(), {}))

    [operator] = found.pop("operator")
    assert found == {
        "app": [
            allow("KeepUploads", UPLOAD, UPLOADS),
            allow("AddAssets", ["s3:PutObject"], [f"{FILES}assets/*"]),
            listing("ListMediaProtectedAssets", "society", "media", "protected", "assets"),
        ],
        "assets": [
            allow("AddAssets", ["s3:PutObject"], [f"{FILES}assets/*"]),
            listing("ListAssets", "society", "assets"),
        ],
        "live": [
            allow("ReadFiles", ["s3:GetObject"], UPLOADS),
            listing("ListMediaProtected", "society", "media", "protected"),
        ],
    }
    what = ["PublicAccessBlock", "Policy", "LifecycleConfiguration", "OwnershipControls"]
    assert operator == allow("SetUp", operator["Action"], ["arn:aws:s3:::society"])
    assert set(operator["Action"]) == {
        "s3:CreateBucket", "s3:ListBucket", "s3:GetEncryptionConfiguration",
        "s3:PutEncryptionConfiguration", "s3:GetLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        *(f"s3:{verb}Bucket{each}" for verb in ("Get", "Put") for each in what if each[0] != "L"),
    }  # fmt: skip


def test_keys_and_buckets_of_their_own_have_policies_of_their_own():
    """Y13, Y2: and those of the live site are read, not this site's."""
    own = storages()
    own["assets"] = AssetsStorage(
        **AWS | {"access_key": "AKIAASSETS", "bucket_name": "assets-bucket"}, location="assets"
    )
    own["minutes"] = ProtectedMediaStorage(**AWS | {"access_key": "AKIAMIN"}, location="min/a-b")
    live = {"default": PublicMediaStorage(**AWS | {"bucket_name": "live"}, location="m")}

    found = statements_of(key_policies(own, live))

    of_assets = "arn:aws:s3:::assets-bucket/assets/*"
    operator = found.pop("operator")[0]
    assert operator["Resource"] == ["arn:aws:s3:::society", "arn:aws:s3:::assets-bucket"]
    assert found == {
        "app": [
            allow("KeepUploads", UPLOAD, UPLOADS),
            listing("ListMediaProtected", "society", "media", "protected"),
        ],
        "assets": [
            allow("AddAssets", ["s3:PutObject"], [of_assets]),
            listing("ListAssets", "assets-bucket", "assets"),
        ],
        "live": [
            allow("ReadFiles", ["s3:GetObject"], ["arn:aws:s3:::live/m/*"]),
            listing("ListM", "live", "m"),
        ],
        "storage-minutes": [
            allow("KeepUploads", UPLOAD, [f"{FILES}min/a-b/*"]),
            listing("ListMinAB", "society", "min/a-b"),
        ],
    }


def test_buckets_of_one_name_at_two_services_are_told_apart():
    own, other = storages(), storages(**MINIO)
    apart = [own["default"], own["protected"], other["default"]]

    assert documents.buckets_of(apart[:2]) == {"society": apart[:2]}
    assert documents.buckets_of(apart) == {
        "society at AWS": apart[:2],
        "society at https://minio.example.org": apart[2:],
    }


@pytest.mark.parametrize(
    ("options", "is_aws"),
    [
        ({}, True),
        ({"region_name": "cn-north-1"}, True),
        ({"endpoint_url": "https://s3.eu-west-1.amazonaws.com"}, True),
        ({"endpoint_url": "http://s3.eu-west-1.amazonaws.com"}, False),
        (MINIO, False),
        ({"endpoint_url": "http://127.0.0.1:9000"}, False),
    ],
)
def test_aws_is_known_by_its_hosts_over_tls(options, is_aws):
    assert documents.is_aws(storages(**options)["default"]) is is_aws


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"a": ["x"]}, {"a": "x"}, True),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, True),
        ({"a": [{"b": 1}, {"c": [2]}]}, {"a": [{"c": 2}, {"b": 1}]}, True),
        ({"Principal": {"AWS": "*"}}, {"Principal": "*"}, True),
        ({"Principal": {"AWS": ["*"]}}, {"Principal": "*"}, True),
        ({"Principal": {"AWS": "arn:aws:iam::1:root"}}, {"Principal": "*"}, False),
        ({"a": ["x", "y"]}, {"a": ["x"]}, False),
        ({"a": "x"}, {"a": "x", "b": "y"}, False),
        ({"a": True}, {"a": False}, False),
        (None, None, True),
        (None, [], False),
    ],
)
def test_documents_are_compared_by_what_they_mean(one, other, expected):
    assert documents.same_document(one, other) is expected
    assert documents.same_document(other, one) is expected


def test_what_others_have_written_stays_and_comes_first():
    ours = [{"Sid": "PortalNew"}]
    theirs = [{"Sid": "Backup"}, {"Effect": "Deny"}, {"Sid": "Portal"}, {"Sid": "PortalOld"}]

    assert documents.merged(theirs, ours, "Sid") == [*theirs[:2], *ours]
    assert documents.merged([], ours, "Sid") == ours


@pytest.mark.parametrize(
    ("present", "algorithm"),
    [
        (None, ""),
        ({"Rules": []}, ""),
        ({"Rules": [{"BucketKeyEnabled": True}]}, ""),
        ({"Rules": [by_default("aws:kms")]}, "aws:kms"),
        ({"Rules": [{}, by_default("AES256")]}, "AES256"),
    ],
)
def test_an_encryption_is_known_by_its_algorithm(present, algorithm):
    assert documents.algorithm(present) == algorithm
