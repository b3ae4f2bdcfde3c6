"""The weekly message about who opened a resume, written by the nightly list."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from profiles.models import Profile, ResumeDownload, User
from profiles.weekly_openings import tell_owners
from tests.conftest import make_member

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

# Later than the moments of rows that the tests make, whose default is the real clock.
NIGHT = datetime(2040, 1, 2, 3, tzinfo=UTC)


@pytest.fixture
def night(monkeypatch):
    """A function that runs the step in the night that comes so many days after the first."""

    def run(days=0, earlier=timedelta(0)):
        monkeypatch.setattr(timezone, "now", lambda: NIGHT + timedelta(days=days) - earlier)
        mail.outbox.clear()
        report = tell_owners()
        assert report == f"{len(mail.outbox)} weekly messages"
        return [message.body for message in mail.outbox]

    return run


def opened(owner, by, days=-1):
    ResumeDownload.objects.create(
        profile=owner.profile, member=by, opened_at=NIGHT + timedelta(days=days)
    )


def wants(owner):
    Profile.objects.filter(user=owner).update(tells_openings=True)


def test_who_opened_it_is_told_to_the_owner_who_wants_it(client, owner, member, night):
    """Moment 10, by a switch on the owner's own form."""
    opened(owner, member)
    client.force_login(owner)
    form = client.get("/me/edit/").context["form"]
    data = {name: "" if value is None else value for name, value in form.initial.items()}
    del data["avatar"], data["resume"]
    client.post("/me/edit/", {**data, "tells_openings": "on"})

    [body] = night()

    assert "Ada Lovelace" in body
    assert "untick" in body
    assert mail.outbox[0].to == [owner.email]


def test_owners_who_have_not_asked_get_none(owner, member, night):
    opened(owner, member)

    assert night() == []


def test_it_is_sent_once_a_week_although_a_night_begins_earlier(owner, member, night):
    wants(owner)
    opened(owner, member)
    assert len(night()) == 1
    for day in range(1, 7):
        assert night(day) == []
    opened(owner, member, days=3)

    assert len(night(7, earlier=timedelta(minutes=1))) == 1


def test_each_opening_is_told_once(owner, member, other_member, night):
    wants(owner)
    opened(owner, member, days=-1)
    opened(owner, other_member, days=0)  # in the night of the first message, after midnight

    [first], [second] = night(), night(7)

    assert "Ada" in first
    assert "Grace" not in first
    assert "Grace" in second
    assert "Ada" not in second


def test_nights_that_were_missed_lose_no_opening(owner, member, other_member, night):
    wants(owner)
    opened(owner, member, days=-1)
    assert len(night()) == 1
    opened(owner, other_member, days=1)

    [late] = night(10)

    assert "Grace" in late
    assert "Ada" not in late


def test_a_week_in_which_nobody_did_has_no_message(owner, member, night):
    wants(owner)
    opened(owner, owner)
    opened(owner, member, days=-8)

    assert night() == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"leaves_at": NIGHT}])
def test_owners_who_are_away_get_none(owner, member, night, change):
    wants(owner)
    opened(owner, member)
    User.objects.filter(pk=owner.pk).update(**change)

    assert night() == []


def test_readers_who_are_gone_or_leaving_are_not_named(owner, member, night):
    wants(owner)
    opened(owner, None)
    opened(owner, make_member("leaver@example.org", name="Leaver", leaves_at=timezone.now()))
    opened(owner, member)

    [body] = night()

    assert body.count("A former member") == 2
    assert "Leaver" not in body
    assert "Ada Lovelace" in body


def test_a_message_that_is_not_wanted_any_more_is_not_sent(
    owner, member, night, settings, monkeypatch
):
    """Switched off while the outbox was waiting."""
    backend, settings.OUTBOX_BACKEND = settings.OUTBOX_BACKEND, None
    wants(owner)
    opened(owner, member)
    monkeypatch.setattr(timezone, "now", lambda: NIGHT)
    assert tell_owners() == "1 weekly messages"
    Profile.objects.filter(user=owner).update(tells_openings=False)
    settings.OUTBOX_BACKEND = backend

    call_command("send_outbox", verbosity=0)

    assert mail.outbox == []
