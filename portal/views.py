"""Health checks, and the pages for refused and failed requests."""

import logging
import sys

from csp.constants import HEADER
from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from .accounts.throttle import in_words, pages_wait
from .files.disks import is_full_disk
from .refusals import style_policy

logger = logging.getLogger(__name__)

FAVICON_SECONDS = 86_400
READ_ONLY = "25006"  # PostgreSQL's SQLSTATE of a write to a read-only database


@require_safe
def healthz(request):
    """Answer, without the database or S3: this process is alive."""
    return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})


@require_safe
@never_cache
def readyz(request):
    """Answer 200 if the site can serve: the database answers and is migrated. Otherwise 503."""
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
@cache_control(public=True, max_age=FAVICON_SECONDS)
def favicon(request):
    """Redirect to the icon that pages name, for what asks by the old name: readers, older tabs."""
    return redirect(static("favicon.svg"))


def forbidden(request, exception=None):
    """Refuse with the same page for every address, so that it does not reveal what exists."""
    return render(request, "403.html", status=403)


def bad_request(request, exception):
    """Explain what was wrong with a request; needs neither a host nor the database."""
    too_large = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)
    context = {
        "is_too_large": isinstance(exception, too_large),
        "is_unknown_host": isinstance(exception, DisallowedHost),
    }
    return alone("400.html", status=400, context=context)


def too_many_requests(request):
    """Tell how long to wait, if the throttle refuses a page."""
    seconds = pages_wait()
    page = render(request, "429.html", {"wait": in_words(seconds)}, status=429)
    page["Retry-After"] = str(seconds)
    return page


def server_error(request):
    """Answer an unhandled exception: 503 if it is the database or a full disk, else 500.

    Django calls this while it handles the exception, whichever middleware or view it comes from.
    Neither page needs the database, a context processor, or a template of the site's.
    """
    error = sys.exception()
    if is_full_disk(error):
        # A separate line, before the traceback that Django logs for each error.
        logger.critical("%s", error.strerror or error)
        return alone("503_disk.html", status=503)
    if is_outage(error):
        return alone("503_database.html", status=503)
    return alone("500.html", status=500)


def alone(template: str, *, status: int, context: dict | None = None) -> HttpResponse:
    """Answer with a page that needs nothing else: its style is in it, and in its policy."""
    page = HttpResponse(render_to_string(template, context), status=status)
    page[HEADER] = style_policy()
    return page


def is_outage(error: BaseException | None) -> bool:
    """Return True if the database cannot be reached, or is read-only, as a standby is."""
    if isinstance(error, (OperationalError, InterfaceError)):
        return True
    return error is not None and getattr(error.__cause__, "sqlstate", None) == READ_ONLY
