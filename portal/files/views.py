"""Local twins of what S3 serves: public files, and protected files behind a signed token."""

from django.core import signing
from django.core.exceptions import PermissionDenied, SuspiciousFileOperation
from django.core.files.storage import storages
from django.http import FileResponse, Http404
from django.views.decorators.http import require_safe
from django.views.static import serve

from . import conf
from .storages import PROTECTED_CACHE_CONTROL, attachment, stored_type


@require_safe
def media(request, path):
    """Serve public uploads from local disk, with the headers that they have on S3."""
    try:
        response = serve(request, path, document_root=storages["default"].location)
    except SuspiciousFileOperation:
        raise Http404("No such file") from None
    response["Cache-Control"] = f"public, max-age={conf.MEDIA_CACHE_SECONDS}"
    return response


@require_safe
def protected_file(request, token):
    """Send the file that a signed token opens to anyone who has the link, as S3 does."""
    storage = storages["protected"]
    try:
        name, filename = storage.opened_by(token)
    except signing.BadSignature:
        raise PermissionDenied from None  # the cause would put the signature into the log
    try:
        file = storage.open(name)
    except (OSError, SuspiciousFileOperation):
        raise Http404("No such file") from None
    response = FileResponse(file, content_type=stored_type(name))
    response["Content-Disposition"] = attachment(filename)
    response["Cache-Control"] = PROTECTED_CACHE_CONTROL
    # If a browser shows the file all the same, it runs no scripts and isolates it from the site.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
