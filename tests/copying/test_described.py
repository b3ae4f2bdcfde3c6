"""What S3 answers about an object: its size, time, MD5 and the headers that go with a copy."""

import os
import stat

import pytest
from django.core.files.storage import FileSystemStorage

from portal.copying.folder_store import Folder
from portal.copying.s3_http import Refused
from portal.copying.s3_store import copied_headers, file_info, received_md5
from portal.copying.stores import Content, FileInfo
from tests.support import fips

MD5, OTHER = "a" * 32, "b" * 32
KMS = {"x-amz-server-side-encryption": "aws:kms"}
AES = {"x-amz-server-side-encryption": "AES256"}


@pytest.mark.parametrize(
    ("headers", "etag", "md5"),
    [
        ({"etag": f'"{MD5}"'}, "", MD5),
        ({"etag": f'"{OTHER}"'}, f'"{MD5}"', MD5),  # of a copy, in the answer's XML
        ({}, MD5, MD5),
        ({"etag": MD5} | AES, "", MD5),
        ({"etag": MD5} | KMS, "", ""),
        (KMS, MD5, ""),
        ({"etag": f'"{MD5}-2"'}, "", ""),  # of parts
        ({"etag": MD5.upper()}, "", ""),
        ({}, "", ""),
    ],
)
def test_an_md5_is_known_from_an_etag_that_is_one(headers, etag, md5):
    assert received_md5(headers, etag) == md5


def test_an_object_has_the_size_the_time_and_the_etag_of_its_headers():
    headers = {"content-length": "7", "last-modified": "Thu, 01 Jan 1970 00:01:00 GMT"}

    assert file_info(headers | {"etag": '"x-2"'}) == FileInfo(7, 60, "x-2")
    assert file_info(headers) == FileInfo(7, 60, "")
    for missing in headers:
        with pytest.raises(Refused, match="without an object's size and time"):
            file_info({name: value for name, value in headers.items() if name != missing})


def test_what_describes_an_object_goes_with_it_and_nothing_else():
    kept = {
        "Content-Type": "application/pdf", "Cache-Control": "no-store", "Expires": "0",
        "Content-Disposition": "attachment", "Content-Language": "fr", "X-Amz-Meta-By": "Ada",
    }  # fmt: skip
    others = {"ETag": "x", "Content-Length": "7", "x-amz-version-id": "v", "Content-Encoding": ""}

    assert copied_headers(kept | others) == {name.lower(): kept[name] for name in kept}


@pytest.mark.parametrize(
    ("stored", "kept"),
    [
        ("gzip", "gzip"), ("aws-chunked", None), ("aws-chunked,gzip", "gzip"),
        ("aws-chunked, br", "br"),
    ],
)  # fmt: skip
def test_the_framing_of_an_upload_is_no_encoding(stored, kept):
    assert copied_headers({"content-encoding": stored}).get("content-encoding") == kept


def test_a_folder_answers_with_no_md5_and_keeps_the_time(tmp_path, monkeypatch):
    folder = Folder(FileSystemStorage(tmp_path))

    assert folder.write("a/b", Content(FileInfo(3, 1_700_000_000.5), {}, iter([b"12", b"3"]))) == ""
    assert (tmp_path / "a" / "b").read_bytes() == b"123"
    assert folder.find("a/b") == FileInfo(3, 1_700_000_000.5)
    monkeypatch.setattr("portal.copying.folder_store.md5", fips.md5)
    assert folder.md5("a/b") == "202cb962ac59075b964b07152d234b70"
    assert (folder.find("a"), folder.find("none"), folder.find("a/b/c")) == (None, None, None)
    assert (folder.copied_headers("a/b"), folder.can_copy_from(folder)) == ({}, False)


@pytest.mark.parametrize(
    ("of_file", "of_folder", "modes"),
    [(None, None, (0o644, 0o755)), (0o600, 0o700, (0o600, 0o700)), (0o640, None, (0o640, 0o755))],
)
def test_a_copy_on_disk_has_the_permissions_of_the_settings(
    settings, tmp_path, of_file, of_folder, modes
):
    """Or else those that the process gives to each file that it makes."""
    settings.FILE_UPLOAD_PERMISSIONS = of_file
    settings.FILE_UPLOAD_DIRECTORY_PERMISSIONS = of_folder
    before = os.umask(0o022)
    try:
        content = Content(FileInfo(1, 0.0), {}, iter([b"1"]))
        Folder(FileSystemStorage(tmp_path)).write("a/b", content)
    finally:
        os.umask(before)

    made = (tmp_path / "a" / "b", tmp_path / "a")
    assert tuple(stat.S_IMODE(path.stat().st_mode) for path in made) == modes
