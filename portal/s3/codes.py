"""The one table of S3's error codes, and the kind of fault that each of them means.

The words of a message and the remedy are the caller's: the copy engine names buckets,
check_storage names variables.
docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

import re
from enum import Enum, auto

# The code and the message in an error's XML, for callers without a library that parses it.
ERROR_CODE = re.compile(rb"<Code>([^<]+)<")
ERROR_MESSAGE = re.compile(rb"<Message>([^<]+)<")


class Kind(Enum):
    """The kinds of fault for which S3 answers with an error."""

    ACCESS_KEY = auto()  # the access key does not exist
    SECRET_KEY = auto()  # the secret key is not that of the access key
    KEYS_EXPIRED = auto()  # the temporary keys have expired
    KEYS_NOT_TAKEN = auto()  # the server does not accept keys of this kind
    CLOCK = auto()  # the time of the signature differs from S3's
    BUCKET = auto()  # there is no such bucket
    BUCKET_NAME = auto()  # no bucket can have this name
    TAKEN_BUCKET = auto()  # another account has a bucket of this name
    OWN_BUCKET = auto()  # the bucket that is to be created exists, and is ours
    REGION = auto()  # the bucket is in another region
    FORBIDDEN = auto()  # the key is right and may not do this
    NO_OBJECT = auto()  # there is no such object
    NOT_FOUND = auto()  # no such object, no such bucket, or no S3: the status is the same
    NOT_SET = auto()  # the bucket has no such configuration yet
    NO_ACL = auto()  # the bucket has no ACLs, and the request sets one
    NOT_SUPPORTED = auto()  # the server has no such feature
    BUSY = auto()  # the same request may succeed later


# Nothing can be done in the bucket until a connection option, or the machine's clock, is corrected.
CONNECTION_KINDS = {
    Kind.ACCESS_KEY, Kind.SECRET_KEY, Kind.KEYS_EXPIRED, Kind.KEYS_NOT_TAKEN, Kind.CLOCK,
    Kind.BUCKET, Kind.REGION,
}  # fmt: skip

# An answer to a HEAD has no body: boto3 gives its HTTP status instead of a code.
KINDS = {
    "InvalidAccessKeyId": Kind.ACCESS_KEY,
    "SignatureDoesNotMatch": Kind.SECRET_KEY,
    "ExpiredToken": Kind.KEYS_EXPIRED,
    "InvalidToken": Kind.KEYS_NOT_TAKEN,
    "RequestTimeTooSkewed": Kind.CLOCK,
    "NoSuchBucket": Kind.BUCKET,
    "InvalidBucketName": Kind.BUCKET_NAME,
    "BucketAlreadyExists": Kind.TAKEN_BUCKET,
    "BucketAlreadyOwnedByYou": Kind.OWN_BUCKET,
    "AuthorizationHeaderMalformed": Kind.REGION,
    "AuthorizationQueryParametersError": Kind.REGION,
    "PermanentRedirect": Kind.REGION,
    "IllegalLocationConstraintException": Kind.REGION,
    "301": Kind.REGION,
    "AccessDenied": Kind.FORBIDDEN,
    "Forbidden": Kind.FORBIDDEN,
    "403": Kind.FORBIDDEN,
    "NoSuchKey": Kind.NO_OBJECT,
    "404": Kind.NOT_FOUND,
    "NoSuchBucketPolicy": Kind.NOT_SET,
    "NoSuchLifecycleConfiguration": Kind.NOT_SET,
    "NoSuchPublicAccessBlockConfiguration": Kind.NOT_SET,
    "OwnershipControlsNotFoundError": Kind.NOT_SET,
    "ServerSideEncryptionConfigurationNotFoundError": Kind.NOT_SET,
    "AccessControlListNotSupported": Kind.NO_ACL,
    "NotImplemented": Kind.NOT_SUPPORTED,
    "XNotImplemented": Kind.NOT_SUPPORTED,
    "MethodNotAllowed": Kind.NOT_SUPPORTED,
    "501": Kind.NOT_SUPPORTED,
    "405": Kind.NOT_SUPPORTED,
    "SlowDown": Kind.BUSY,
    "ServiceUnavailable": Kind.BUSY,
    "InternalError": Kind.BUSY,
    "RequestTimeout": Kind.BUSY,
    "BadDigest": Kind.BUSY,  # the body was damaged on its way
}
