"""The addresses of buckets and of the objects in them.

Imports no boto3, which takes a third of a second, so that settings may use it.
"""

import re
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

AWS_HOST = re.compile(r"(.+\.)?s3[.-](.+\.)?amazonaws\.com(\.cn)?")
LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1|0\.0\.0\.0|::")
# A bucket's name that can be one label of a host name. Certificates are for *.s3.region...: one
# label, so that a name with a dot has none that matches; hosts know neither capitals nor _.
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def addressing_style(endpoint_url: str | None, bucket: str = "") -> str:
    """Return the style that works without being asked for: "virtual" (bucket.host) or "path".

    Path, if the host has no subdomains or the bucket's name cannot be a part of a host name.
    """
    if has_subdomains(endpoint_url) and (not bucket or LABEL.fullmatch(bucket)):
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
    """The address below which a bucket's keys are found, without a slash at its end.

    Regional, because the old global host answers a new bucket with a redirect for hours.
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
    """The address, with a slash at its end, below which a storage with these options has its files.

    A custom domain is one for the whole bucket, so that its paths are the bucket's keys.
    """
    base = bucket_url(bucket_name, region_name, endpoint_url, addressing_style)
    return f"{f'https://{custom_domain}' if custom_domain else base}/{location}/"


def quote_key(key: str) -> str:
    """An object's key as it stands in an address, and in what Signature Version 4 signs."""
    return quote(key)  # leaves letters, digits and -._~/ as they are


def is_within(prefix: str, other: str) -> bool:
    """Return True if what lies below `prefix` lies below `other` too.

    Whole names are compared: "media/site" lies within "media", "media-old" does not. A slash at
    the end makes no difference; the empty prefix is the whole bucket.
    """
    other = other.rstrip("/")
    return not other or f"{prefix.rstrip('/')}/".startswith(f"{other}/")


def service(endpoint_url: str | None, region: str) -> str:
    """The one name of an S3 service under all its addresses.

    Buckets of AWS are known to all of its regions: their hosts count as one.
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
