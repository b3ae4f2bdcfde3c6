"""Views for machines, and the pages of refusal and failure."""

import sys

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import requires_csrf_token
from django.views.decorators.http import require_safe

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


def forbidden(request, exception=None):
    """The one page of refusal: it tells nothing about what is behind the address."""
    return render(request, "403.html", status=403)


def server_error(request):
    """Say in plain words that something broke; 503 if it is the database, which may come back.

    Django calls this while it handles the exception, whichever middleware or view it comes from.
    Neither page needs the database, a context processor, or a template of the site's.
    """
    if is_outage(sys.exception()):
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
