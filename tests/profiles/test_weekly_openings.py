"""The weekly message about who opened a resume, written by the nightly list."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.outbox.composers import COMPOSERS
from portal.outbox.models import OutgoingMessage
from portal.outbox.sender import announce
from profiles import weekly_openings
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


def test_no_message_waits_that_would_tell_of_nothing(owner, settings, monkeypatch):
    settings.OUTBOX_BACKEND = None
    monkeypatch.setattr(timezone, "now", lambda: NIGHT)
    wants(owner)
    opened(owner, owner)

    assert tell_owners() == "0 weekly messages"
    assert not OutgoingMessage.objects.exists()


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


@pytest.fixture
def waiting(settings, monkeypatch, owner, member):
    """The message of a night that the outbox has not sent yet."""
    settings.OUTBOX_BACKEND, backend = None, settings.OUTBOX_BACKEND
    wants(owner)
    opened(owner, member)
    monkeypatch.setattr(timezone, "now", lambda: NIGHT)
    assert tell_owners() == "1 weekly messages"
    settings.OUTBOX_BACKEND = backend
    return OutgoingMessage.objects.get()


def test_a_message_tells_of_its_days_whenever_it_is_sent(waiting, owner, member):
    opened(owner, member, days=5)

    announce()

    assert waiting.context == {
        "profile": owner.profile.pk,
        "since": "2039-12-26",
        "until": "2040-01-02",
    }
    [message] = mail.outbox
    assert message.to == [owner.email]
    assert message.body.count("Ada Lovelace") == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda owner: Profile.objects.filter(user=owner).update(tells_openings=False),
        lambda owner: User.objects.filter(pk=owner.pk).update(is_active=False),
        lambda owner: User.objects.filter(pk=owner.pk).update(leaves_at=NIGHT),
        lambda owner: User.objects.filter(pk=owner.pk).update(email="new@example.org"),
        lambda owner: ResumeDownload.objects.all().delete(),
        lambda owner: owner.delete(),
    ],
    ids=["unwanted", "inactive", "leaving", "of another address", "of nothing", "deleted"],
)
def test_a_message_that_is_not_wanted_any_more_is_not_sent(waiting, owner, change):
    """It has changed while the outbox was waiting; the test above is the control."""
    change(owner)
    composed = COMPOSERS["weekly_openings"](waiting)

    announce()

    assert composed is None
    assert mail.outbox == []


def test_all_owners_are_told_a_few_at_a_time(owner, member, other_member, night, monkeypatch):
    """One of them learns of nothing, since nobody has opened theirs; each is asked for once."""
    monkeypatch.setattr(weekly_openings, "AT_ONCE", 1)
    for user in (owner, member, other_member):
        wants(user)
    opened(owner, member)
    opened(other_member, member)

    with CaptureQueriesContext(connection) as asked:
        bodies = night()

    assert [message.to for message in mail.outbox] == [[owner.email], [other_member.email]]
    assert [body.count("Ada Lovelace") for body in bodies] == [1, 1], "of one's own resume alone"
    if connection.vendor == "postgresql":  # or a second night would write them again
        locks = [query["sql"] for query in asked if "FOR UPDATE" in query["sql"]]
        assert ['OF "profiles_profile"' in sql and "ORDER BY" in sql for sql in locks][:4] == [
            True
        ] * 4
    told_on = Profile.objects.values_list("openings_told_on", flat=True)
    assert set(told_on) == {NIGHT.date()}


def test_a_night_without_news_begins_the_week_too(owner, member, night):
    wants(owner)
    assert night() == []
    opened(owner, member, days=1)

    assert night(6) == []
    assert len(night(7)) == 1


@pytest.mark.parametrize(
    ("most", "names", "more"), [(3, 3, ""), (2, 2, "1 more time"), (1, 1, "2 more")]
)
def test_a_long_message_names_the_first_and_counts_the_rest(
    owner, member, night, monkeypatch, most, names, more
):
    monkeypatch.setattr(weekly_openings, "MAX_NAMED", most)
    wants(owner)
    for days in (-1, -2, -3):
        opened(owner, member, days)

    [body] = night()

    assert body.count("Ada Lovelace") == names
    assert (f"and {more}" in body) if more else (" more time" not in body)


@pytest.mark.parametrize(
    ("told_on", "days", "is_told"),
    [
        (None, -7, True),
        (None, -8, False),
        (-365, -28, True),
        (-365, -29, False),
        (-14, -14, True),
        (-14, -15, False),
        (-6, -1, False),
    ],
)
def test_a_message_tells_of_the_days_since_the_last_or_of_four_weeks(
    owner, member, night, told_on, days, is_told
):
    """The first one tells of a week."""
    wants(owner)
    if told_on:
        last = NIGHT.date() + timedelta(days=told_on)
        Profile.objects.filter(user=owner).update(openings_told_on=last)
    opened(owner, member, days)

    assert bool(night()) is is_told


def test_two_owners_are_told_each_of_their_own_days(owner, member, other_member, night):
    """Both are asked for at once, from the earlier of their days on."""
    for user, told_on in ((owner, -21), (other_member, -7)):
        wants(user)
        last = NIGHT.date() + timedelta(days=told_on)
        Profile.objects.filter(user=user).update(openings_told_on=last)
        opened(user, member, -10)

    night()

    assert [message.to for message in mail.outbox] == [[owner.email]]
