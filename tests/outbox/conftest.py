import pytest

from tests.support.mail_server import MailServer


@pytest.fixture
def mail_server(settings):
    """A mail server that the outbox delivers to, once somebody delivers: messages wait."""
    with MailServer() as server:
        settings.OUTBOX_AT_ONCE = False
        settings.OUTBOX_BACKEND = "portal.outbox.smtp.EmailBackend"
        settings.OUTBOX_OPTIONS = {"host": "127.0.0.1", "port": server.port, "timeout": 0.3}
        yield server
