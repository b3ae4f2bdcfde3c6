"""Bodies of requests: limited, read as UTF-8, and refused if they break off."""

import tempfile

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponseBadRequest, UnreadablePostError
from django.utils.http import parse_header_parameters

from .files.disks import named_disk

MAX_PARTS = 1_000  # of a multipart form


class BodyLimit(FileUploadHandler):
    """Refuses a body larger than any form here needs, before any of it is read or stored.

    The limits of the fields answer in words for people; this one limits how much an anonymous
    client can make the site write to its temporary folder.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        """Raise RequestDataTooBig by the declared length."""
        if content_length > settings.UPLOAD_MAX_BODY_BYTES:
            raise RequestDataTooBig("The body is larger than UPLOAD_MAX_BODY_BYTES.")

    def receive_data_chunk(self, raw_data, start):
        """Pass the data on to the next handler."""
        return raw_data

    def file_complete(self, file_size):
        """Leave the file to another handler."""
        return None


class UTF8Request(WSGIRequest):
    """A request that is read as UTF-8, as browsers send it, whatever encoding it declares.

    Python has encodings that are not of text, such as hex. Django would use one that a request
    declares, before any middleware runs, and answer with a server error.
    """

    def _set_content_type_params(self, meta):
        try:
            found = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            found = "", {}
        self.content_type, self.content_params = found


class WholeBodies:
    """A WSGI application that notices when a body breaks off.

    gunicorn ends such a body as if all of it had arrived, and Django would save the form without
    the rest. Here, reading on raises OSError, which Django turns into UnreadablePostError.
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"], length)
        return self.application(environ, start_response)


class WholeBody:
    """A stream of `length` bytes, which raises OSError if it ends before."""

    def __init__(self, stream, length: int):
        self.stream, self.missing = stream, length

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes, by default all. Raises OSError."""
        data = self.stream.read(size)
        return self.counted(data, is_end=size < 0 or len(data) < size)

    def readline(self, size: int = -1) -> bytes:
        """Read a line of up to `size` bytes. Raises OSError."""
        line = self.stream.readline(size)
        return self.counted(line, is_end=len(line) != size and not line.endswith(b"\n"))

    def counted(self, data: bytes, *, is_end: bool) -> bytes:
        """Count what was read, and return it. Raises OSError if the stream ended too early."""
        self.missing -= len(data)
        if is_end and self.missing > 0:
            raise OSError("The body broke off.")
        return data


def refuse_many_parts(request) -> None:
    """Parse a body; raise TooManyFieldsSent for one of more parts than any form here has.

    Django's own limit counts the fields of all forms alike, and the admin's list of members to be
    deleted, which is no multipart form, has thousands.
    """
    parts = sum(len(values) for _, values in request.POST.lists())
    if parts > MAX_PARTS and request.content_type == "multipart/form-data":
        raise TooManyFieldsSent("The body has more parts than MAX_PARTS.")


def refuse_broken_bodies(get_response):
    """Refuse a body that broke off with status 400, before a view uses the part that arrived.

    Stands before whatever reads request.POST. The temporary file of an upload that fails, for this
    reason or another, is deleted at once; Django would leave it to the garbage collector.
    """

    def middleware(request):
        try:
            with named_disk(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()):
                refuse_many_parts(request)
        except Exception as error:
            for handler in request.upload_handlers:
                handler.upload_interrupted()
            if isinstance(error, UnreadablePostError):
                return HttpResponseBadRequest("The request broke off.", content_type="text/plain")
            raise
        return get_response(request)

    return middleware
