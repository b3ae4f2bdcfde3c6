"""Fixtures: a member who leaves."""

from datetime import timedelta

import pytest
from django.utils import timezone

from profiles.models import User
from tests.conftest import PASSWORD


@pytest.fixture
def log_in(client):
    """A function that logs somebody in by the form, as people do: it counts as recent."""

    def log_in(user, client=client):
        client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
        return client

    return log_in


@pytest.fixture
def leaver(owner, client, log_in):
    """A member with a photo and a resume, who is logged in, and leaving."""
    log_in(owner)
    client.post("/me/data/leave/")
    return User.objects.get(pk=owner.pk)


def let_the_date_come(*users):
    """Move the date to leave into the past: it is the time that a test cannot wait for."""
    yesterday = timezone.now() - timedelta(days=1)
    User.objects.filter(pk__in=[user.pk for user in users]).update(leaves_at=yesterday)
