"""Files that two rows name: kept until neither does."""

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError

from portal.files import cleanup
from profiles.models import Profile
from tests.support import samples

from .sweeps import stored, sweep_media

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]


def test_a_file_of_two_rows_stays_until_both_have_gone(
    stored_on, owner, member, django_capture_on_commit_callbacks
):
    """T6: django-cleanup alone would delete it with the first."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    avatar = f"default {owner.profile.avatar.name}"

    with django_capture_on_commit_callbacks(execute=True):
        owner.delete()
    assert stored() == [avatar]

    with django_capture_on_commit_callbacks(execute=True):
        Profile.objects.get(user=member).delete()
    assert stored() == []


def test_a_file_of_two_rows_stays_when_one_is_given_another(
    owner, member, django_capture_on_commit_callbacks
):
    """T6; the last row's replacement is the control."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    shared = f"default {owner.profile.avatar.name}"

    def replace(user):
        profile = Profile.objects.get(user=user)
        with django_capture_on_commit_callbacks(execute=True):
            profile.avatar = ContentFile(samples.jpeg(), name="new.jpg")
            profile.save()

    replace(owner)
    assert shared in stored()

    replace(member)
    assert shared not in stored()


def test_a_file_is_kept_if_nobody_can_be_asked(
    owner, a_day_later, monkeypatch, django_capture_on_commit_callbacks, caplog
):
    """The request succeeds, as in T5, and the sweep comes later."""

    def fail(*arguments):
        raise DatabaseError

    with monkeypatch.context() as broken, django_capture_on_commit_callbacks(execute=True):
        broken.setattr(cleanup, "named_among", fail)
        owner.delete()
    assert len(stored()) == 4
    assert "Could not ask whether a row still names a file, so it was kept." in caplog.text

    sweep_media("--delete")
    assert stored() == []


def test_a_file_of_two_rows_is_no_orphan(stored_on, owner, member, a_day_later):
    """T6, the sweep's half."""
    Profile.objects.filter(user=member).update(avatar=owner.profile.avatar.name)
    Profile.objects.filter(user=owner).delete()

    sweep_media("--delete")

    assert stored() == [f"default {owner.profile.avatar.name}"]
