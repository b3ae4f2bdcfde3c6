"""Time limits and trusted certificates of every connection to S3. Imports no boto3."""

import ssl
from functools import cache

from botocore.httpsession import get_cert_path

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Return a TLS context that trusts the machine's authorities, if it has any, and botocore's."""
    context = ssl.create_default_context()
    context.load_verify_locations(get_cert_path(True))
    return context
