"""Requests behind a pool such as pgbouncer, which lends a connection for one transaction."""

import pytest
from django.db import connection

from profiles.models import User
from tests.accounts.test_accounts import log_in
from tests.profiles.desk.test_exports import MEMBERS, OPENINGS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def cursors(monkeypatch):
    """Whether a transaction was open, for each cursor on the server that was opened."""
    if connection.vendor != "postgresql":
        pytest.skip("needs PostgreSQL: python -m tests.support.with_postgresql pytest ...")
    opened, create_cursor = [], connection.create_cursor

    def noted(name=None):
        if name:
            opened.append(connection.in_atomic_block)
        return create_cursor(name)

    monkeypatch.setattr(connection, "create_cursor", noted)
    return opened


@pytest.mark.parametrize("address", [MEMBERS, OPENINGS])
def test_a_list_is_sent_within_a_transaction(client, staff, cursors, address):
    """The pool would give the rows after the first to another connection, and the file ends."""
    client.force_login(staff)

    assert b"".join(client.get(address).streaming_content)

    assert cursors == [True]


def test_a_member_s_data_is_read_within_a_transaction(client, owner, cursors):
    log_in(client, owner.email)

    assert b"".join(client.post("/me/data/download/").streaming_content)

    assert len(cursors) > 5
    assert all(cursors)


def test_a_log_in_opens_no_cursor_that_outlives_its_transaction(client, member, cursors):
    """allauth looks through the member's sessions. The control: a command, without a pool."""
    for _ in range(2):
        log_in(client, member.email)

    assert client.get("/me/").status_code == 200
    assert all(cursors)
    assert list(User.objects.iterator()) == [member]
    assert cursors[-1:] == [False]
