from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support.mail_server import MailServer


@pytest.fixture
def mail_server(settings):
    """A mail server that the outbox delivers to, once somebody delivers: messages wait."""
    with MailServer() as server:
        settings.OUTBOX_AT_ONCE = False
        settings.OUTBOX_BACKEND = "portal.outbox.smtp.EmailBackend"
        settings.OUTBOX_OPTIONS = {"host": "127.0.0.1", "port": server.port, "timeout": 0.3}
        yield server


@pytest.fixture
def clock(monkeypatch):
    """Time, which a test moves on."""
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock)
    return clock


class Clock:
    def __init__(self):
        self.real, self.ahead = timezone.now, timedelta()

    def __call__(self):
        return self.real() + self.ahead

    def move(self, **duration):
        self.ahead += timedelta(**duration)
