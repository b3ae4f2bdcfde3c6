"""The addresses of buckets and of the objects in them.

Imports no boto3, which takes a third of a second, so that settings may use it.
"""

import re
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

AWS_HOST = re.compile(r"(.+\.)?s3[.-](.+\.)?amazonaws\.com(\.cn)?")
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::")
# A bucket's name that can be one label of a host name. A certificate for *.s3.region... covers one
# label, so it does not match a name with a dot; host names have neither capitals nor _.
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def prefix_of(storage) -> str:
    """Return what a storage's keys begin with; empty where it has a whole bucket to itself."""
    location = storage.location.strip("/")
    return f"{location}/" if location else ""


def addressing_style(endpoint_url: str | None, bucket: str) -> str:
    """Return the addressing style to use by default: "virtual" (bucket.host) or "path".

    "path" if the host has no subdomains or the bucket's name cannot be part of a host name.
    """
    if has_subdomains(endpoint_url) and LABEL.fullmatch(bucket):
        return "virtual"
    return "path"


def has_subdomains(endpoint_url: str | None) -> bool:
    """Return False if the endpoint's host is an IP address or localhost."""
    host = urlsplit(endpoint_url or "").hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return host != "localhost"
    return False


def bucket_url(
    bucket: str, region: str, endpoint_url: str | None = None, style: str | None = None
) -> str:
    """Return the address that a bucket's keys are appended to, without a slash at its end.

    Its host is that of the region: the old global host redirects requests for a new bucket for
    hours.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    endpoint = urlsplit(endpoint_url or f"https://s3.{region}.{suffix}")
    base = f"{endpoint.netloc}{endpoint.path.rstrip('/')}"
    if (style or addressing_style(endpoint_url, bucket)) == "path":
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
    """Return the address of a storage with these options, with a slash at its end.

    A custom domain serves the whole bucket, so its paths are the bucket's keys.
    """
    base = bucket_url(bucket_name, region_name, endpoint_url, addressing_style)
    return f"{f'https://{custom_domain}' if custom_domain else base}/{location}/"


def quote_key(key: str) -> str:
    """Encode an object's key for an address, and for what Signature Version 4 signs."""
    return quote(key)  # leaves letters, digits and -._~/ as they are


def is_within(prefix: str, other: str) -> bool:
    """Return True if what lies below `prefix` lies below `other` too.

    Whole names are compared: "media/site" lies within "media", "media-old" does not. A slash at
    the end makes no difference; the empty prefix is the whole bucket.
    """
    other = other.rstrip("/")
    return not other or f"{prefix.rstrip('/')}/".startswith(f"{other}/")


def service(endpoint_url: str | None, region: str) -> str:
    """Return the name of an S3 service, the same for all its addresses.

    The hosts of all AWS regions are one service, because each of them can reach every bucket.
    """
    address = urlsplit(endpoint_url or "https://s3.amazonaws.com")
    host = (address.hostname or "").rstrip(".")
    if AWS_HOST.fullmatch(host):
        return "aws-cn" if host.endswith(".cn") or region.startswith("cn-") else "aws"
    if LOOPBACK.fullmatch(host):
        host = "localhost"
    # The same host is the same service over http and https, each at its own port.
    port = "" if address.port in {None, 80, 443} else f":{address.port}"
    return f"{host}{port}{address.path.rstrip('/')}"
