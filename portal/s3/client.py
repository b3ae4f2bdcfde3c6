"""boto3 as this site uses it: one client per process, bounded in time."""

import functools
import threading

import boto3
from botocore.config import Config

from .connections import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS

REQUEST_ATTEMPTS = 2  # with the time-outs of connections.py: an answer within Heroku's 30 seconds
COMMAND_ATTEMPTS = 5  # no page waits for a command


def client_config(style: str, attempts: int = REQUEST_ATTEMPTS) -> Config:
    """Return settings for boto3: SigV4, time limits, no checksums, which some servers refuse."""
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
    """Return a boto3 resource that uses the process's one client for these keys and endpoint.

    Clients may be shared by threads, resources may not: each call returns a new resource. That
    costs microseconds, because its class and its client are built only once.
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
    resource.meta.client.meta.events.register("before-call.s3.HeadBucket", redirect_once)
    return resource


def redirect_once(context, **kwargs) -> None:
    """Have botocore take the answer to a HEAD of a bucket as it is.

    After a redirect it asks for the bucket's region in this way. Where all requests are redirected,
    as from http to https, it asked again after each answer, and ended in a RecursionError.
    """
    context["s3_redirect"]["redirected"] = True
