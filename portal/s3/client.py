"""How this site talks to S3: where a bucket is, one client per process, signed links.

The storage policies (portal/files/storages.py) say what is public; nothing here does.
"""

import contextlib
import functools
import ipaddress
import threading
from urllib.parse import quote, urlsplit

import boto3
from boto3.exceptions import Boto3Error
from botocore.auth import S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from portal.observability.timing import measure_s3

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5
REQUEST_ATTEMPTS = 2  # with the time-outs above: an answer within Heroku's 30 seconds
COMMAND_ATTEMPTS = 5  # nobody waits for a page


class StorageError(OSError):
    """S3 could not be reached, or refused; the cause is the vendor's own exception."""


@contextlib.contextmanager
def storage_errors(action: str, name: str):
    """Turn what boto3 raises into StorageError, so that no caller has to know boto3."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        raise StorageError(f"Could not {action} {name}: {type(error).__name__}") from error


def addressing_style(endpoint_url: str | None) -> str:
    """The style that works untold: virtual hosts, but paths where the host has no subdomains."""
    host = urlsplit(endpoint_url or "").hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "path" if host == "localhost" else "virtual"
    return "path"


def bucket_url(
    bucket: str, region: str, endpoint_url: str | None = None, style: str | None = None
) -> str:
    """The address below which a bucket's keys are found, without a slash at its end.

    Regional, because the old global host answers a new bucket with a redirect for hours.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = urlsplit(endpoint_url or f"https://s3.{region}.{suffix}")
    base = f"{endpoint.netloc}{endpoint.path.rstrip('/')}"
    if (style or addressing_style(endpoint_url)) == "path":
        return f"{endpoint.scheme}://{base}/{bucket}"
    return f"{endpoint.scheme}://{bucket}.{base}"


def public_address(
    *,
    bucket_name,
    region_name,
    endpoint_url,
    addressing_style,
    location,
    custom_domain=None,
    **keys,
) -> str:
    """The address, with a slash at its end, below which a storage with these options has its files.

    A custom domain is one for the whole bucket, so that its paths are the bucket's keys.
    """
    base = bucket_url(bucket_name, region_name, endpoint_url, addressing_style)
    return f"{f'https://{custom_domain}' if custom_domain else base}/{location}/"


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


def quote_key(key: str) -> str:
    """An object's key as it stands in an address and in what SigV4 signs."""
    return quote(key, safe="/~")


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
