"""Tests that commit end with a flush, after which Django works out its permissions anew.

These are the same each time, so the plugin writes their rows again instead: 50 ms less a test.
"""

from unittest import mock

import pytest
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management.sql import emit_post_migrate_signal


@pytest.fixture(scope="session", autouse=True)
def _remember_permissions():
    remembered = {}

    def as_after_migrate(verbosity, interactive, database):
        if remembered:
            ContentType.objects.clear_cache()
            for model, rows in remembered.items():
                model._base_manager.using(database).bulk_create(rows)
        else:
            emit_post_migrate_signal(verbosity, interactive, database)
            for model in (ContentType, Permission):
                remembered[model] = list(model._base_manager.using(database).order_by("pk"))

    emitting = "django.core.management.commands.flush.emit_post_migrate_signal"
    with mock.patch(emitting, as_after_migrate):
        yield
