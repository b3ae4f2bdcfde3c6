import tempfile

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponseBadRequest, UnreadablePostError
from django.utils.http import parse_header_parameters

from .disks import named_disk


class BodyLimit(FileUploadHandler):
    """Refuses a body that no form of this site can want, before any of it is read or stored.

    The fields' own limits answer in plain words; this one only bounds what a stranger can make
    the site write to its temporary directory.
    """

    def handle_raw_input(self, input_data, META, content_length, boundary, encoding=None):
        if content_length > settings.UPLOAD_MAX_BODY_BYTES:
            raise RequestDataTooBig("The body is larger than UPLOAD_MAX_BODY_BYTES.")

    def receive_data_chunk(self, raw_data, start):
        return raw_data

    def file_complete(self, file_size):
        return None


class UTF8Request(WSGIRequest):
    """A request whose text is UTF-8, as browsers send it, whatever it says of itself.

    Python knows encodings that are none of text, such as hex. Django believes in them before any
    middleware could answer, and its own answer would be a server's error.
    """

    def _set_content_type_params(self, meta):
        try:
            found = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (LookupError, ValueError):
            found = "", {}
        self.content_type, self.content_params = found


class WholeBodies:
    """A WSGI application that is never taken in by a body that broke off.

    gunicorn ends such a body as if all of it had come, and Django would save the form without what
    is missing. Here, reading on raises OSError, which Django makes an UnreadablePostError.
    """

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = WholeBody(environ["wsgi.input"], length)
        return self.application(environ, start_response)


class WholeBody:
    """A stream of so many bytes, which says so if it ends before."""

    def __init__(self, stream, length: int):
        self.stream, self.missing = stream, length

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        return self.counted(data, is_end=size < 0 or len(data) < size)

    def readline(self, size: int = -1) -> bytes:
        line = self.stream.readline(size)
        return self.counted(line, is_end=len(line) != size and not line.endswith(b"\n"))

    def counted(self, data: bytes, *, is_end: bool) -> bytes:
        self.missing -= len(data)
        if is_end and self.missing > 0:
            raise OSError("The body broke off.")
        return data


def refuse_broken_bodies(get_response):
    """Answer a body that broke off, before anybody believes the half of it.

    Stands before whatever asks for request.POST. The temporary file of an upload that fails, this
    way or another, is deleted; Django would leave it to the garbage collector.
    """

    def middleware(request):
        try:
            with named_disk(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()):
                request.POST  # noqa: B018 - parses it
        except Exception as error:
            for handler in request.upload_handlers:
                handler.upload_interrupted()
            if isinstance(error, UnreadablePostError):
                return HttpResponseBadRequest("The request broke off.", content_type="text/plain")
            raise
        return get_response(request)

    return middleware
