"""How this site talks to S3: one client per process, signed links, errors of its own.

The storage policies (portal/storages.py) say what is public and what is not; nothing here does.
"""

import contextlib
import functools
import threading

import boto3
from boto3.exceptions import Boto3Error
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from .timing import measure_s3

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5
REQUEST_ATTEMPTS = 2  # with the time-outs above: an answer within Heroku's 30 seconds
COMMAND_ATTEMPTS = 5  # nobody waits for a page


class StorageError(OSError):
    """S3 could not be reached, or refused; the cause is the vendor's own exception.

    `storage` is the one whose bucket was asked, by which portal/advice.py finds what to correct.
    """

    storage = None


@contextlib.contextmanager
def storage_errors(action: str, name: str, storage=None):
    """Turn what boto3 raises into StorageError, so that no caller has to know boto3."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        failure = StorageError(f"Could not {action} {name}: {type(error).__name__}")
        failure.storage = storage
        raise failure from error


def presigned_url(
    url: str, *, access_key: str, secret_key: str, region: str, seconds: int, parameters: dict
) -> str:
    """Sign a GET of an object's address for so many seconds; makes no request and no client.

    botocore's signer alone takes half the time of a client's generate_presigned_url (make bench).
    `parameters` are S3's response overrides by their wire names, such as response-content-type.
    """
    request = AWSRequest(method="GET", url=url, params=parameters)
    credentials = Credentials(access_key, secret_key)
    S3SigV4QueryAuth(credentials, "s3", region, expires=seconds).add_auth(request)
    return request.url


def client_config(style: str, attempts: int = REQUEST_ATTEMPTS) -> Config:
    """SigV4, bounded in time, and without the checksums that S3-compatible servers refuse."""
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": style},
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )


_building = threading.Lock()


def shared_resource(
    *, access_key, secret_key, region, endpoint_url, style, attempts=REQUEST_ATTEMPTS
):
    """A boto3 resource around the process's one client for these keys and this endpoint.

    Clients may be shared by threads, resources may not: each call returns a new resource, which
    costs microseconds, because the classes behind it and the client are built only once.
    """
    with _building:
        resource = _first_resource(access_key, secret_key, region, endpoint_url, style, attempts)
    return type(resource)(client=resource.meta.client)


@functools.cache
def _first_resource(access_key, secret_key, region, endpoint_url, style, attempts):
    session = boto3.Session(
        aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region
    )
    config = client_config(style, attempts)
    resource = session.resource("s3", endpoint_url=endpoint_url, config=config)
    measure_s3(resource.meta.client)
    return resource
