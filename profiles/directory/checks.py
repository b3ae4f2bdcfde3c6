"""A system check of the search. It reads the database, so it needs the option --database."""

from django.core import checks
from django.db import connections

from portal.accounts.checks import is_migrated

from .models import unindexed, unread


@checks.register(checks.Tags.database)
def profiles_are_found(app_configs, databases=None, **kwargs):
    """Warn of profiles, or resumes, that no search can find because they were not read yet."""
    return [
        warning
        for alias in databases or []
        if is_migrated(connections[alias])
        for warning in warnings(unindexed(alias).count(), unread(alias).count())
    ]


def warnings(profiles: int, resumes: int):
    if profiles:
        yield checks.Warning(
            f"Profiles that no search finds: {profiles:,}.",
            hint="Run manage.py index_profiles; manage.py nightly does. They were written by "
            "bulk_create() or SQL.",
            id="profiles.W001",
        )
    if resumes:
        yield checks.Warning(
            f"Resumes by whose words no search finds anybody: {resumes:,}.",
            hint="Run manage.py describe_uploads. They were uploaded before the site read them.",
            id="profiles.W002",
        )
