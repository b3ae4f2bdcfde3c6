"""What setup_bucket refuses before its first request: storages that it would harm."""

import pytest
from django.core.management import CommandError
from storages.backends.s3 import S3Storage

from tests.conftest import BUCKET

from .runs import anonymous_get, setup_bucket

STOCK = "storages.backends.s3.S3Storage"


@pytest.fixture
def stock(configured, settings):
    """Replace the site's storages by two of a stock class, in one bucket; options may differ."""
    bucket = settings.STORAGES["protected"]["OPTIONS"]

    def use(*, live=None, **changes):
        options = {
            "default": {"location": "pictures", "querystring_auth": False},
            "papers": {"location": "papers"},
        }
        storages = {
            alias: {"BACKEND": STOCK, "OPTIONS": bucket | own | changes.get(alias, {})}
            for alias, own in options.items()
        }
        settings.STORAGES = {"staticfiles": settings.STORAGES["staticfiles"]} | storages
        twin = {"BACKEND": STOCK, "OPTIONS": bucket | (live or {})}
        settings.LIVE_STORAGES = {"papers": twin} if live else {}

    return use


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("changes", "held"),
    [
        ({"default": {"location": ""}}, "papers"),
        ({"papers": {"location": "pictures/papers"}}, "papers"),
        ({"papers": {"location": "pictures"}}, "papers"),
        ({"default": {"location": ""}, "live": {"location": "old"}}, "papers and live papers"),
        ({"live": {"location": "pictures/old"}}, "live papers"),
        # One bucket, by another address of its service.
        ({"papers": {"location": "pictures", "endpoint_url": "https://s3.example.org"}}, "papers"),
    ],
)
def test_it_opens_no_prefix_with_protected_files(stock, configured, changes, held, arguments):
    stock(**changes)

    with pytest.raises(CommandError) as refused:
        setup_bucket(*arguments)

    is_whole = changes.get("default") == {"location": ""}
    assert str(refused.value) == (
        "Nothing was changed.\n"
        f'Opening {"all" if is_whole else "pictures/*"} of {BUCKET}, for STORAGES["default"],'
        f" would open the protected files of {held} to everyone: change location or bucket_name in"
        " its OPTIONS."
    )
    assert not configured.requests


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"papers": {"location": "pictures-and-papers"}},
        {"papers": {"location": "", "bucket_name": "papers"}, "default": {"location": ""}},
        {"live": {"location": "originals"}},
    ],
)
def test_it_opens_a_prefix_apart_from_protected_files(stock, configured, changes):
    stock(**changes)

    setup_bucket()

    assert anonymous_get(configured, "pictures/x.webp") == 200
    if changes.get("default") is None:
        assert anonymous_get(configured, "papers/x.pdf") == 403


class GrantingStorage(S3Storage):
    """A project's own class, which sets an ACL in its code."""

    def get_object_parameters(self, name):
        return super().get_object_parameters(name) | {"ACL": "public-read"}


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    ("options", "acl"),
    [
        ({"default_acl": "public-read"}, "public-read"),
        ({"default_acl": "private"}, "private"),
        ({"object_parameters": {"ACL": "public-read"}}, "public-read"),
        ({"object_parameters": {"GrantRead": "id=1"}}, "GrantRead"),
        ({"default_acl": "private", "object_parameters": {"GrantRead": "id=1"}},
         "private, GrantRead"),
    ],
)  # fmt: skip
def test_it_ends_no_uploads_that_set_an_acl(stock, configured, options, acl, arguments):
    """A bucket that is set up has none, and S3 refuses such uploads."""
    stock(papers=options)

    with pytest.raises(CommandError, match=f'"papers". gives each upload an ACL, {acl}, '):
        setup_bucket(*arguments)

    assert not configured.requests


def test_an_acl_that_a_class_sets_in_its_code_counts_too(stock, configured, settings):
    stock()
    mine = f"{__name__}.{GrantingStorage.__name__}"
    papers = settings.STORAGES["papers"] | {"BACKEND": mine}
    settings.STORAGES = settings.STORAGES | {"papers": papers}

    with pytest.raises(CommandError, match="an ACL, public-read,"):
        setup_bucket()

    assert not configured.requests


@pytest.mark.parametrize(
    "options",
    [
        {"default_acl": "bucket-owner-full-control"},
        {"default_acl": "private", "object_parameters": {"ACL": "bucket-owner-full-control"}},
        {"default_acl": ""},
        {"object_parameters": {"CacheControl": "no-cache", "StorageClass": "STANDARD_IA"}},
    ],
)
def test_other_options_of_uploads_are_no_reason(stock, configured, options):
    stock(papers=options)

    assert "bucket: created" in setup_bucket()


def test_what_keys_may_do_is_printed_all_the_same(stock):
    stock(default={"location": ""})

    assert "s3:GetObject" in setup_bucket("--print-iam", "app")
