"""The policy of each class: its headers, its links and its addresses, whole. No request is made."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.management import CommandError
from storages.backends.s3 import S3Storage

from portal.files.policies import (
    address_of,
    in_buckets,
    in_buckets_as_they_are,
    is_protected,
    is_public,
    links_are_signed,
    missing_options,
    options_not_heeded,
    policy_of,
)
from portal.files.storages import (
    AssetsStorage,
    PolicyMixin,
    ProtectedFileStorage,
    ProtectedMediaStorage,
    PublicFileStorage,
    PublicMediaStorage,
    custom_domain,
)

AWS = {
    "bucket_name": "society", "access_key": "AKIA", "secret_key": "secret",
    "region_name": "eu-west-1", "location": "files",
}  # fmt: skip
BUCKET = "https://society.s3.eu-west-1.amazonaws.com"
PDF = {"content-type": "application/pdf", "content-disposition": "attachment"}


@pytest.mark.parametrize(
    ("kind", "name", "headers"),
    [
        (PublicMediaStorage, "a.webp",
         {"content-type": "image/webp", "cache-control": "public, max-age=86400"}),
        (PublicMediaStorage, "a.unknown",
         {"content-type": "application/octet-stream", "cache-control": "public, max-age=86400"}),
        (ProtectedMediaStorage, "a.pdf", PDF | {"cache-control": "private, no-store"}),
        (AssetsStorage, "a.0123456789ab.css",
         {"content-type": "text/css", "cache-control": "public, max-age=31536000, immutable"}),
        (AssetsStorage, "a.0123456789a.css",
         {"content-type": "text/css", "cache-control": "public, max-age=300"}),
        (AssetsStorage, "a.css",
         {"content-type": "text/css", "cache-control": "public, max-age=300"}),
    ],
)  # fmt: skip
def test_a_file_is_stored_with_the_headers_of_its_policy(kind, name, headers):
    """I7, S5: the type follows from the stored name."""
    assert kind(**AWS).headers(name) == headers


@pytest.mark.parametrize("kind", [PublicMediaStorage, AssetsStorage])
@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, f"{BUCKET}/files/a%20b%2B.webp"),
        ({"custom_domain": "cdn.example"}, "https://cdn.example/files/a%20b%2B.webp"),
        ({"endpoint_url": "http://127.0.0.1:9/x"}, "http://127.0.0.1:9/x/society/files/a%20b%2B.webp"),
    ],
)  # fmt: skip
def test_a_public_file_has_a_permanent_address(kind, options, address):
    storage = kind(**AWS | options)

    assert storage.url("a b+.webp") == address
    assert custom_domain(storage) == ("https://cdn.example" if "custom_domain" in options else "")


def test_a_protected_file_has_a_link_with_its_headers_and_its_end(settings):
    """S1, S5."""
    settings.PROTECTED_URL_SECONDS = 61
    link = urlsplit(ProtectedMediaStorage(**AWS).url("a.pdf", "Ada.pdf"))

    signed = {name: value for name, [value] in parse_qs(link.query).items()}
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"{BUCKET}/files/a.pdf"
    assert signed.pop("X-Amz-Signature")
    day = signed.pop("X-Amz-Date")[:8]
    assert signed == {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"AKIA/{day}/eu-west-1/s3/aws4_request",
        "X-Amz-Expires": "61",
        "X-Amz-SignedHeaders": "host",
        "response-content-type": "application/pdf",
        "response-content-disposition": 'attachment; filename="Ada.pdf"',
        "response-cache-control": "private, no-store",
    }
    assert custom_domain(ProtectedMediaStorage(**AWS)) == ""


@pytest.mark.parametrize(
    ("options", "is_signed"),
    [
        ({}, True),
        ({"querystring_auth": False}, False),
        ({"custom_domain": "cdn.example"}, False),  # which no signature guards
        ({"querystring_auth": False, "custom_domain": "cdn.example"}, False),
    ],
)
def test_a_stock_class_is_public_or_protected_by_its_links(options, is_signed):
    """Y13."""
    stock = S3Storage(**AWS | {"location": "files/"} | options)

    policy = policy_of(stock)

    kinds = (ProtectedMediaStorage, PublicMediaStorage)
    assert links_are_signed(stock) is is_signed
    assert [isinstance(policy, kind) for kind in kinds] == [is_signed, not is_signed]
    base = "https://cdn.example" if "custom_domain" in options else BUCKET
    address = stock.url("a.pdf") if is_signed else f"{base}/files/a.pdf"
    assert policy.url("a.pdf").partition("?")[0] == address.partition("?")[0]


@pytest.mark.parametrize(
    ("storage", "public", "protected"),
    [
        (PublicMediaStorage(**AWS), True, False),
        (AssetsStorage(**AWS), True, False),
        (ProtectedMediaStorage(**AWS), False, True),
        (ProtectedMediaStorage(**AWS, custom_domain="cdn.example"), False, True),
        (S3Storage(**AWS), False, True),
        (S3Storage(**AWS | {"access_key": None, "secret_key": None}), False, True),
        (S3Storage(**AWS, querystring_auth=False), True, False),
        (S3Storage(**AWS, custom_domain="cdn.example"), True, False),
        (FileSystemStorage("media"), True, False),
        (PublicFileStorage("media"), True, False),
        (ProtectedFileStorage("protected"), False, True),
        (InMemoryStorage(), False, False),
    ],
)
def test_a_storage_of_any_class_is_public_or_protected(storage, public, protected):
    """Y13: of a class that is neither in a bucket nor on a disk, nothing is known."""
    assert (is_public(storage), is_protected(storage)) == (public, protected)


def test_a_stock_class_keeps_what_its_project_has_set():
    """Y13."""
    options = {
        "endpoint_url": "https://s3.example.org", "addressing_style": "path",
        "object_parameters": {
            "CacheControl": "no-cache", "ContentType": "text/plain", "StorageClass": "STANDARD_IA",
        },
        "querystring_expire": 60, "default_acl": "public-read",
    }  # fmt: skip

    policy = policy_of(S3Storage(**AWS | options))

    for name, value in (AWS | options).items():
        assert getattr(policy, name) == value, name
    assert policy.link_seconds == 60
    assert policy.cache_control("a") == "no-cache"
    assert policy.get_object_parameters("a.pdf") == options["object_parameters"]
    assert policy.headers("a.pdf") == {"content-type": "text/plain", "cache-control": "no-cache"}
    plain = policy_of(S3Storage(**AWS))
    assert plain.cache_control("a") == ""
    assert plain.get_object_parameters("a.pdf") == {"ContentType": "application/pdf"}
    public = S3Storage(**AWS, custom_domain="cdn.example", url_protocol="http:")
    assert policy_of(public).url("a") == "http://cdn.example/files/a"


def test_a_stock_class_without_a_region_has_the_one_that_boto3_finds(monkeypatch):
    """Y13."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    nowhere = {name: value for name, value in AWS.items() if name != "region_name"}

    assert policy_of(S3Storage(**nowhere)).region_name == "eu-north-1"
    assert policy_of(S3Storage(**AWS)).region_name == "eu-west-1"


