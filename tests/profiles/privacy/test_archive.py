"""Taking one's data along: all of it, and nothing of others."""

import io
import json
import zipfile

import pytest
from allauth.account.models import EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.outbox.models import OutgoingMessage
from profiles.batches.models import BatchFile
from profiles.invitations.models import Invitation, InvitationList
from profiles.models import Profile, ResumeDownload, ResumeText, StoredUpload
from profiles.privacy import archive as making
from profiles.privacy.about import TABLES, Given, undecided_columns
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def archive(response):
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def downloaded(client):
    return archive(client.post("/me/data/download/"))


def test_every_column_has_a_decision():
    """X1: whoever adds one decides about it in profiles/privacy/about.py."""
    assert undecided_columns() == []


def test_staff_read_which_rights_and_groups_they_have(client, member, log_in):
    member.user_permissions.add(Permission.objects.get(codename="add_user"))
    member.groups.add(Group.objects.create(name="Keepers"))
    log_in(member)

    files = downloaded(client)

    assert files.namelist() == ["README.txt", "data.json"], "neither photo nor resume is missing"
    data = json.loads(files.read("data.json"))
    assert [row["group"] for row in data["groups"]] == ["Keepers"]
    assert len(data["rights"]) == 1
    assert "Can add" in data["rights"][0]["permission"]


def test_no_connection_to_the_database_is_held_while_files_are_read(
    client, owner, log_in, monkeypatch
):
    """There are fewer of them than threads, and a bucket may be slow."""
    log_in(owner)
    events, write = [], making.write_file

    def written(*args):
        events.append("a file is read")
        write(*args)

    monkeypatch.setattr(making, "release_connection", lambda: events.append("released"))
    monkeypatch.setattr(making, "write_file", written)

    downloaded(client)

    assert events == ["released", "a file is read", "a file is read"]


def test_members_take_all_of_theirs_along(client, owner, member, log_in):
    """X1."""
    owner.profile.bio = "The biography"
    owner.profile.save()
    ResumeDownload.objects.create(profile=owner.profile, member=member)
    ResumeDownload.objects.create(profile=member.profile, member=owner)
    OutgoingMessage.objects.create(to=owner.email, subject="A message")
    owner.emailaddress_set.create(email="new@example.org")
    OutgoingMessage.objects.create(to="new@example.org", subject="A link for the new address")
    log_in(owner)

    response = client.post("/me/data/download/")
    files = archive(response)

    today = timezone.now().strftime("%Y-%m-%d")
    assert response["Content-Disposition"] == f'attachment; filename="my-data-{today}.zip"'
    assert files.namelist() == ["README.txt", "data.json", "photo.webp", "resume.pdf"]
    assert files.read("README.txt").decode() == str(making.README)
    data = json.loads(files.read("data.json"))
    assert data["account"][0]["email"] == owner.email
    assert data["profile"][0]["bio"] == "The biography"
    assert data["e-mail addresses"][0]["email"] == owner.email
    assert data["who opened your resume"][0]["member"] == "Ada Lovelace"
    assert data["resumes that you opened"][0]["profile"] == "Ada Lovelace"
    subjects = [row["subject"] for row in data["messages of the last 30 days"]]
    assert subjects == ["A message", "A link for the new address"]
    assert data["where you are logged in"][0]["ip"] == "127.0.0.1"
    for name, stored in {
        "resume.pdf": owner.profile.resume,
        "photo.webp": owner.profile.avatar,
    }.items():
        with stored.open() as file:
            assert files.read(name) == file.read()


def test_each_table_is_given_by_the_rows_of_the_member_alone(client, owner, member, log_in):
    """X1: both of them have rows everywhere, some of which name the other."""
    log_in(member, Client())
    log_in(owner)
    write_rows_everywhere(member, other=owner)
    write_rows_everywhere(owner, other=member)

    data = json.loads(downloaded(client).read("data.json"))

    opening = {"opened_at": "2026-01-02T03:04:00Z"}
    assert data["who opened your resume"] == [opening | {"member": "Ada Lovelace"}]
    assert data["resumes that you opened"] == [opening | {"profile": "Ada Lovelace"}]
    both = {"who opened your resume", "resumes that you opened"}
    titles = {given.title for given in TABLES.values() if isinstance(given, Given)} | both
    assert data.keys() == titles - {"resumes"}
    more = {title: len(rows) for title, rows in data.items() if len(rows) != 1}
    assert more == {"what the staff did with your account": 2}, "of the account, and the profile"
    others = [text for text in ("rows of ada", "ada@") if text in json.dumps(data)]
    assert others == [], "the control is the owner's own text"
    assert json.dumps(data).count("rows of mary") == 9


