"""refresh_staging as an operator runs it, on the two sites of the fixture `restored`."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.conftest import s3_client

LIVE, STAGING = "society-live", "society-staging"
MEMBERS, STAFF = 5, 3


def keys_in(server, bucket) -> list[str]:
    listing = s3_client(server).list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in listing.get("Contents", [])]


def staff_keys() -> list[str]:
    numbers = range(MEMBERS, MEMBERS + STAFF)
    return [f"media/avatars/{number}.bin" for number in numbers] + [
        f"protected/resumes/{number}.bin" for number in numbers
    ]


def refresh(*arguments) -> str:
    out = io.StringIO()
    call_command("refresh_staging", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments) -> CommandError:
    with pytest.raises(CommandError) as caught:
        refresh(*arguments)
    return caught.value
