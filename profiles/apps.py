from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ProfilesConfig(AppConfig):
    name = "profiles"
    verbose_name = _("Profiles")

    def ready(self):
        post_migrate.connect(index_what_is_not, sender=self)
        from . import weekly_openings  # noqa: F401 - registers a composer
        from .directory import checks  # noqa: F401


def index_what_is_not(sender, using, plan=None, **kwargs):
    """Have the search find profiles that are older than it, once all migrations are applied.

    Not a migration: models and the folding of texts change, and a run that was ended goes on at the
    next `migrate`. Without a plan it is not `migrate` that calls, but `flush`.
    """
    from portal.accounts.checks import is_migrated

    from .directory.indexing import index_all
    from .directory.models import unindexed

    if plan is not None and is_migrated(connections[using]):
        for _ in index_all(unindexed(using)):
            pass
