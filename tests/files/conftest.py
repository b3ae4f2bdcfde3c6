from datetime import timedelta

import pytest
from django.utils import timezone


@pytest.fixture(params=["disk", "s3"])
def stored_on(request):
    """The site with its files on disk, and on S3."""
    if request.param == "s3":
        request.getfixturevalue("on_s3")
    return request.param


@pytest.fixture
def a_day_later(monkeypatch):
    """Everything that is stored in the test is older than a day when it is swept."""
    now = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(timezone, "now", lambda: now)
