"""After the days of grace: rows and files are deleted, and a backup does not bring them back."""

import os
import shutil
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from portal.files.references import file_fields
from portal.outbox.models import OutgoingMessage
from profiles.invitations.models import InvitationList
from profiles.models import PendingFile, Profile, ResumeDownload, StoredUpload, User
from profiles.privacy import deletion
from profiles.privacy.models import Departure
from profiles.privacy.openings import delete_old
from tests.conftest import make_member
from tests.support import samples
from tests.support.rows import whole_database

from .conftest import let_the_date_come

pytestmark = pytest.mark.django_db(transaction=True)


def stored(settings):
    """The files of people that are on the disk."""
    return {
        str(path.relative_to(settings.MEDIA_ROOT))
        for path in settings.MEDIA_ROOT.rglob("*")
        if path.is_file() and path.parent.name != "departures"
    }


def test_nothing_of_a_leaver_is_left(leaver, staff, member, client, settings, log_in):
    """X2: neither in any table nor on the disk; before, there is something: the control."""
    profile = leaver.profile
    profile.headline = "Keeper of lighthouses"
    profile.save()
    ResumeDownload.objects.create(profile=member.profile, member=leaver)
    StoredUpload.receive(leaver, "resume", ContentFile(samples.pdf(), name="my cv.pdf"))
    OutgoingMessage.objects.create(to=leaver.email, subject="Dear Mary Somerville")
    session = Session.objects.get(pk=log_in(leaver, Client()).session.session_key)
    client.force_login(staff)
    client.post(f"/admin/profiles/user/{leaver.pk}/leaving/", {"download": ""}).close()
    words = ["mary@example.org", "Somerville", "lighthouse", "my cv.pdf", "Downloaded the member"]
    assert [word for word in words if word not in whole_database()] == []
    assert len(stored(settings)) == 6
    let_the_date_come(leaver)

    assert deletion.delete_leavers() == "1 members deleted"

    assert [word for word in words if word.lower() in whole_database().lower()] == []
    assert stored(settings) == set()
    assert not Session.objects.filter(pk=session.pk).exists()
    opening = ResumeDownload.objects.get()
    assert (opening.profile, opening.member) == (member.profile, None)


def test_a_leaver_is_taken_out_of_the_list_of_those_who_were_invited(leaver, staff, capsys):
    """It is a report of thirty days, which names them by no key. What waits invites them anew."""
    rows = [[1, leaver.email, "Leaver", ""], [2, "other@example.org", "Other", ""]]
    rows.append([2, leaver.email.upper(), "Twice, and beside the other", ""])
    make_member("other@example.org")
    named = ["exists", [["%(name)s keeps what is there.", {"name": "Leaver"}]], leaver.pk]
    kept = InvitationList.objects.create(
        owner=staff,
        title="members.csv",
        rows=rows,
        confirmed_at=timezone.now(),
        outcome=[named, ["new", [], 0], named],
    )
    waits = InvitationList.objects.create(owner=staff, title="new.csv", rows=rows[:1])
    let_the_date_come(leaver)

    call_command("nightly")

    assert "forget_former_members: 1 former members taken out of lists" in capsys.readouterr().out
    waits.refresh_from_db()
    assert waits.rows == rows[:1]
    kept.refresh_from_db()
    deleted = ["", "", "No member has this address any more."]
    assert kept.rows == [[1, *deleted], rows[1], [2, *deleted]]
    unnamed = ["exists", [["No member has this address any more.", {}]], None]
    assert kept.outcome == [unnamed, ["new", [], 0], unnamed]


def test_whoever_has_time_left_or_came_back_is_left_alone(leaver, member, client):
    """X2."""
    assert deletion.delete_leavers() == "0 members deleted"
    let_the_date_come(leaver)
    due = deletion.due_members()
    User.objects.update(leaves_at=None)

    assert not deletion.delete_member(due[0])

    assert Profile.objects.filter(user=leaver).exists()


def test_the_nightly_command_does_it(leaver, settings):
    settings.NIGHTLY = ["profiles.privacy.deletion.delete_leavers"]
    let_the_date_come(leaver)

    call_command("nightly")

    assert not User.objects.filter(pk=leaver.pk).exists()


def restored(user, profile):
    """Bring a member's rows back as they were, as a backup does."""
    User.objects.bulk_create([user])
    Profile.objects.bulk_create([profile])


@pytest.mark.parametrize("knows_it", [True, False])
def test_a_restored_backup_does_not_bring_a_leaver_back(
    owner, member, client, log_in, settings, knows_it
):
    """X2: the backup is of before the leaving; it has no row of the departure either."""
    before = User.objects.get(pk=owner.pk), Profile.objects.get(user=owner)
    leave_and_delete(owner, log_in)
    restored(*before)
    if not knows_it:
        with connection.cursor() as cursor:  # not by the ORM: django-cleanup would see it
            cursor.execute("DELETE FROM privacy_departure")
    assert Profile.objects.filter(name="Mary Somerville").exists()

    assert deletion.delete_leavers() == "1 members deleted"

    assert not Profile.objects.filter(name="Mary Somerville").exists()
    assert Profile.objects.filter(user=member).exists()
    assert len(list((settings.MEDIA_ROOT / "protected" / "departures").iterdir())) == 1


def leave_and_delete(user, log_in):
    log_in(user, Client()).post("/me/data/leave/")
    let_the_date_come(user)
    deletion.delete_leavers()


def test_whoever_is_invited_again_is_somebody_new(owner, log_in):
    """X2: the list is of accounts, and not of people."""
    leave_and_delete(owner, log_in)
    make_member(owner.email, name="Mary Somerville")

    assert deletion.delete_leavers() == "0 members deleted"

    assert User.objects.filter(email=owner.email).exists()


