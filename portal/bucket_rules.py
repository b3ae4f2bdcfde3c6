"""Rules for the bucket names that can be addressed at an endpoint, and for who serves assets.

Without these rules a bucket a.b would be asked for at https://a.b.s3.eu-west-1.amazonaws.com, for
which no certificate is valid, and each request would fail long after the site has started.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .environment import Environment
from .s3.addresses import LABEL, service
from .shapes import is_ip_address

# docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
AWS_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
AWS_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
# In bucket.vpce-..., the address of a VPC's endpoint, "bucket" is literal, and no bucket's name.
AWS_ENDPOINT = re.compile(r"((bucket\.)?vpce-[^.]+\.)?s3[.-]([a-z0-9.-]+\.)?amazonaws\.com(\.cn)?")


def settle_address(
    env: Environment,
    prefix: str,
    found: dict[str, Any],
    buckets: Iterable[str],
    called: Mapping[str, str],
) -> None:
    """Give an endpoint its default region, and refuse what could not be addressed there.

    `prefix` begins the names of region, endpoint and addressing style in `found`; `buckets` are the
    names of the buckets in it. `called` has the names to use in messages, where they differ.
    """
    region_name, endpoint_name, style_name = (
        f"{prefix}_{what}" for what in ("REGION_NAME", "ENDPOINT_URL", "ADDRESSING_STYLE")
    )
    endpoint, style = found[endpoint_name], found[style_name]
    names = {name: found[name] for name in buckets if found[name]}
    is_aws = service(endpoint, "") in {"aws", "aws-cn"}
    if endpoint:
        found[region_name] = found[region_name] or "us-east-1"  # S3-compatible servers' own default
        if has_bucket(endpoint, names.values(), is_aws=is_aws):
            env.refuse(
                f"{endpoint_name} must be the provider's address without the bucket's name in it."
            )
        if style == "virtual" and is_ip_address(urlsplit(endpoint).hostname):
            env.refuse(f"{style_name} must be path, or unset: an IP address has no subdomains.")
    if is_aws:
        region = found[region_name] = found[region_name] and found[region_name].lower()
        if region and not AWS_REGION.fullmatch(region):
            shown = called.get(region_name, region_name)
            env.refuse(f"{shown} must be one of AWS's regions, such as eu-west-1.")
    for name, bucket in names.items():
        shown = called.get(name, name)
        if is_aws and not AWS_BUCKET.fullmatch(bucket):
            env.refuse(
                f"{shown} must be a name that AWS allows: 3 to 63 small letters, digits, . and -."
            )
        elif style == "virtual" and not LABEL.fullmatch(bucket):
            env.refuse(
                f"{style_name} must be path, or unset, for the bucket of {shown} has dots, capitals"
                " or _ in its name: no certificate is valid for a host of that name."
            )


def has_bucket(endpoint: str, buckets: Iterable[str], *, is_aws: bool) -> bool:
    """Return True for bucket.host and host/bucket, to which the bucket would be added again."""
    host, _, path = endpoint.partition("://")[2].partition("/")
    if is_aws and not AWS_ENDPOINT.fullmatch(host.partition(":")[0]):
        return True
    return any(
        host.startswith(f"{bucket.lower()}.") or bucket in path.split("/") for bucket in buckets
    )


def assets_are_with_site(env: Environment, bucket: dict) -> bool:
    """Return True if the site serves its assets although it has a bucket, as gateways may want."""
    is_site = env.choice("ASSETS_SERVED_BY", ["bucket", "site"], "bucket") == "site"
    if is_site and (named := [name for name in bucket if "ASSETS" in name and bucket[name]]):
        env.refuse(f"ASSETS_SERVED_BY is site, so unset {', '.join(named)}.")
    return is_site
