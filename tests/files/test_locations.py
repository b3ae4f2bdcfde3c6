"""Storages that share files: one rule for copies, a more careful one for code that deletes."""

import pytest
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage

from portal.files.locations import is_within, location_of, may_share_files, share_files
from portal.files.storages import ProtectedMediaStorage, UnconfiguredStorage

AWS = {"access_key": "AKIA", "secret_key": "secret", "region_name": "eu-west-1"}


def bucket(name="society", prefix="media", endpoint=None, kind=ProtectedMediaStorage):
    return kind(bucket_name=name, location=prefix, endpoint_url=endpoint, **AWS)


@pytest.mark.parametrize(
    ("other", "shared", "maybe"),
    [
        (bucket(), True, True),
        (bucket(prefix="media/site"), True, True),
        (bucket(prefix=""), True, True),
        (bucket(prefix="media-old"), False, False),
        (bucket(prefix="medi"), False, False),
        (bucket(name="another"), False, False),
        (bucket(name="SOCIETY"), True, True),
        (bucket(endpoint="https://s3.us-east-1.amazonaws.com"), True, True),
        (bucket(endpoint="https://minio.example.org"), False, True),
        (bucket(prefix="media/site", endpoint="https://minio.example.org"), False, True),
        (bucket(prefix="media-old", endpoint="https://minio.example.org"), False, False),
        (bucket(kind=S3Storage), True, True),
        (FileSystemStorage("media"), False, False),
        (UnconfiguredStorage(), False, False),
    ],
)
def test_buckets_share_files_by_service_or_by_name_alone(other, shared, maybe):
    """Y1: an alias of a service's address is recognized, or else suspected."""
    for one, another in ((bucket(), other), (other, bucket())):
        assert share_files(one, another) == shared
        assert may_share_files(one, another) == maybe


def test_folders_share_files_where_one_is_in_the_other(tmp_path):
    """Y1: by whatever name, a symbolic link too."""
    (tmp_path / "media").mkdir()
    (tmp_path / "alias").symlink_to(tmp_path / "media")
    media = FileSystemStorage(tmp_path / "media")
    others = [tmp_path / "media", tmp_path / "alias", tmp_path / "media/inside", tmp_path, "/"]

    for rule in (share_files, may_share_files):
        assert all(rule(media, FileSystemStorage(other)) for other in others)
        assert not rule(media, FileSystemStorage(tmp_path / "media-old"))


def test_a_storage_of_which_nothing_is_known_shares_files_with_itself():
    one, another = UnconfiguredStorage(), UnconfiguredStorage()

    assert may_share_files(one, one)
    assert not may_share_files(one, another)


@pytest.mark.parametrize(
    ("prefix", "other", "expected"),
    [
        ("media", "media", True),
        ("media/site", "media", True),
        ("media/", "media", True),
        ("media", "media/", True),
        ("media", "", True),
        ("", "media", False),
        ("media", "media/site", False),
        ("media-old", "media", False),
    ],
)
def test_a_prefix_lies_within_another_by_whole_names(prefix, other, expected):
    """C6."""
    assert is_within(prefix, other) == expected


def test_a_location_is_a_service_a_bucket_and_a_prefix(tmp_path):
    """Y1."""
    china = AWS | {"region_name": "cn-north-1"}
    nowhere = {name: value for name, value in AWS.items() if name != "region_name"}
    unknown = UnconfiguredStorage()

    for storage, expected in (
        (bucket(name="Society", prefix="a/b/"), ("aws", "society", "a/b/")),
        (bucket(prefix=""), ("aws", "society", "")),
        (bucket(endpoint="https://s3.example.org"), ("s3.example.org", "society", "media/")),
        (ProtectedMediaStorage(bucket_name="s", location="m", **china), ("aws-cn", "s", "m/")),
        (S3Storage(bucket_name="s", location="m", **nowhere), ("aws", "s", "m/")),
        (FileSystemStorage(tmp_path), ("disk", "", f"{tmp_path.resolve()}/")),
        (unknown, (unknown, "", "")),
    ):
        assert location_of(storage) == expected
