"""Things that take time to make, which a process makes once and then uses again."""

from http import HTTPStatus

import pytest

from portal import middleware, refusals
from portal.accounts import backends
from portal.s3 import client, connections, signing
from portal.staging import drawings, invented

KEYS = ("AKIA", "secret", "eu-west-1", None, "virtual", 2)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (middleware.policy_header, ()),
        (refusals.refusal, (HTTPStatus.REQUEST_TIMEOUT,)),
        (connections.trusted_authorities, ()),
        (client._first_resource, KEYS),
        (signing.signing_key, ("secret", "20261124", "eu-west-1")),
        (signing.quoted, ("a b",)),
        (backends.select_user, ("sqlite",)),
        (drawings.font, (11,)),
        (invented.letters_by_script, ()),
        (invented.vocabulary, ("LATIN", "secret")),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_it_is_the_same_the_second_time(function, arguments):
    assert function(*arguments) is function(*arguments)
    assert function.cache_info().currsize > 0


def test_a_process_keeps_a_few_days_keys_and_the_names_of_parameters():
    assert signing.signing_key.cache_info().maxsize == 32
    assert signing.quoted.cache_info().maxsize == 256
