"""Two members at the same time, one of whom leaves: catalogue X2."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from profiles.admin import MemberAdmin
from profiles.models import Profile, ResumeDownload, StoredUpload, User
from profiles.privacy import deletion
from profiles.uploads.stored import delete_expired
from tests.conftest import make_member
from tests.profiles.test_admin import change
from tests.profiles.uploads.test_two_at_once import files, files_of, logged_in
from tests.support import samples
from tests.support.rows import whole_database

from .conftest import let_the_date_come

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.postgresql,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time"),
]


@pytest.fixture
def leaver(owner):
    owner.profile.headline = "Keeper of lighthouses"
    owner.profile.save()
    return owner


@pytest.fixture
def stayer():
    """A member with files and rows of the same kinds."""
    user = make_member("grace@example.org", name="Grace Hopper")
    user.profile.avatar = ContentFile(samples.jpeg((300, 300)), name="photo.jpg")
    user.profile.resume = ContentFile(samples.pdf(pages=2), name="cv.pdf")
    user.profile.save()
    return user


def at_once(*actions) -> list:
    """Do all of it at the same moment, each in a thread; returns what each has returned."""
    together = Barrier(len(actions))

    def do(action):
        together.wait()
        try:
            return action()
        finally:  # connection.close() leaves one to SQLite's memory open
            BaseDatabaseWrapper.close(connection)

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(do, actions))


def a_profile(name, side):
    photo = ContentFile(samples.jpeg((side, side)), name="me.jpg")
    return {"name": name, "visibility": "members", "avatar": photo}


def recently(client):
    """Have a client count as one whose password was typed just now."""
    session = client.session
    record = {"method": "password", "at": timezone.now().timestamp()}
    session["account_authentication_methods"] = [record]
    session["account_authentication_methods_user"] = session["_auth_user_id"]
    session.save()
    return client


def test_nothing_of_a_leaver_is_left_and_nothing_of_another_is_touched(leaver, stayer, staff):
    """X2: leaving, while the resume is opened and the photo replaced; so is the deletion."""
    leaving, editing, reading = recently(logged_in(leaver)), logged_in(leaver), logged_in(stayer)
    resume = f"/members/{leaver.profile.pk}/resume/"

    statuses = at_once(
        lambda: leaving.post("/me/data/leave/").status_code,
        lambda: editing.post("/me/edit/", a_profile("Mary Somerville", 200)).status_code,
        lambda: reading.get(resume).status_code,
        lambda: reading.post("/me/edit/", a_profile("Grace Hopper", 210)).status_code,
    )
    assert statuses[0] == statuses[1] == statuses[3] == 302
    assert statuses[2] in {302, 404}
    assert User.objects.get(pk=leaver.pk).leaves_at
    let_the_date_come(leaver)
    profile_of_stayer = Profile.objects.filter(user=stayer).values("name", "headline", "resume")
    before = profile_of_stayer.get()

    by_staff, opening = logged_in(staff, raise_request_exception=False), logged_in(staff)
    photo = ContentFile(samples.jpeg((220, 220)), name="new.jpg")
    form, path = change(leaver, avatar=photo), f"/admin/profiles/user/{leaver.pk}/change/"
    statuses = at_once(
        deletion.delete_leavers,
        lambda: by_staff.post(path, form).status_code,
        lambda: opening.get(resume).status_code,
        lambda: reading.post("/me/edit/", a_profile("Grace Hopper", 230)).status_code,
    )
    assert statuses[1] in {200, 302}  # 200: the form says that the profile is not there any more
    assert statuses[3] == 302
    assert statuses[2] in {302, 404}
    deletion.delete_leavers()
    StoredUpload.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    delete_expired()

    text = whole_database().lower()
    for word in ["mary@example.org", "somerville", "lighthouse"]:
        assert word not in text
    of_stayer = files_of(stayer.profile)
    assert {name for name in files() if not name.startswith("departures/")} == of_stayer
    assert len(of_stayer) == 4
    assert profile_of_stayer.get() == before
    assert not ResumeDownload.objects.filter(profile__user=leaver.pk).exists()


def test_a_form_that_was_opened_before_the_deletion_does_not_undo_it(leaver, staff, monkeypatch):
    """X2: the staff's form is checked, the member is deleted, the form is saved."""
    is_checked, is_deleted, save = Event(), Event(), MemberAdmin.save_model

    def save_late(self, *args):
        is_checked.set()
        is_deleted.wait(20)
        return save(self, *args)

    monkeypatch.setattr(MemberAdmin, "save_model", save_late)
    client, path = logged_in(staff), f"/admin/profiles/user/{leaver.pk}/change/"
    let_the_date_come(leaver)

    def delete():
        is_checked.wait(20)
        deletion.delete_leavers()
        is_deleted.set()

    answer, _ = at_once(lambda: client.post(path, change(leaver), follow=True), delete)

    assert "Perhaps it was deleted?" in answer.content.decode()
    assert not User.objects.filter(email=leaver.email).exists()
    assert "somerville" not in whole_database().lower()


def test_of_two_superusers_who_leave_at_once_one_stays(staff):
    """X2."""
    other = make_member("chief@example.org", is_staff=True, is_superuser=True)
    clients = [recently(logged_in(user)) for user in (staff, other)]

    at_once(*(lambda client=client: client.post("/me/data/leave/") for client in clients))

    assert User.objects.filter(is_superuser=True, leaves_at=None).count() == 1


def test_of_two_superusers_who_take_the_rights_from_each_other_one_has_them(staff):
    other = make_member("chief@example.org", is_staff=True, is_superuser=True)

    def take_from(user, by):
        client = logged_in(by)
        page = f"/admin/profiles/user/{user.pk}/change/"
        return lambda: client.post(page, change(user) | {"is_staff": "on"})

    at_once(take_from(staff, by=other), take_from(other, by=staff))

    assert User.objects.filter(is_superuser=True).count() == 1
