"""What holds for every connection to S3, whoever opens it; without boto3."""

import ssl
from functools import cache

from botocore.httpsession import get_cert_path

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 5


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Trust the authorities of the machine, and botocore's own, for a machine may have none."""
    context = ssl.create_default_context()
    context.load_verify_locations(get_cert_path(True))
    return context
