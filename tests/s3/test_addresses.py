"""The addresses of buckets and objects, without a request and without boto3."""

import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from portal.s3.addresses import (
    addressing_style,
    bucket_url,
    prefix_of,
    public_address,
    quote_key,
    service,
)


@pytest.mark.parametrize(
    ("options", "address"),
    [
        (("files", "eu-west-1"), "https://files.s3.eu-west-1.amazonaws.com"),
        (("files", "cn-north-1"), "https://files.s3.cn-north-1.amazonaws.com.cn"),
        (("files", "eu-west-1", None, "path"), "https://s3.eu-west-1.amazonaws.com/files"),
        (("files", "auto", "https://x.r2.example"), "https://files.x.r2.example"),
        (("files", "auto", "https://x.r2.example", "path"), "https://x.r2.example/files"),
        (("files", "us-east-1", "http://127.0.0.1:9000"), "http://127.0.0.1:9000/files"),
        (("files", "us-east-1", "http://[::1]:9000"), "http://[::1]:9000/files"),
        (("files", "us-east-1", "http://localhost:9000/s3/"), "http://localhost:9000/s3/files"),
        (("my.files", "eu-west-1"), "https://s3.eu-west-1.amazonaws.com/my.files"),
    ],
)
def test_a_bucket_has_the_address_that_its_provider_gives_it(options, address):
    assert bucket_url(*options) == address


@pytest.mark.parametrize(
    ("bucket", "style"),
    [
        ("files", "virtual"),
        ("files-2", "virtual"),
        ("my.files", "path"),  # *.s3... certificates have one label
        ("Files", "path"),
        ("my_files", "path"),
        ("-files", "path"),
        ("f" * 64, "path"),
    ],
)
def test_a_name_that_is_no_label_of_a_host_goes_into_the_path(bucket, style):
    assert addressing_style(None, bucket) == style


OPTIONS = {
    "bucket_name": "files", "region_name": "eu-west-1", "endpoint_url": None,
    "addressing_style": None, "location": "media",
}  # fmt: skip


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, "https://files.s3.eu-west-1.amazonaws.com/media/"),
        ({"custom_domain": "cdn.example"}, "https://cdn.example/media/"),
        ({"addressing_style": "path"}, "https://s3.eu-west-1.amazonaws.com/files/media/"),
        ({"access_key": "ignored"}, "https://files.s3.eu-west-1.amazonaws.com/media/"),
    ],
)
def test_public_files_are_below_the_domain_or_the_bucket(options, address):
    assert public_address(**OPTIONS | options) == address


def test_a_key_is_quoted_except_for_what_every_url_may_hold():
    """A quoted ~ would be another address than the one that is signed."""
    unreserved = "a/B/0-._~"

    assert quote_key(unreserved) == unreserved
    assert quote_key("é +%?#&=:@!$'()*,;[]\\") == (
        "%C3%A9%20%2B%25%3F%23%26%3D%3A%40%21%24%27%28%29%2A%2C%3B%5B%5D%5C"
    )
    assert urlsplit(f"https://host/{quote_key('a?b#c')}").path == "/a%3Fb%23c"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("http://localhost:9000", "a"), ("http://127.0.0.1:9000/", "b")),
        (("https://minio.example", "a"), ("http://MINIO.example:80", "a")),
        ((None, "eu-west-1"), ("https://s3.us-east-1.amazonaws.com", "us-east-1")),
        ((None, "eu-west-1"), ("https://bucket.s3-accelerate.amazonaws.com.", "eu-west-1")),
    ],
)
def test_a_service_has_one_name_under_all_its_addresses(one, other):
    assert service(*one) == service(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("http://localhost:9000", "a"), ("http://localhost:9001", "a")),
        ((None, "eu-west-1"), (None, "cn-north-1")),
        ((None, "eu-west-1"), ("https://s3.eu-west-1.amazonaws.com.evil.example", "eu-west-1")),
        (("https://minio.example/one", "a"), ("https://minio.example/two", "a")),
    ],
)
def test_services_that_differ_have_different_names(one, other):
    assert service(*one) != service(*other)


def test_addresses_and_signatures_need_no_boto3():
    """Settings use the addresses in every process, the copy engine both."""
    script = (
        "import sys, portal.s3.addresses, portal.s3.signing, portal.s3.codes,"
        " portal.copying.engine, portal.copying.s3_store;"
        "print(sorted({'boto3', 'portal.settings'} & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("location", "prefix"),
    [("media", "media/"), ("/media/", "media/"), ("a/b/", "a/b/"), ("", ""), ("/", "")],
)
def test_a_prefix_ends_with_one_slash_or_is_the_whole_bucket(location, prefix):
    assert prefix_of(SimpleNamespace(location=location)) == prefix
