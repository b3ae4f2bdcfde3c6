"""describe_uploads: older files get what newer ones have, in as many runs as it takes."""

import io
import sys

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from portal.files.storages import public_media
from portal.s3.errors import StorageError
from profiles.management.commands import describe_uploads as command
from profiles.models import Profile, ResumeText, User
from profiles.uploads.turns import Busy
from tests.conftest import make_member
from tests.support import samples

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(command, "PAUSE_SECONDS", 0)


@pytest.fixture
def older_members():
    """Members whose files were stored before the site described them."""
    members = [make_member(f"m{number}@example.org") for number in range(3)]
    for user in members:
        profile = user.profile
        profile.avatar = ContentFile(samples.jpeg(), name="photo.jpg")
        profile.resume = ContentFile(samples.pdf(pages=2), name="cv.pdf")
        profile.save()
    Profile.objects.update(avatar_small="", resume_picture="", resume_pages=None, resume_bytes=None)
    ResumeText.objects.all().delete()
    return members


def described():
    return Profile.objects.exclude(avatar_small="").exclude(resume_bytes=None).count()


def test_describes_every_file(older_members, capsys):
    call_command("describe_uploads")

    profile = Profile.objects.get(user=older_members[0])
    assert described() == 3
    assert profile.resume_pages == 2
    assert profile.resume_bytes == profile.resume.size
    assert public_media().exists(profile.avatar_small.name)
    assert "3 of 3 members" in capsys.readouterr().out


def test_goes_on_where_it_was_interrupted(older_members, monkeypatch):
    describe, calls = command.describe, []

    def interrupted(profile):
        calls.append(profile.pk)
        if len(calls) == 2:
            raise KeyboardInterrupt
        describe(profile)

    with monkeypatch.context() as once:
        once.setattr(command, "describe", interrupted)
        with pytest.raises(KeyboardInterrupt):
            call_command("describe_uploads")
    assert described() == 1

    call_command("describe_uploads")

    assert described() == 3


def test_changes_nothing_when_run_again(older_members):
    call_command("describe_uploads")
    before = list(Profile.objects.values())

    call_command("describe_uploads")

    assert list(Profile.objects.values()) == before


def test_leaves_out_what_is_missing_and_says_so(older_members, capsys):
    public_media().delete(older_members[0].profile.avatar.name)

    with pytest.raises(CommandError, match="Left as they are: 1"):
        call_command("describe_uploads")

    assert described() == 2
    assert f"profile {older_members[0].profile.pk}: FileNotFoundError" in capsys.readouterr().err


def test_does_not_describe_a_file_that_was_replaced_meanwhile(older_members, monkeypatch):
    profile = Profile.objects.get(user=older_members[0])
    stale = Profile.objects.get(pk=profile.pk)
    profile.avatar = ContentFile(samples.png(), name="new.png")
    profile.save()
    kept = Profile.objects.get(pk=profile.pk).avatar_small.name
    before = set(public_media().listdir("avatars")[1])

    command.name_if_unchanged(
        stale, "avatar", {"avatar_small": ContentFile(b"old", name="96.webp")}
    )

    assert Profile.objects.get(pk=profile.pk).avatar_small.name == kept
    assert set(public_media().listdir("avatars")[1]) == before


@pytest.fixture
def unread_resume(member, mailoutbox):
    """A member whose resume was stored before the site read its text."""
    member.profile.resume = ContentFile(samples.pdf_with_text("Hydrology"), name="cv.pdf")
    member.profile.save()
    ResumeText.objects.all().delete()
    return member


def test_an_older_resume_is_found_and_its_owner_told_once(client, unread_resume, mailoutbox):
    client.force_login(unread_resume)
    assert "not read yet" in client.get("/me/").content.decode()
    assert list(client.get("/members/?q=hydrology").context["page"]) == []

    call_command("describe_uploads")
    call_command("describe_uploads")

    assert [card.pk for card in client.get("/members/?q=hydrology").context["page"]] == [
        unread_resume.profile.pk
    ]
    assert [(message.to, "untick" in message.body) for message in mailoutbox] == [
        ([unread_resume.email], True)
    ]
    assert "by words in your resume" in mailoutbox[0].subject


@pytest.mark.parametrize("what", ["a scan", "inactive", "switched off", "new"])
def test_nobody_is_told_of_what_does_not_concern_them(unread_resume, mailoutbox, what):
    """The control is the test above."""
    profile = unread_resume.profile
    if what in {"a scan", "new"}:
        text = samples.pdf() if what == "a scan" else samples.pdf_with_text("Hydrology")
        profile.resume = ContentFile(text, name="cv.pdf")
        profile.save()
    if what == "a scan":
        ResumeText.objects.all().delete()
    Profile.objects.update(resume_is_searched=what != "switched off")
    User.objects.update(is_active=what != "inactive")

    call_command("describe_uploads")

    assert mailoutbox == []
    assert ResumeText.objects.filter(source=Profile.objects.get().resume.name).exists()


def test_a_resume_that_cannot_be_opened_any_more_is_left_and_told(unread_resume, capsys):
    file = unread_resume.profile.resume
    file.storage.delete(file.name)

    with pytest.raises(CommandError, match="Left as they are: 1"):
        call_command("describe_uploads")

    output = io.StringIO()
    call_command("check", databases=["default"], stdout=output, stderr=output)
    assert "no search finds anybody: 1." in output.getvalue()


