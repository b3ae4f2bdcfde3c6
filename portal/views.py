"""Views that know nothing of the domain: health, local files, and refusals."""

import logging
import sys

from django.conf import settings
from django.core import signing
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import storages
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe
from django.views.static import serve

from .disks import is_full_disk
from .storages import PROTECTED_CACHE_CONTROL, attachment, stored_type

logger = logging.getLogger(__name__)

READ_ONLY = "25006"  # PostgreSQL's SQLSTATE for a write where only reading is possible


@require_safe
@never_cache
def healthz(request):
    """Say that this process answers; touches nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request):
    """Say whether the database answers and is migrated, so that a host may send people here."""
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        problem = "The database does not answer."
    else:
        problem = f"{len(waiting)} migrations are not applied." if waiting else ""
    return HttpResponse(
        f"{problem or 'ready'}\n", content_type="text/plain", status=503 if problem else 200
    )


@require_safe
def media(request, path):
    """Serve public uploads from local disk, with the headers that they have on S3."""
    try:
        response = serve(request, path, document_root=storages["default"].location)
    except SuspiciousFileOperation:
        raise Http404("No such file") from None
    response["Cache-Control"] = f"public, max-age={settings.MEDIA_CACHE_SECONDS}"
    return response


@require_safe
def protected_file(request, token):
    """Send the file that a signed token opens, as S3 does: to whoever holds a fresh link."""
    storage = storages["protected"]
    try:
        name, filename = storage.opened_by(token)
    except signing.BadSignature:
        return forbidden(request)
    try:
        file = storage.open(name)
    except (OSError, SuspiciousFileOperation):
        raise Http404("No such file") from None
    response = FileResponse(file, content_type=stored_type(name))
    response["Content-Disposition"] = attachment(filename)
    response["Cache-Control"] = PROTECTED_CACHE_CONTROL
    # Should a browser show the file after all, it runs nothing and stays alone.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response


def forbidden(request, exception=None):
    """The one page of refusal: it tells nothing about what is behind the address."""
    return render(request, "403.html", status=403)


def server_error(request):
    """Say in plain words that something broke; 503 if it is the database or a full disk.

    Django calls this while it handles the exception, whichever middleware or view it comes from.
    Neither page needs the database, a context processor, or a template of the site's.
    """
    error = sys.exception()
    if is_full_disk(error):
        # In a line of its own, before the traceback that Django logs of each error.
        logger.critical("%s", error.strerror or error)
        return HttpResponse(render_to_string("503_disk.html"), status=503)
    if is_outage(error):
        return HttpResponse(render_to_string("503_database.html"), status=503)
    return HttpResponse(render_to_string("500.html"), status=500)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is out of reach, or takes no changes, as a standby does."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY


@requires_csrf_token
def csrf_failure(request, reason=""):
    """Say in plain words that a form was too old, or not ours."""
    return render(request, "403_csrf.html", status=403)
