"""A database that is not migrated, or does not answer, before a copy of live is changed."""

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from portal.staging import identity
from profiles.models import Profile, User
from tests.support.refresh_command import MEMBERS, STAFF

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]


@pytest.mark.parametrize("command", ["refresh_staging", "scrub_members"])
def test_a_database_that_is_not_migrated_is_noticed(restored, command):
    """Live is on an older release: columns are missing, and a scrub failed half-way to them."""
    last = MigrationRecorder.Migration.objects.filter(app="profiles").latest("name")
    MigrationRecorder(connection).record_unapplied("profiles", last.name)
    try:
        with pytest.raises(CommandError, match=f"not migrated.* profiles.{last.name}. Run"):
            call_command(command)
    finally:
        MigrationRecorder(connection).record_applied("profiles", last.name)

    assert User.objects.count() == MEMBERS + STAFF
    assert restored.requests == []


def test_a_copy_of_files_alone_tells_of_a_column_that_is_missing(restored, monkeypatch):
    """It changes no row, and has no time to compare migrations at each run."""
    monkeypatch.setattr(Profile._meta.get_field("avatar"), "column", "portrait")

    with pytest.raises(CommandError, match=r"^Nothing was copied\. .*portrait.* migrated\?\Z"):
        call_command("copy_live_media")

    assert restored.requests == []


@pytest.mark.parametrize("command", ["refresh_staging", "scrub_members", "copy_live_media"])
def test_a_database_that_does_not_answer_is_told_in_a_sentence(restored, command, monkeypatch):
    def fail():
        raise OperationalError("connection refused\nIs it running?")

    monkeypatch.setattr(identity, "read_mark", fail)

    with pytest.raises(CommandError, match=r"^Nothing was changed. connection refused. Is the"):
        call_command(command)
