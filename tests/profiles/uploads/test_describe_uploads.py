"""describe_uploads: older files get what newer ones have, in as many runs as it takes."""

import io

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from portal.files.storages import public_media
from profiles.management.commands import describe_uploads as command
from profiles.models import Profile, ResumeText, User
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
