"""Fixtures: one of the staff who may change members, at work."""

import pytest
from django.contrib.auth.models import Permission

from tests.conftest import make_member


@pytest.fixture
def clerk(db):
    """A member of the staff who may change members, and nothing else."""
    clerk = make_member("clerk@example.org", name="Clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="change_user"))
    return clerk


@pytest.fixture
def desk(client, clerk):
    client.force_login(clerk)
    return client
