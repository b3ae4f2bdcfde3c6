import pytest
from django.test import Client


@pytest.fixture
def visitor(settings):
    """A client that gets the page of an error where there is one, as a browser does."""
    settings.ALLOWED_HOSTS = ["testserver"]
    return Client(raise_request_exception=False, enforce_csrf_checks=True)