@pytest.mark.parametrize("kind", [S3Storage, ProtectedMediaStorage])
@pytest.mark.parametrize("missing", ["bucket_name", "access_key", "secret_key"])
def test_a_storage_needs_a_bucket_and_a_key_pair(kind, missing):
    """Y13: what signs has to know it."""
    more = "" if missing == "bucket_name" else r" A profile or a role cannot be used here\."
    with pytest.raises(
        CommandError, match=rf'bucket ".*" has no {missing} in its OPTIONS\.{more}$'
    ):
        policy_of(kind(**AWS | {missing: ""}))


@pytest.mark.parametrize("kind", [S3Storage, ProtectedMediaStorage])
def test_an_endpoint_needs_a_scheme(kind):
    with pytest.raises(CommandError, match=r"has s3\.example\.org as its endpoint_url"):
        policy_of(kind(**AWS, endpoint_url="s3.example.org"))

    assert policy_of(kind(**AWS, endpoint_url="http://s3.example.org"))


def test_storages_in_buckets_are_told_from_those_on_disk(tmp_path):
    aliases = {
        "own": {"BACKEND": "portal.files.storages.ProtectedMediaStorage", "OPTIONS": AWS},
        "stock": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": AWS},
        "disk": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path},
        },
    }

    assert list(in_buckets(aliases)) == ["own", "stock"]
    own = in_buckets(aliases)["own"]
    assert policy_of(own) is own


