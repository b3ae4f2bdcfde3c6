"""Checks that a bucket answers at the address in the settings, and that its clock is right."""

from email.utils import parsedate_to_datetime

from django.utils import timezone
from storages.backends.s3 import S3Storage

from portal.files.hints import on_refusal, on_silence

from .anonymous_client import AnonymousClient, Response
from .findings import FAIL, OK, Finding

MAX_SKEW_SECONDS = 60  # a link is valid for that much longer or shorter; at 900 S3 refuses all


def bucket_answers(subject: str, storage: S3Storage, client: AnonymousClient) -> Finding:
    """Check that the bucket exists in the region of the settings, and that the clocks agree."""
    response = client.ask("HEAD", storage.bucket_url)
    region = response.headers.get("x-amz-bucket-region", storage.region_name)
    ahead = seconds_ahead(response)
    outcome, observed, hint = OK, "", ""
    if not response.status:
        outcome, observed, hint = FAIL, str(response), on_silence(subject, storage)
    elif response.status == 404:
        outcome, observed = FAIL, str(response)
        hint = on_refusal("NoSuchBucket", subject, storage)
    elif region != storage.region_name:
        outcome, observed = FAIL, f"it is in {region}"
        hint = on_refusal("PermanentRedirect", subject, storage)
    elif abs(ahead) > MAX_SKEW_SECONDS:
        outcome, observed = FAIL, f"its clock is {ahead:+.0f} s from this machine's"
        hint = on_refusal("RequestTimeTooSkewed", subject, storage)
    statement = f"{storage.bucket_name} answers at {storage.bucket_url}"
    return Finding(outcome, "bucket", statement, observed, hint)


def seconds_ahead(response: Response) -> float:
    """Return how far the server's clock is ahead of this machine's."""
    try:
        date = parsedate_to_datetime(response.headers.get("date", ""))
    except ValueError:
        return 0
    return date.timestamp() - timezone.now().timestamp()
