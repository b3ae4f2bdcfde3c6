import logging

from django.shortcuts import render

from portal.s3.errors import StorageError

logger = logging.getLogger(__name__)


class StorageFailureMiddleware:
    """Answers with 503 and a page in plain words if the file storage fails a request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if not isinstance(exception, StorageError):
            return None
        logger.error("%s %s: %s", request.method, request.path, exception, exc_info=exception)
        return render(request, "503.html", status=503)