FIELDS = [field.name for field in Profile._meta.concrete_fields]


def values():
    return {row["id"]: row for row in Profile.objects.values(*FIELDS)}


def test_only_what_is_lacking_is_made(older_members, member, capsys, monkeypatch):
    """A photo, what is known of a resume, and its text: each alone, and nothing."""
    call_command("describe_uploads")
    described_resumes, describe = [], command.described_resume
    monkeypatch.setattr(
        command, "described_resume", lambda file: described_resumes.append(1) or describe(file)
    )
    photo, resume, text = (Profile.objects.filter(user=user) for user in older_members)
    photo.update(avatar_small="")
    resume.update(resume_picture="", resume_pages=None, resume_bytes=None)
    ResumeText.objects.filter(profile__in=text).delete()
    make_member("photo@example.org")
    Profile.objects.filter(user__email="photo@example.org").update(avatar=photo.get().avatar.name)
    before = values()
    capsys.readouterr()

    call_command("describe_uploads")

    after = values()
    assert [
        {name for name in FIELDS if after[pk][name] != row[name]}
        for pk, row in sorted(before.items())
    ] == [
        {"avatar_small"},
        {"resume_picture", "resume_pages", "resume_bytes"},
        set(),
        set(),
        {"avatar_small"},
    ]
    assert len(described_resumes) == 2
    row = resume.get()
    assert (row.resume_pages, row.resume_bytes) == (2, row.resume.size)
    assert row.resume_picture.storage.exists(row.resume_picture.name)
    assert ResumeText.objects.filter(profile__in=text).exists()
    assert capsys.readouterr().out.splitlines() == [
        "4 of 4 members",
        "Every photo and resume is described.",
    ]


@pytest.fixture
def many(monkeypatch):
    """A hundred and one members whose files are described by nothing."""
    users = User.objects.bulk_create(
        User(email=f"m{number}@example.org", password="!") for number in range(101)
    )
    Profile.objects.bulk_create(Profile(user=user, avatar="avatars/x.webp") for user in users)
    described_pks = []
    monkeypatch.setattr(command, "describe", lambda profile: described_pks.append(profile.pk))
    return described_pks


def test_a_pipe_sees_a_line_for_each_hundred(many, capsys, monkeypatch):
    pauses = []
    monkeypatch.setattr(command.time, "sleep", pauses.append)

    call_command("describe_uploads")

    assert capsys.readouterr().out.splitlines() == [
        "100 of 101 members",
        "101 of 101 members",
        "Every photo and resume is described.",
    ]
    assert many == sorted(Profile.objects.values_list("pk", flat=True))
    assert len(pauses) == 101


def test_a_person_sees_a_line_for_each_of_so_many_as_were_asked_for(many, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)

    call_command("describe_uploads", limit=2)

    assert capsys.readouterr().out.splitlines() == [
        "1 of 2 members",
        "2 of 2 members",
        "Members left, for the next run: 99.",
    ]
    assert many == sorted(Profile.objects.values_list("pk", flat=True))[:2]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(db, limit):
    with pytest.raises(CommandError, match="1 or more"):
        call_command("describe_uploads", limit=limit)


@pytest.mark.parametrize(
    "error", [OSError(), StorageError("S3 is away"), ValidationError("no photo"), Busy()]
)
def test_what_is_at_fault_costs_no_other_file(older_members, monkeypatch, capsys, error):
    describe = command.describe
    first = Profile.objects.get(user=older_members[0])

    def faulty(profile):
        if profile == first:
            raise error
        describe(profile)

    monkeypatch.setattr(command, "describe", faulty)
    with pytest.raises(CommandError) as failed:
        call_command("describe_uploads")

    assert str(failed.value) == "Left as they are: 1. Run it again to retry them."
    assert described() == 2
    told = capsys.readouterr()
    assert told.err == f"profile {first.pk}: {type(error).__name__}, left as it is\n"
    assert told.out == "3 of 3 members\n"


def test_a_fault_of_the_program_ends_it(older_members, monkeypatch):
    def faulty(profile):
        raise RuntimeError

    monkeypatch.setattr(command, "describe", faulty)
    with pytest.raises(RuntimeError):
        call_command("describe_uploads")


def test_a_member_who_was_deleted_meanwhile_is_no_fault(older_members, monkeypatch, capsys):
    describe = command.describe

    def deletes_another(profile):
        User.objects.filter(email="m1@example.org").delete()
        describe(profile)

    monkeypatch.setattr(command, "describe", deletes_another)
    call_command("describe_uploads")

    assert described() == Profile.objects.count() == 2
    assert capsys.readouterr().err == ""


def test_the_text_of_a_resume_that_was_replaced_meanwhile_is_not_kept(unread_resume, mailoutbox):
    stale = Profile.objects.get(user=unread_resume)
    Profile.objects.filter(pk=stale.pk).update(resume="resumes/another.pdf")

    command.keep_text(stale, "Hydrology")

    assert not ResumeText.objects.exists()
    assert mailoutbox == []
    assert Profile.objects.get(pk=stale.pk).resume.name == "resumes/another.pdf"


@pytest.mark.parametrize("visibility", ["hidden", "members"])
def test_the_message_says_what_a_hidden_profile_comes_to(unread_resume, mailoutbox, visibility):
    Profile.objects.update(visibility=visibility)

    call_command("describe_uploads")

    [message] = mailoutbox
    assert ("hidden" in message.body) is (visibility == "hidden")
