from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler


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
