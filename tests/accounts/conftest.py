import pytest

from tests.accounts.address_steps import NEW, ask
from tests.accounts.test_accounts import log_in


@pytest.fixture
def asked(client, member):
    """A member who has asked for NEW, and is logged in."""
    log_in(client, member.email)
    ask(client, NEW)
    return member
