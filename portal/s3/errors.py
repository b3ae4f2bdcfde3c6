"""The one error that callers meet if S3 fails them, and what it was.

portal/s3/codes.py has what S3's codes mean.
"""

import contextlib
from collections.abc import Iterator

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError


class StorageError(OSError):
    """S3 could not be reached, or refused; the cause is the vendor's own exception.

    `storage` is the one whose bucket was asked, if that is known: hints are about its settings.
    """

    storage = None


@contextlib.contextmanager
def storage_errors(action: str, name: str, storage=None) -> Iterator[None]:
    """Turn what boto3 raises into StorageError, so that no caller has to know boto3."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError) as error:
        failure = StorageError(f"Could not {action} {name}: {type(error).__name__}")
        failure.storage = storage
        raise failure from error


def is_answer(error: StorageError) -> bool:
    """Return True if S3 has answered with a refusal, and False if there was no answer."""
    return isinstance(error.__cause__, ClientError)


def code_of(error: StorageError) -> str:
    """S3's own word for what is wrong, such as AccessDenied; empty if there was no answer."""
    return error.__cause__.response["Error"].get("Code", "") if is_answer(error) else ""


def describe(error: StorageError) -> str:
    """What came back, in a few words."""
    if is_answer(error):
        return f"answered {code_of(error)}"
    return f"no answer: {type(error.__cause__).__name__}"
