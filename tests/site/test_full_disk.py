"""A full disk: a plain page for people, and a line that names the disk: catalogue R3."""

import errno
import io
import tempfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, storages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from portal.files import disks
from profiles.models import Profile
from tests.support import samples

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(member):
    """A member's browser, which gets the page of an error where there is one."""
    visitor = Client(raise_request_exception=False)
    visitor.force_login(member)
    return visitor


def upload(visitor, content=None):
    file = ContentFile(content or samples.pdf(), name="cv.pdf")
    return visitor.post(
        reverse("edit-me"), {"name": "Ada", "visibility": "members", "resume": file}
    )


def without_room(*args, **kwargs):
    """A temporary file of its own, which Django may remove, with no room for a first byte."""
    file = real_temporary_file(*args, **kwargs)
    file.write = no_room
    return file


def no_room(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


real_temporary_file = tempfile.NamedTemporaryFile


def assert_told(log, response, folder):
    first, *others = log.others

    assert response.status_code == 503
    assert "no room" in response.text
    assert "Nothing was saved" in response.text
    assert first["message"].startswith(f"The disk of {folder} is full (")
    assert first["level"] == "critical"
    assert "exception" not in first
    assert all("No space left" in line["exception"] for line in others)
    assert [line["status"] for line in log.requests] == [503]


def test_an_upload_that_finds_no_room_in_tmp_says_so(log, visitor, monkeypatch):
    """R3: what is larger than 2.5 MB is written to a temporary file while it comes in."""
    monkeypatch.setattr("django.core.files.temp.NamedTemporaryFile", without_room)

    response = upload(visitor, b"%PDF-" + b"x" * 3_000_000)

    assert_told(log, response, tempfile.gettempdir())
    assert not Profile.objects.get(user__email="ada@example.org").resume


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_local_storage_that_finds_no_room_says_so(log, visitor, monkeypatch, number):
    """R3: a quota that is used up is a full disk to whoever writes."""

    def save(storage, name, content):
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(FileSystemStorage, "_save", save)

    response = upload(visitor)

    assert_told(log, response, storages["protected"].location)
    assert not Profile.objects.get(user__email="ada@example.org").resume


def test_another_error_of_the_disk_is_not_taken_for_a_full_one(log, visitor, monkeypatch):
    """The control."""

    def save(storage, name, content):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(FileSystemStorage, "_save", save)

    response = upload(visitor)

    assert response.status_code == 500
    assert "disk" not in response.text
    assert all(line["level"] == "error" for line in log.others)


def test_an_upload_that_finds_room_is_saved(visitor):
    """The control."""
    assert upload(visitor).status_code == 302
    assert Profile.objects.get(user__email="ada@example.org").resume


def test_a_command_names_the_disk(monkeypatch):
    monkeypatch.setattr(FileSystemStorage, "_save", no_room)

    with pytest.raises(CommandError, match=r"The disk of .* is full"):
        call_command("seed_demo", stdout=io.StringIO())


def test_a_disk_whose_size_is_not_known_is_named_all_the_same():
    named = disks.named_disk("/nowhere")

    with pytest.raises(disks.DiskFull, match="The disk of /nowhere is full"), named:
        raise OSError(errno.ENOSPC, "No space left on device")
