"""Uploads that meet one another, or a fault: the later wins, and nothing is left behind."""

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.utils import timezone

from portal.files import sweeping
from portal.files.storages import LocalStorage
from profiles.models import PendingFile, Profile, StoredUpload, User
from profiles.uploads import forms, sandbox
from profiles.uploads.pending import STORING_TIME
from tests.conftest import make_member
from tests.profiles.test_admin import change
from tests.support import samples

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def files():
    return {
        file.name
        for alias in ("default", "protected")
        for file in sweeping.listing(storages[alias])
    }


def files_of(profile):
    profile = Profile.objects.get(pk=profile.pk)
    fields = (profile.avatar, profile.avatar_small, profile.resume, profile.resume_picture)
    return {field.name for field in fields if field}


def a_form(number):
    return {
        "name": "Ada",
        "visibility": "members",
        "avatar": ContentFile(samples.jpeg((200 + number, 200)), name="me.jpg"),
        "resume": ContentFile(samples.pdf(pages=number + 1), name="cv.pdf"),
    }


def logged_in(user, **options):
    client = Client(**options)
    client.force_login(user)
    return client


@pytest.mark.skipif(connection.vendor == "sqlite", reason="in memory, it locks whole tables")
def test_of_two_at_once_the_later_wins(member):
    """T4: photo, resume, and what was made of them belong together."""
    clients, together = [logged_in(member) for _ in range(2)], Barrier(2)

    def save(number):
        together.wait()
        try:
            return clients[number].post("/me/edit/", a_form(number)).status_code
        finally:  # connection.close() leaves one to SQLite's memory open
            BaseDatabaseWrapper.close(connection)

    with ThreadPoolExecutor(2) as pool:
        statuses = list(pool.map(save, range(2)))

    assert statuses == [302, 302]
    assert len(files_of(member.profile)) == 4
    assert files() == files_of(member.profile)
    assert not StoredUpload.objects.exists()


def test_a_form_that_is_sent_twice_names_its_files_once(member):
    client = logged_in(member)
    upload = StoredUpload.receive(member, "resume", ContentFile(samples.pdf(), name="cv.pdf"))
    form = {"name": "Ada", "visibility": "members", "resume-stored": upload.pk}
    client.post("/me/edit/", form)

    second = client.post("/me/edit/", form)

    assert str(forms.EXPIRED) in second.text
    assert files() == files_of(member.profile)
    assert len(files()) == 2


def by_the_member(member):
    return logged_in(member).post("/me/edit/", a_form(0))


def by_the_staff(member):
    files = {name: a_form(0)[name] for name in ("avatar", "resume")}
    address = f"/admin/profiles/user/{member.pk}/change/"
    return logged_in(staff_member()).post(address, change(member, **files))


def staff_member():
    return User.objects.create_superuser("root@example.org", "a password of some length")


def test_a_photo_that_two_saves_publish_is_stored_once(member):
    """Both have read the row before either publishes: the first one's files stay."""
    pk = StoredUpload.receive(member, "avatar", ContentFile(samples.jpeg(), name="me.jpg")).pk
    first, second = (StoredUpload.objects.get(pk=pk) for _ in range(2))

    first.publish()
    second.publish()

    assert StoredUpload.objects.get(pk=pk).published.name == first.published.name
    assert len(files()) == 4
    assert not PendingFile.objects.exists()


@pytest.mark.parametrize("sent", [by_the_member, by_the_staff])
def test_nothing_is_locked_while_a_file_is_parsed_or_stored(member, monkeypatch, sent):
    """Another save of the same profile comes through meanwhile. Without JavaScript."""
    parse, put, seen = sandbox.parse, LocalStorage._save, []

    def is_free():
        with transaction.atomic():
            Profile.objects.select_for_update(nowait=connection.vendor == "postgresql").get(
                pk=member.profile.pk
            )
        seen.append(connection.in_atomic_block)

    monkeypatch.setattr(sandbox, "parse", lambda *args, **more: is_free() or parse(*args, **more))
    monkeypatch.setattr(LocalStorage, "_save", lambda *args: is_free() or put(*args))

    assert sent(member).status_code == 302

    assert len(seen) == 8  # each is parsed once; four files are stored, and two published
    assert not any(seen)
    assert files() == files_of(member.profile)


def test_a_save_that_is_rolled_back_leaves_nothing_that_the_night_would_not_delete(
    member, monkeypatch
):
    """T1: the stored uploads name their files until they are expired."""

    def fail(self, *args, **kwargs):
        raise DatabaseError

    with monkeypatch.context() as broken:
        broken.setattr(Profile, "save", fail)
        logged_in(member, raise_request_exception=False).post("/me/edit/", a_form(0))
    assert files_of(member.profile) == set()
    assert StoredUpload.objects.count() == 2

    StoredUpload.objects.all().delete()

    assert files() == set()


def test_a_row_that_cannot_be_stored_leaves_no_file(member, monkeypatch):
    def fail(self, *args, **kwargs):
        raise DatabaseError

    monkeypatch.setattr(StoredUpload, "save", fail)

    logged_in(member, raise_request_exception=False).post("/me/edit/", a_form(0))

    assert files() == set()


def test_a_pending_file_that_a_row_has_come_to_name_is_kept(owner):
    """Its process lost the database after the commit. One that nobody names is the control."""
    abandoned = storages["protected"].save("resumes/x.pdf", ContentFile(b"x"))
    for name in (abandoned, owner.profile.resume.name):
        PendingFile.objects.create(field="profiles.StoredUpload.file", name=name)
    PendingFile.objects.update(started_at=timezone.now() - 2 * STORING_TIME)

    call_command("delete_expired_uploads", stdout=io.StringIO())

    assert files() == files_of(owner.profile)
    assert not PendingFile.objects.exists()


def test_files_go_with_their_member():
    """T3."""
    member = make_member("grace@example.org")
    logged_in(member).post("/me/edit/", a_form(0))
    StoredUpload.receive(member, "resume", ContentFile(samples.pdf(), name="cv.pdf"))
    assert len(files()) == 6

    member.delete()

    assert files() == set()