def test_rows_are_in_the_order_in_which_they_were_written(client, owner, member, log_in):
    """And letters of all alphabets as they are, to be read in any editor."""
    Profile.objects.filter(user=owner).update(headline="Łódź")
    for day in (2, 3, 1):
        moment = f"2026-01-0{day}T03:04Z"
        ResumeDownload.objects.create(profile=owner.profile, member=member, opened_at=moment)
        OutgoingMessage.objects.create(to=owner.email, subject=f"Message {day}")

    text = downloaded(log_in(owner)).read("data.json").decode()

    data = json.loads(text)
    days = [int(row["opened_at"][9]) for row in data["who opened your resume"]]
    messages = [int(row["subject"][-1]) for row in data["messages of the last 30 days"]]
    assert days == messages == [2, 3, 1]
    assert '"headline": "Łódź"' in text
    assert text.startswith('{\n"account": [\n  {"email": "mary@example.org"')
    assert text.endswith("]\n}\n")


def write_rows_everywhere(user, *, other):
    """Write a row about a member into each table that members are given."""
    words = f"rows of {user.email.partition('@')[0]}"
    soon = "2100-01-01T00:00Z"
    opened_at = "2026-01-02T03:04Z"
    group = Group.objects.create(name=words)
    user.groups.add(group)
    user.user_permissions.add(Permission.objects.first())
    EmailConfirmation.objects.create(email_address=user.emailaddress_set.get(), key=words)
    Authenticator.objects.create(user=user, type="totp", data={})
    ResumeDownload.objects.create(profile=user.profile, member=other, opened_at=opened_at)
    StoredUpload.objects.create(owner=user, purpose="resume", filename=words, expires_at=soon)
    OutgoingMessage.objects.create(to=user.email, subject=words)
    for about in (user, user.profile):
        LogEntry.objects.create(
            user=other,
            content_type=ContentType.objects.get_for_model(about),
            object_id=about.pk,
            action_flag=2,
            change_message=words,
        )
    ResumeText.objects.update_or_create(profile=user.profile, defaults={"text": words})
    Invitation.objects.create(user=user, invited_by=other)
    InvitationList.objects.create(owner=user, title=words)
    BatchFile.objects.create(owner=user, filename=words, profile=other.profile)
    Profile.objects.filter(user=user).update(bio=words)


def test_nothing_of_others_is_in_it(client, owner, member, staff, log_in):
    """X1: who opened a resume and has hidden their profile is not named, as on the page."""
    for other in (member, staff):
        other.profile.visibility = Profile.Visibility.HIDDEN
        other.profile.headline = f"Headline of {other.pk}"
        other.profile.save()
        ResumeDownload.objects.create(profile=owner.profile, member=other)
        ResumeDownload.objects.create(profile=other.profile, member=staff)
    log_in(member, Client())
    log_in(owner)

    text = downloaded(client).read("data.json").decode()

    assert json.loads(text)["who opened your resume"][0]["member"] is None
    for word in ["Ada", member.email, staff.email, "Headline"]:
        assert word not in text


def test_no_secret_is_in_it(client, owner, log_in):
    """X1."""
    log_in(owner)
    Authenticator.objects.create(user=owner, type="totp", data={"secret": "JBSWY3DPEHPK3PXP"})

    text = downloaded(client).read("data.json").decode()

    assert json.loads(text)["second factors"][0]["type"] == "totp"
    for word in ["JBSWY3DPEHPK3PXP", owner.password, client.session.session_key, "avatars/"]:
        assert word not in text


def test_it_asks_for_the_password_and_then_goes_on(client, owner):
    client.force_login(owner)

    response = client.post("/me/data/download/")
    assert response["Location"].startswith("/accounts/reauthenticate/")

    response = client.post(response["Location"], {"password": PASSWORD})

    assert response["Content-Disposition"].startswith("attachment; ")
    assert "resume.pdf" in archive(response).namelist()


def test_a_missing_file_is_named_and_the_rest_is_there(client, owner, log_in):
    owner.profile.avatar.storage.delete(owner.profile.avatar.name)

    files = downloaded(log_in(owner))

    assert files.read("photo.webp is missing.txt") == b"The portal cannot find this file.\n"
    assert "photo.webp" not in files.namelist()
    with owner.profile.resume.open() as file:
        assert files.read("resume.pdf") == file.read()


def test_a_storage_that_does_not_answer_is_a_page_in_plain_words(on_s3, client, owner, s3, log_in):
    """X1: not an archive that ends in the middle."""
    log_in(owner)
    s3.fail_next(503, "SlowDown", times=99)

    response = client.post("/me/data/download/")

    assert response.status_code == 503


def test_members_who_are_leaving_take_it_along(client, leaver):
    """X2."""
    assert "resume.pdf" in downloaded(client).namelist()


def test_staff_do_it_for_somebody_who_asks_by_letter(client, staff, owner):
    client.force_login(staff)
    address = reverse("admin:profiles_user_leaving", args=[owner.pk])

    files = archive(client.post(address, {"download": ""}))

    assert json.loads(files.read("data.json"))["account"][0]["email"] == owner.email
    assert LogEntry.objects.get().change_message == "Downloaded the member's data."


def test_files_that_wait_for_their_form_are_listed(client, owner, log_in):
    StoredUpload.objects.create(
        owner=owner, purpose="resume", filename="my cv.pdf", expires_at="2100-01-01T00:00Z"
    )

    text = downloaded(log_in(owner)).read("data.json").decode()

    assert "my cv.pdf" in text
