"""Requests of the tests of tests/support/strict_s3.py."""

import http.client
import json
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

BUCKET, OTHER_BUCKET = "portal-files", "other-files"
REGION = "eu-west-1"
LINK_SECONDS = 600
RESUME = "protected/resume.pdf"
CONTENT = b"%PDF-1.7 a resume"
OWNER = Credentials("owner", "owner-secret")
CREDENTIALS = {"owner": "owner-secret", "reader": "reader-secret"}
RELAXED = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
AWKWARD_KEYS = [
    "résumé 日本.pdf",
    "a+b.pdf",
    "100%.pdf",
    "a%20b.pdf",
    "a%2Fb.pdf",
    "a b.pdf",
    "a//b.pdf",
    "/leading.pdf",
    "directory/",
    "quo'te(1)!*~;=&?#[x].pdf",
]


def client_of(server, access_key, secret, **config):
    config = {"signature_version": "s3v4", "retries": {"total_max_attempts": 1}} | config
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        region_name=config.pop("region_name", REGION),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret,
        config=Config(s3={"addressing_style": "path"}, **config),
    )


def create_bucket(client, name):
    client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})


def presign(client, operation="get_object", seconds=LINK_SECONDS, key=RESUME, **parameters):
    parameters |= {"Bucket": BUCKET, "Key": key}
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)


def fetch(server, url, method="GET", headers=(), body=None, host=None):
    """Send exactly this URL to the server: no redirect, no retry, no tidying of the path."""
    parts = urlsplit(url)
    target = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    connection = http.client.HTTPConnection(server.host, server.port, timeout=5)
    try:
        headers = {"Host": host or parts.netloc, **dict(headers)}
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        response.content = response.read()
        return response
    finally:
        connection.close()


def error_of(response):
    """Return the status and the code in S3's error document."""
    code = response.content.partition(b"<Code>")[2].partition(b"</Code>")[0]
    return response.status, code.decode()


def object_url(server, key, bucket=BUCKET):
    return f"{server.endpoint_url}/{bucket}/{key}"


def refused(call, /, **arguments):
    """Return the code with which the server refuses a client's call."""
    with pytest.raises(ClientError) as refusal:
        call(**arguments)
    return refusal.value.response["Error"]["Code"]


def statement(effect, pattern, **more):
    resource = f"arn:aws:s3:::{BUCKET}/{pattern}"
    return {
        "Effect": effect,
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": resource,
    } | more


def allow(pattern, **more):
    return statement("Allow", pattern, **more)


def deny(pattern, **more):
    return statement("Deny", pattern, **more)


def put_policy(client, *statements):
    policy = {"Version": "2012-10-17", "Statement": statements}
    client.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))


def signed(
    server,
    method="GET",
    path=f"/{BUCKET}/{RESUME}",
    body=b"",
    headers=(),
    trailer=None,
    signer_class=S3SigV4Auth,
):
    """Return the headers that sign a request in the owner's name."""
    request = AWSRequest(method, server.endpoint_url + path, dict(headers), body)
    if trailer:
        request.context["checksum"] = {"request_algorithm": {"in": "trailer", "name": trailer}}
    signer_class(OWNER, "s3", REGION).add_auth(request)
    return dict(request.headers)