def test_whoever_gets_the_number_of_a_leaver_is_somebody_new(owner, log_in):
    """X2: as after a backup of before the leaving, in which the number is free again."""
    leave_and_delete(owner, log_in)
    other = make_member("other@example.org", pk=owner.pk)

    assert deletion.delete_leavers() == "0 members deleted"

    assert User.objects.filter(email=other.email, pk=owner.pk).exists()


def test_a_file_that_is_no_record_becomes_none(owner, log_in, settings):
    leave_and_delete(owner, log_in)
    (settings.MEDIA_ROOT / "protected" / "departures" / "notes.txt").touch()

    deletion.delete_leavers()

    assert Departure.objects.count() == 1


def test_the_list_of_departures_tells_nobodys_name(owner, log_in, settings):
    leave_and_delete(owner, log_in)

    [record] = (settings.MEDIA_ROOT / "protected" / "departures").iterdir()

    assert (len(record.name), record.read_bytes()) == (64, b"")
    assert Departure.objects.get().record.name == f"departures/{record.name}"


def test_a_sweep_keeps_the_list(owner, log_in, settings):
    leave_and_delete(owner, log_in)

    [record] = (settings.MEDIA_ROOT / "protected" / "departures").iterdir()
    os.utime(record, (0, 0))

    call_command("sweep_media", "--delete", "--most")

    assert record.exists()


def test_a_record_that_is_missing_is_written_again(owner, log_in, settings):
    """After the files were moved elsewhere without it."""
    leave_and_delete(owner, log_in)
    shutil.rmtree(settings.MEDIA_ROOT / "protected" / "departures")

    deletion.delete_leavers()

    assert len(list((settings.MEDIA_ROOT / "protected" / "departures").iterdir())) == 1


def test_files_that_the_storage_did_not_delete_are_deleted_in_the_next_night(
    leaver, settings, monkeypatch, caplog
):
    """X2, F3: a resume must not stay in the bucket because S3 had a bad night."""
    storages = {field.storage for _, field in file_fields()}
    let_the_date_come(leaver)
    with monkeypatch.context() as fault:
        for storage in storages:
            fault.setattr(type(storage), "delete", refuse)
        deletion.delete_leavers()
    late = "A file of a deleted member is deleted in the next night: The storage refuses"
    assert [error for error in errors(caplog) if error == late] == [late] * 4
    assert not User.objects.filter(pk=leaver.pk).exists()
    assert len(stored(settings)) == 4
    PendingFile.objects.update(started_at=timezone.now() - timedelta(days=1))

    call_command("delete_expired_uploads")

    assert stored(settings) == set()
    assert not PendingFile.objects.exists()


def refuse(self, name):
    raise OSError("The storage refuses")


def errors(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


def test_one_who_cannot_be_deleted_does_not_keep_the_others(
    owner, member, log_in, monkeypatch, caplog
):
    log_in(owner, Client()).post("/me/data/leave/")
    log_in(member, Client()).post("/me/data/leave/")
    let_the_date_come(owner, member)
    written = deletion.written_record
    broken = deletion.digest(owner.pk, User.objects.get(pk=owner.pk).date_joined)

    def refuse_one(name):
        if name == broken:
            raise OSError("The storage refuses")
        return written(name)

    monkeypatch.setattr(deletion, "written_record", refuse_one)

    with pytest.raises(deletion.NotDeleted, match=r"^1 members deleted; 1 tried again in the next"):
        deletion.delete_leavers()

    assert errors(caplog) == ["A member who has left could not be deleted yet: The storage refuses"]
    assert User.objects.filter(pk=owner.pk).exists()
    assert not User.objects.filter(pk=member.pk).exists()
    assert Departure.objects.count() == 1, "a deletion is done whole or not at all"


def test_the_last_superuser_stays(staff, caplog):
    """X2: the other one's rights were taken away during the days of grace."""
    let_the_date_come(staff)

    with pytest.raises(deletion.NotDeleted, match=r"^0 members deleted; 1 tried again in the next"):
        deletion.delete_leavers()

    assert errors(caplog)[0].endswith("not be deleted yet: it is the only superuser")
    assert User.objects.filter(pk=staff.pk).exists()


def test_one_who_is_due_and_was_brought_back_is_tried_once(staff):
    let_the_date_come(staff)
    Departure.objects.create(digest=deletion.digest(staff.pk, staff.date_joined))

    with pytest.raises(deletion.NotDeleted, match=r"^0 members deleted; 1 tried again"):
        deletion.delete_leavers()


def test_the_night_says_that_not_all_is_done(staff, settings):
    settings.NIGHTLY = ["profiles.privacy.deletion.delete_leavers"]
    let_the_date_come(staff)

    with pytest.raises(CommandError):
        call_command("nightly")


def test_old_openings_are_deleted(owner, member, settings):
    settings.OPENINGS_KEPT_DAYS = 30
    now = timezone.now()
    for days in (29, 31):
        opened_at = now - timedelta(days=days)
        ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=opened_at)

    assert delete_old() == "1 openings removed"

    assert ResumeDownload.objects.get().opened_at > now - timedelta(days=30)


def test_the_record_is_in_the_bucket_too(on_s3, owner, member, client, log_in):
    """X2, on S3: the listing brings a record back that a restored database does not have."""
    before = User.objects.get(pk=owner.pk), Profile.objects.get(user=owner)
    leave_and_delete(owner, log_in)
    restored(*before)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM privacy_departure")

    assert deletion.delete_leavers() == "1 members deleted"

    assert not User.objects.filter(pk=owner.pk).exists()
    assert Departure.objects.count() == 1
