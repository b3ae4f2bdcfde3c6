"""StorageError, which callers get in place of boto3's exceptions, and its details.

portal/s3/codes.py explains S3's error codes.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

ENDLESS = "what answers there redirects each request"


class StorageError(OSError):
    """S3 could not be reached, or refused; the cause is the vendor's own exception.

    `storage` is the storage whose bucket was asked, if that is known: hints name its settings.
    """

    def __init__(self, *args, storage: Any = None):
        super().__init__(*args)
        self.storage = storage


@contextlib.contextmanager
def storage_errors(action: str, name: str, storage=None) -> Iterator[None]:
    """Turn boto3's exceptions into StorageError, so that callers need not handle them."""
    try:
        yield
    except (BotoCoreError, Boto3Error, ClientError, RecursionError) as error:
        kind = kind_of(error)
        failure = StorageError(f"Could not {action} {name}: {kind}", storage=storage)
        raise failure from (None if kind == ENDLESS else error)


def kind_of(error: Exception) -> str:
    """Return what kind of an exception of boto3's it is, in a word or a few."""
    # Where a bucket is, botocore asks of what redirects each request, that one included.
    if RecursionError in {type(error), type(error.__context__)}:
        return ENDLESS
    kind = type(error).__name__
    # ClientError says nothing: S3's other errors are named by their codes.
    return f"{kind} {code_in(error)}".rstrip() if kind == "ClientError" else kind


def is_answer(error: StorageError) -> bool:
    """Return True if S3 has answered with a refusal, and False if there was no answer."""
    return isinstance(error.__cause__, ClientError)


def code_of(error: StorageError) -> str:
    """Return S3's error code, such as AccessDenied; empty if there was no answer."""
    return code_in(error.__cause__)


def code_in(answer: BaseException | None) -> str:
    """Return the code in S3's answer; empty for any other exception."""
    return answer.response["Error"].get("Code", "") if isinstance(answer, ClientError) else ""


def describe(error: StorageError) -> str:
    """Return what S3 answered, in a few words."""
    if is_answer(error):
        return f"answered {code_of(error)}"
    if error.__cause__ is None:  # what has answered is not S3
        return str(error)
    return f"no answer: {type(error.__cause__).__name__}"