def test_storages_are_told_as_they_are_without_a_key_or_a_request(monkeypatch):
    """Y13: a manifest of assets in the bucket is not read."""
    monkeypatch.setattr(S3Storage, "connection", property(lambda storage: pytest.fail("a request")))
    keyless = {"bucket_name": "society", "location": "files"}
    aliases = {
        "stock": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": keyless},
        "staticfiles": {
            "BACKEND": "storages.backends.s3.S3ManifestStaticStorage",
            "OPTIONS": keyless | {"location": "static"},
        },
        "unset": {"BACKEND": "storages.backends.s3.S3Storage"},
        "disk": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }

    found = in_buckets_as_they_are(aliases)

    assert {alias: (type(each).__name__, is_public(each)) for alias, each in found.items()} == {
        "stock": ("S3Storage", False), "staticfiles": ("S3ManifestStaticStorage", True),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "style"),
    [
        ({}, "virtual"),
        ({"bucket_name": "a.b"}, "path"),
        ({"addressing_style": "path"}, "path"),
        ({"endpoint_url": "http://127.0.0.1:9"}, "path"),
        ({"endpoint_url": "http://localhost:9", "addressing_style": "virtual"}, "virtual"),
    ],
)
def test_requests_go_where_links_do(options, style):
    """C9: in boto3's words; the address of links is in test_addresses.py."""
    storage = ProtectedMediaStorage(**AWS | options)

    assert storage.connection.meta.client.meta.config.s3["addressing_style"] == style
    assert (f"{storage.bucket_name}." in storage.bucket_url) is (style == "virtual")


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({}, BUCKET),
        ({"region_name": "cn-north-1"}, "https://society.s3.cn-north-1.amazonaws.com.cn"),
        ({"bucket_name": "a.b"}, "https://s3.eu-west-1.amazonaws.com/a.b"),
        ({"bucket_name": None}, "https://s3.eu-west-1.amazonaws.com/"),
        ({"access_key": None, "secret_key": None}, BUCKET),
        ({"addressing_style": "path"}, "https://s3.eu-west-1.amazonaws.com/society"),
        ({"endpoint_url": "https://s3.example.org"}, "https://society.s3.example.org"),
    ],
)
def test_a_bucket_of_any_class_has_an_address(options, address):
    assert address_of(S3Storage(**AWS | options)) == address


@pytest.mark.parametrize(
    ("options", "missing", "not_heeded"),
    [
        ({}, [], []),
        ({"bucket_name": None}, ["bucket_name"], []),
        ({"access_key": "", "secret_key": ""}, ["access_key", "secret_key"], []),
        ({"bucket_name": "", "secret_key": None}, ["bucket_name", "secret_key"], []),
        ({"security_token": "t"}, [], ["security_token"]),
        ({"security_token": ""}, [], []),
        ({"proxies": {}}, [], []),
        ({"proxies": {"https": "http://proxy.example"}}, [], ["proxies"]),
        ({"verify": True}, [], []),
        ({"verify": None}, [], []),
        ({"verify": False}, [], ["verify"]),
        ({"verify": "own.pem", "security_token": "t"}, [], ["security_token", "verify"]),
    ],
)
def test_what_keeps_a_storage_from_having_a_policy_is_named(options, missing, not_heeded):
    """Y13: the first of all reasons is that of a missing option."""
    storage = S3Storage(**AWS | options)

    assert missing_options(storage) == missing
    assert options_not_heeded(storage) == not_heeded
    if not missing and not not_heeded:
        assert isinstance(policy_of(storage, "x"), ProtectedMediaStorage)
        return
    bucket = storage.bucket_name or ""
    for alias, named in (("x", '"x"'), ("", f'of the bucket "{bucket}"')):
        with pytest.raises(CommandError) as caught:
            policy_of(storage, alias)
        of_keys = " A profile or a role cannot be used here."
        assert str(caught.value) == (
            f"The storage {named} has no {' and no '.join(missing)} in its OPTIONS."
            + of_keys * (missing != ["bucket_name"])
            if missing
            else f"The storage {named} has {' and '.join(not_heeded)}, from its OPTIONS, settings"
            " or variables. A session token, a proxy or other certificates cannot be used here."
        )


def test_a_policy_says_how_long_its_files_are_cached():
    with pytest.raises(NotImplementedError):
        PolicyMixin().cache_control("a.pdf")
