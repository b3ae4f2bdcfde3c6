"""The answers to the script that sends a file, and what is stored of it."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from portal.files import sweeping
from portal.files.storages import LocalStorage
from portal.s3.errors import StorageError
from profiles.models import PendingFile, StoredUpload
from profiles.uploads import pending, sandbox, stored
from profiles.uploads.crop import unreadable
from profiles.uploads.pending import STORING_TIME, delete_abandoned
from profiles.uploads.turns import Busy
from profiles.uploads.views import ready
from tests.support import samples

pytestmark = pytest.mark.django_db

PHOTO = {"name": "me.jpg", "content": samples.jpeg((600, 400))}
RESUME = {"name": "cv.pdf", "content": samples.pdf(pages=3)}


@pytest.fixture
def sent(client, member):
    """A function that sends a file, or none, as the script does."""
    client.force_login(member)

    def send(purpose, file=None, **data):
        if file:
            data["file"] = ContentFile(file["content"], name=file["name"])
        return client.post(f"/me/uploads/{purpose}/", data)

    return send


def refused(message):
    """Return the error of a storage that has answered with a refusal."""
    error = StorageError(message)
    error.__cause__ = ClientError({"Error": {"Code": "AccessDenied"}}, "PutObject")
    return error


def files():
    return {
        alias: sorted(file.name for file in sweeping.listing(storages[alias]))
        for alias in ("default", "protected")
    }


def test_a_stored_file_is_answered_by_what_the_form_shows(sent, client):
    photo, resume = sent("avatar", PHOTO), sent("resume", RESUME)

    kept = {upload.purpose: upload for upload in StoredUpload.objects.all()}
    assert (photo.status_code, resume.status_code) == (201, 201)
    assert photo.json() == {
        "pk": kept["avatar"].pk,
        "note": "",
        "ready": "me.jpg is ready. It takes effect when you save.",
        "picture": f"/me/uploads/{kept['avatar'].pk}/picture/",
    }
    assert resume.json() == {
        "pk": kept["resume"].pk,
        "note": "No text could be read in this PDF, as in a scan: "
        "nobody will find its words by a search.",
        "ready": "cv.pdf (3 pages) is ready. It takes effect when you save.",
        "picture": f"/me/uploads/{kept['resume'].pk}/picture/",
    }
    # Of a photo the picture is the photo itself, and of a resume its first page.
    for upload, shown in ((kept["avatar"], "file"), (kept["resume"], "picture")):
        link = client.get(reverse("upload-picture", args=[upload.pk]))["Location"]
        with getattr(upload, shown).open() as file:
            assert b"".join(client.get(link).streaming_content) == file.read()


def test_the_row_has_all_that_was_made_of_the_file(sent, member, settings):
    before = timezone.now()
    sent("avatar", PHOTO)
    sent("resume", RESUME | {"content": samples.pdf_with_text("Hydrology")})

    photo, resume = StoredUpload.objects.order_by("pk")
    assert (photo.owner, photo.purpose, photo.filename) == (member, "avatar", "me.jpg")
    assert (photo.pages, photo.bytes, photo.text, photo.published.name) == (None, None, "", "")
    assert (resume.owner, resume.purpose, resume.filename) == (member, "resume", "cv.pdf")
    assert (resume.pages, resume.bytes) == (1, resume.file.size)
    assert resume.text.strip() == "Hydrology"
    for upload in (photo, resume):
        kept = upload.expires_at - timedelta(seconds=settings.UPLOAD_KEPT_SECONDS)
        assert before <= kept <= timezone.now()
    assert resume.values() == {
        "resume": resume.file.name,
        "resume_picture": resume.picture.name,
        "resume_pages": 1,
        "resume_bytes": resume.bytes,
        "new_resume_text": resume.text,
    }
    photo.publish()
    photo.refresh_from_db()
    resume.refresh_from_db()
    assert resume.published.name == ""
    assert photo.values() == {
        "avatar": photo.published.name,
        "avatar_small": photo.published_small.name,
    }
    assert files() == {
        "default": sorted(photo.values().values()),
        "protected": sorted(
            each.name for upload in (photo, resume) for each in (upload.file, upload.picture)
        ),
    }
    for source, copy in ((photo.file, photo.published), (photo.picture, photo.published_small)):
        with source.open() as one, copy.open() as other:
            assert one.read() == other.read()


def test_a_photo_is_published_once(sent):
    sent("avatar", PHOTO)
    upload = StoredUpload.objects.get()
    upload.publish()
    before = files(), upload.values()

    upload.publish()

    assert (files(), upload.values()) == before


def test_a_resume_is_published_nowhere(sent):
    sent("resume", RESUME)
    before = files()

    StoredUpload.objects.get().publish()

    assert files() == before


def test_a_file_without_a_name_is_ready_too():
    upload = StoredUpload(filename="", pages=None)

    assert ready(upload) == "Your file is ready. It takes effect when you save."
    upload.pages = 1
    assert ready(upload) == "Your file (1 page) is ready. It takes effect when you save."


@pytest.mark.parametrize(
    ("purpose", "file", "status", "words"),
    [
        ("avatar", None, 200, "Please choose a file."),
        ("resume", PHOTO, 200, "This is not a PDF."),
        ("photo", PHOTO, 404, ""),
    ],
)
def test_a_refused_file_is_answered_by_a_sentence(sent, purpose, file, status, words):
    answer = sent(purpose, file)

    assert answer.status_code == status
    if status == 200:
        assert list(answer.json()) == ["error"]
        assert answer.json()["error"].startswith(words)
    assert not StoredUpload.objects.exists()
    assert files() == {"default": [], "protected": []}


def test_a_busy_site_keeps_the_upload_that_was_to_be_replaced(sent, monkeypatch):
    pk = sent("resume", RESUME).json()["pk"]

    def busy(*arguments, **request):
        raise Busy

    monkeypatch.setattr(sandbox, "parse", busy)
    answer = sent("resume", RESUME, replaces=pk)

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert StoredUpload.objects.get().pk == pk


@pytest.mark.parametrize("number", ["", "x", "²", "-1", "9" * 5_000, "1.0", "{arabic}"])
def test_what_is_no_number_of_an_upload_replaces_none(sent, number):
    first = sent("resume", RESUME).json()["pk"]
    arabic = "".join(chr(0x660 + int(digit)) for digit in str(first))

    answer = sent("resume", RESUME, replaces=number.format(arabic=arabic))

    assert answer.status_code == 201
    assert StoredUpload.objects.filter(pk=first).exists()


def test_an_upload_of_another_purpose_is_not_replaced(sent):
    """The control is test_another_choice_replaces_the_one_before."""
    photo = sent("avatar", PHOTO).json()["pk"]

    sent("resume", RESUME, replaces=photo)

    assert StoredUpload.objects.count() == 2


def test_the_cut_is_of_photos_alone(sent):
    cut = {"photo-zoom": "99"}

    assert sent("avatar", PHOTO, **cut).json()["error"] == unreadable().message
    assert sent("avatar", PHOTO).status_code == 201
    assert sent("resume", RESUME, **cut).status_code == 201


def test_no_connection_is_held_while_a_file_is_parsed_or_stored(sent, monkeypatch):
    """Uploads have more threads than there are connections. The row comes before its files."""
    events, parse, put = [], sandbox.parse, LocalStorage._save

    def noted(event, function):
        return lambda *args, **more: events.append(event) or function(*args, **more)

    released = noted("released", lambda: events.append(PendingFile.objects.count()))
    for module in (stored, pending):
        monkeypatch.setattr(module, "release_connection", released)
    monkeypatch.setattr(sandbox, "parse", noted("parsed", parse))
    monkeypatch.setattr(LocalStorage, "_save", noted("stored", put))

    other = PendingFile.objects.create(field="profiles.Profile.resume", name="resumes/other.pdf")

    sent("resume", RESUME)

    assert events == ["released", 1, "parsed", "released", 3, "stored", "stored"]
    assert PendingFile.objects.get() == other


def store(fail, owner):
    """Store the two files of an upload and its row, and let something fail after that."""
    row = StoredUpload(purpose="resume", owner=owner, expires_at=timezone.now())
    contents = {name: ContentFile(b"x", name="x.pdf") for name in ("file", "picture")}
    with pending.stored_files(row, contents):
        row.save()
        raise fail


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (DatabaseError("Rolled back"), 0),
        (KeyboardInterrupt(), 0),
        (refused("The storage has answered"), 0),
        (StorageError("No answer"), 2),
    ],
)
def test_files_of_a_row_that_was_not_saved_are_deleted_unless_the_storage_is_silent(
    member, error, left
):
    """It would not answer to this either, and take as long again: the night deletes them."""
    with pytest.raises(type(error)):
        store(error, member)

    assert not StoredUpload.objects.exists()
    assert len(files()["protected"]) == PendingFile.objects.count() == left


def test_a_fault_while_files_are_deleted_does_not_hide_the_first_one(member, monkeypatch):
    def refuse(self, name):
        raise OSError("The storage refuses")

    monkeypatch.setattr(LocalStorage, "delete", refuse)

    with pytest.raises(DatabaseError, match="Rolled back"):
        store(DatabaseError("Rolled back"), member)

    assert PendingFile.objects.count() == 2


def test_the_night_settles_what_it_can_and_reports_the_first_fault(monkeypatch, capsys):
    """A file that is perhaps still being stored is left alone: the control."""
    for name in ("a", "b", "c", "young"):
        storages["protected"].save(f"resumes/{name}.pdf", ContentFile(b"x"))
        PendingFile.objects.create(field="profiles.Profile.resume", name=f"resumes/{name}.pdf")
    started = timezone.now() - STORING_TIME
    PendingFile.objects.exclude(name__contains="young").update(started_at=started)
    delete = LocalStorage.delete

    def refuse_some(self, name):
        if name[8:9] in stubborn:
            raise OSError(f"The storage refuses {name}")
        delete(self, name)

    monkeypatch.setattr(LocalStorage, "delete", refuse_some)
    stubborn = {"a", "b"}
    with pytest.raises(OSError, match=r"The storage refuses resumes/a\.pdf"):
        delete_abandoned()
    assert files()["protected"] == ["resumes/a.pdf", "resumes/b.pdf", "resumes/young.pdf"]
    stubborn = set()

    call_command("delete_expired_uploads")

    assert "Deleted 2 files of processes that were killed." in capsys.readouterr().out
    assert files()["protected"] == ["resumes/young.pdf"]
    assert [each.name for each in PendingFile.objects.all()] == ["resumes/young.pdf"]
