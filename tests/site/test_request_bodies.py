"""Bodies of requests, as a server hands them to the application."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import RequestFactory
from django.test.client import MULTIPART_CONTENT
from django.utils.http import urlencode

from portal.request_bodies import MAX_PARTS

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

LOGIN = "/accounts/login/"
FIELDS = {"login": "ada@example.org", "password": "wrong"}


def answer(environ) -> tuple[str, bytes]:
    from portal.wsgi import application  # its checks ask the database, from Django 6.1 on

    statuses = []
    response = application(environ, lambda status, headers, *_: statuses.append(status))
    content = b"".join(response)
    response.close()
    return statuses[0], content


class RecordingUploadHandler(TemporaryFileUploadHandler):
    """Keeps a reference to each temporary file, so that no garbage collection deletes it."""

    files: list = []

    def new_file(self, *args, **kwargs):
        super().new_file(*args, **kwargs)
        assert Path(self.file.temporary_file_path()).exists()
        self.files.append(self.file)


@pytest.mark.parametrize(("files", "status"), [(1, "403 Forbidden"), (11, "400 Bad Request")])
def test_a_temporary_file_is_deleted_with_the_answer(settings, tmp_path, files, status):
    """P8: of a form that gets as far as the CSRF token, and at once of one with too many files."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.RecordingUploadHandler"]
    RecordingUploadHandler.files.clear()
    large = [ContentFile(b"x" * 500_000, "x") for _ in range(files)]
    environ = RequestFactory().post(LOGIN, FIELDS | {"x": large}).environ

    answered = answer(environ | {"HTTP_HOST": "localhost"})

    assert answered[0] == status
    assert len(RecordingUploadHandler.files) == min(files, settings.DATA_UPLOAD_MAX_NUMBER_FILES)
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_file_of_a_part_that_breaks_is_deleted_with_the_answer(settings, tmp_path):
    """P8: Django closes the files that are complete, and not the one that it was writing."""
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.RecordingUploadHandler"]
    RecordingUploadHandler.files.clear()
    about = 'Content-Disposition: form-data; name="x"; filename="x"'
    part = f"--x\r\n{about}\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj!\r\n--x--\r\n"

    answered = answer(request_of("POST", "multipart/form-data; boundary=x", part.encode()))

    assert answered[0] == "400 Bad Request"
    assert len(RecordingUploadHandler.files) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_body_larger_than_any_form_is_refused_before_it_is_read(settings):
    settings.UPLOAD_MAX_BODY_BYTES = 2_000
    post = RequestFactory(headers={"host": "localhost"}).post

    assert answer(post(LOGIN, {"x": "x" * 1_000}).environ)[0] == "403 Forbidden"
    assert answer(post(LOGIN, {"x": "x" * 2_000}).environ)[0] == "400 Bad Request"


@pytest.mark.parametrize(
    ("content_type", "parts", "status"),
    [
        (MULTIPART_CONTENT, MAX_PARTS, "403 Forbidden"),
        (MULTIPART_CONTENT, MAX_PARTS + 1, "400 Bad Request"),
        ("application/x-www-form-urlencoded", MAX_PARTS + 1, "403 Forbidden"),
    ],
)
def test_only_a_multipart_form_has_a_limit_of_parts(content_type, parts, status):
    fields = {f"f{number}": "" for number in range(parts)}
    body = urlencode(fields) if "url" in content_type else fields
    request = RequestFactory(headers={"host": "localhost"})

    assert answer(request.post(LOGIN, body, content_type=content_type).environ)[0] == status


def test_a_request_without_a_body_needs_none():
    environ = RequestFactory().get("/healthz", headers={"host": "localhost"}).environ

    assert answer(environ) == ("200 OK", b"ok\n")


@pytest.mark.parametrize(
    "about",
    ["; charset=hex", "; charset=undefined", "; charset=utf-7", "; x*=hex''61", "; x*=idna''%ff"],
)
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain"])
def test_an_encoding_that_is_none_is_no_error_of_the_servers(kind, about):
    """P8: Python has some that are none of text, and Django would take them at their word."""
    environ = request_of("GET", kind + about, b"")

    assert answer(environ)[0] == "200 OK"
    assert answer(request_of("POST", kind + about, b"--x--\r\n"))[0] == "403 Forbidden"


def request_of(method, content_type, body):
    environ = RequestFactory().generic(method, "/healthz?q=%E9", body, content_type="text/plain")
    return environ.environ | {"HTTP_HOST": "localhost", "CONTENT_TYPE": content_type}
