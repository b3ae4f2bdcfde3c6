"""Bodies of requests: limited, and read as UTF-8.

A body that breaks off, or takes too long, never gets here: portal/buffering_worker.py.
"""

import tempfile

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadhandler import FileUploadHandler
from django.core.handlers.wsgi import WSGIRequest
from django.utils.http import parse_header_parameters

from .files.disks import named_disk

MAX_PARTS = 1_000  # of a multipart form


class BodyLimit(FileUploadHandler):
    """Refuses a body larger than any form here needs, before any of it is read or stored.

    The limits of the fields answer in words for people; this one limits how much an anonymous
    client can make the site write to its temporary folder, whatever server runs it. The site's own
    refuses such a body before.
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


def refuse_many_parts(request) -> None:
    """Parse a body; raise TooManyFieldsSent for one of more parts than any form here has.

    Django's own limit counts the fields of all forms alike, and the admin's list of members to be
    deleted, which is no multipart form, has thousands.
    """
    parts = sum(len(values) for _, values in request.POST.lists())
    if parts > MAX_PARTS and request.content_type == "multipart/form-data":
        raise TooManyFieldsSent("The body has more parts than MAX_PARTS.")


def drop_failed_uploads(get_response):
    """Delete the temporary files of a form that is refused while it is read, at once.

    Django would leave them to the garbage collector. Stands before whatever reads request.POST.
    """

    def middleware(request):
        if request.method != "POST":  # Django parses no other body
            return get_response(request)
        try:
            with named_disk(settings.FILE_UPLOAD_TEMP_DIR or tempfile.gettempdir()):
                refuse_many_parts(request)
        except Exception:
            for handler in request.upload_handlers:
                handler.upload_interrupted()
            raise
        return get_response(request)

    return middleware
