"""Fixtures: one of the staff who may change members, at work."""

import pytest

from tests.conftest import make_clerk


@pytest.fixture
def clerk(db):
    """A member of the staff who may change members, and nothing else."""
    return make_clerk("change_user")


@pytest.fixture
def desk(client, clerk):
    client.force_login(clerk)
    return client
