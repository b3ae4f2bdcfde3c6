"""Changes to a batch between its page and the click that saves it. Catalogue row N2."""

import pytest
from django.core.files.base import ContentFile

from profiles.batches import saving, views
from profiles.batches.models import BatchFile
from profiles.models import StoredUpload, User
from tests.support import samples

from .test_files import SAVE, files, form, photo, profile_of, resume, save, send

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_photo_that_came_meanwhile_is_not_replaced_unseen(desk, member, monkeypatch):
    send(desk, photo("Ada Lovelace.jpg"))
    publish = StoredUpload.publish

    def meanwhile(upload):
        publish(upload)
        profile = profile_of(member)
        profile.avatar = ContentFile(samples.jpeg(), name="mine.jpg")
        profile.save()

    monkeypatch.setattr(StoredUpload, "publish", meanwhile)
    page = save(desk)

    assert "Somebody has added one meanwhile." in page.content.decode()


def test_a_file_that_came_after_the_page_was_opened_is_not_saved_unseen(desk, member, other_member):
    send(desk, photo("Ada Lovelace.jpg"))
    page = form(desk)
    send(desk, photo("Grace Hopper.jpg"))

    desk.post(SAVE, {"save": "1", **page})

    assert profile_of(member).avatar
    assert not profile_of(other_member).avatar
    assert set(files(desk)) == {"Grace Hopper.jpg"}


def test_a_file_that_was_taken_away_meanwhile_is_matched_no_more(desk, member, monkeypatch):
    send(desk, photo("Nobody.jpg"), photo("Nobody else.jpg"))
    first, last = BatchFile.objects.order_by("pk")
    resolve = views.resolve

    def meanwhile(*typed):
        StoredUpload.objects.filter(pk=last.upload_id).delete()
        return resolve(*typed)

    monkeypatch.setattr(views, "resolve", meanwhile)
    typed = {f"member-{pk}": "Ada Lovelace" for pk in (first.pk, last.pk)}

    assert desk.post(SAVE, {"look": "1", **typed}).status_code == 302

    assert BatchFile.objects.get().profile == member.profile


def test_a_double_click_saves_once(desk, member):
    send(desk, photo("Ada Lovelace.jpg"))
    fields = {"save": "1", **form(desk)}

    desk.post(SAVE, fields)
    before = profile_of(member).avatar.name
    assert desk.post(SAVE, fields).status_code == 302

    assert profile_of(member).avatar.name == before


def test_a_file_that_the_storage_has_lost_is_not_reported_as_saved(desk, member):
    send(desk, photo("Ada Lovelace.jpg"))
    [upload] = StoredUpload.objects.all()
    upload.file.storage.delete(upload.file.name)

    with pytest.raises(FileNotFoundError):
        save(desk)

    assert not profile_of(member).avatar


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("file", "field"), [(photo, "avatar"), (resume, "resume")])
def test_two_clicks_at_once_save_once(desk, member, monkeypatch, file, field):
    """The later of two requests has read its rows before the earlier has deleted them."""
    send(desk, file("Ada Lovelace.jpg"), photo("IMG_1.jpg"))
    save_one = saving.save_one

    def twice(file, *others):
        again = BatchFile.objects.select_related("upload", "profile").get(pk=file.pk)
        assert [save_one(again, *others), save_one(file, *others)] == ["", ""]
        return ""

    monkeypatch.setattr(saving, "save_one", twice)
    page = save(desk)

    assert page.status_code == 200
    saved = getattr(profile_of(member), field)
    assert saved.storage.exists(saved.name)


def test_what_takes_too_long_is_saved_by_the_next_click(desk, member, other_member, monkeypatch):
    monkeypatch.setattr(saving, "SAVE_SECONDS", -1)
    send(desk, photo("Ada Lovelace.jpg"), photo("Grace Hopper.jpg"))

    page = save(desk)
    assert "2 more are ready." in page.content.decode()
    monkeypatch.setattr(saving, "SAVE_SECONDS", 60)
    save(desk)

    assert profile_of(member).avatar
    assert profile_of(other_member).avatar


def test_a_profile_is_saved_with_its_history_or_not_at_all(desk, member, monkeypatch):
    """What was published for it is named by the upload, which is still there."""
    send(desk, photo("Ada Lovelace.jpg"))

    def fails(*args):
        raise RuntimeError

    monkeypatch.setattr(type(saving.LogEntry.objects), "log_actions", fails)
    with pytest.raises(RuntimeError):
        save(desk)

    assert not profile_of(member).avatar
    upload = StoredUpload.objects.get()
    assert upload.published.storage.exists(upload.published.name)


@pytest.mark.parametrize("change", [{"is_staff": True}, {"is_superuser": True}])
def test_whoever_becomes_one_of_the_staff_meanwhile_is_left_to_superusers(desk, member, change):
    send(desk, photo("Ada Lovelace.jpg"))
    page = form(desk)
    User.objects.filter(pk=member.pk).update(**change)

    answer = desk.post(SAVE, {"save": "1", **page})

    assert "This member is not there any more." in answer.content.decode()
    assert not profile_of(member).avatar
