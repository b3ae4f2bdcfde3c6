"""Each command that overwrites asks first if the database, or the bucket, is the live site's."""

import io

import pytest
from django.core.management import CommandError, call_command

from portal.staging.management.commands import (
    copy_live_media,
    copy_media,
    refresh_staging,
    scrub_members,
)
from profiles.models import User
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

FORK = "members@db.example.org:5432"


@pytest.fixture
def asked(monkeypatch):
    """Answers the commands' questions about the mark: here it is always that of the live site."""
    asked = []

    def refuse(confirmed_fork):
        asked.append(confirmed_fork)
        raise CommandError("This is the live site's own.")

    for module in (copy_live_media, copy_media, refresh_staging, scrub_members):
        monkeypatch.setattr(module, "refuse_live", refuse)
    for module in (copy_live_media, refresh_staging):
        monkeypatch.setattr(module, "live_pairs", lambda storages, *, jobs: {})
    return asked


@pytest.mark.parametrize("fork", [None, FORK])
@pytest.mark.parametrize("environment", ["staging", "development", "production"])
@pytest.mark.parametrize(
    "command", ["copy_live_media", "copy_media", "refresh_staging", "scrub_members"]
)
def test_a_command_that_overwrites_asks_first(
    asked, settings, tmp_path, command, environment, fork
):
    """B1: copy_media alone may run on the live site, which it moves or backs up."""
    settings.SITE_ENVIRONMENT = environment
    member, target = make_member("ada@example.org"), tmp_path / "copies"
    places = {"source": "default", "target": f"{target}/"} if command == "copy_media" else {}

    def run():
        call_command(
            command, confirmed_fork=fork, **places, stdout=io.StringIO(), stderr=io.StringIO()
        )

    if (command, environment) == ("copy_media", "production"):
        run()
        assert asked == []
    elif environment == "production" and command == "scrub_members":
        with pytest.raises(CommandError, match="This is a production site"):
            run()
    else:
        with pytest.raises(CommandError, match=r"This is the live site's own\."):
            run()
        assert asked == [fork]
    assert User.objects.filter(pk=member.pk).exists()
    assert not target.exists()
