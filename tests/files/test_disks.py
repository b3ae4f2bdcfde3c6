"""A full disk is named by a folder on it: catalogue R3, Y11."""

import errno

import pytest

from portal.files import disks
from portal.files.disks import DiskFull, is_full_disk, named_disk, room


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named(tmp_path, number):
    with pytest.raises(DiskFull) as caught, named_disk(tmp_path):
        raise OSError(number, "No space left on device")

    assert caught.value.errno == number
    assert caught.value.strerror == f"The disk of {tmp_path} is full ({room(tmp_path)})"
    assert is_full_disk(caught.value)
    with pytest.raises(DiskFull) as again, named_disk("/elsewhere"):
        raise caught.value
    assert again.value is caught.value, "the folder that was named first"


@pytest.mark.parametrize(
    "error", [OSError(errno.EACCES, "Permission denied"), OSError("?"), ValueError(errno.ENOSPC)]
)
def test_another_error_is_passed_on_as_it_is(tmp_path, error):
    with pytest.raises(type(error)) as caught, named_disk(tmp_path):
        raise error

    assert caught.value is error
    assert is_full_disk(error) is is_full_disk(None) is False


def test_the_room_on_a_disk_is_told_in_words(tmp_path, monkeypatch):
    usage = disks.shutil._ntuple_diskusage(300 * 2**20, 290 * 2**20, 10 * 2**20 + 5)
    monkeypatch.setattr(disks.shutil, "disk_usage", lambda folder: usage)
    assert room(tmp_path) == "10 of 300 MiB are free"

    monkeypatch.undo()

    assert room(tmp_path / "none") == "its size is not known"
