"""What is kept of a file beside it: facts, pictures, text, and notes for its owner."""

import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from profiles.models import Profile, StoredUpload
from profiles.uploads import sandbox
from profiles.uploads.avatars import AvatarField, small_avatar
from profiles.uploads.resumes import (
    NO_TEXT,
    REPAIRED,
    ResumeField,
    clean_resume,
    described_resume,
    readable_text,
)
from tests.support import samples

PDF = b"%PDF-1.7 and so on"
PICTURE = ContentFile(b"PNG", name="first-page.png")
REWRITTEN = ContentFile(b"%PDF-1.7 written anew", name="rewritten.pdf")


@pytest.fixture
def found(monkeypatch):
    """A function that says what the child has found in a PDF."""

    def found(report, *parts):
        by_name = {part.name: part for part in parts}
        parsed = sandbox.Parsed({"verdict": "good", "pages": 2} | report, by_name)
        monkeypatch.setattr(sandbox, "parse", lambda child, file, **request: parsed)

    return found


def test_a_good_pdf_is_kept_with_what_was_found_in_it(found):
    found({"text": "Peat\x02\nland"}, PICTURE)
    file = ContentFile(PDF)

    stored, facts = clean_resume(file, max_bytes=len(PDF))

    assert (stored, stored.tell()) == (file, 0)
    assert facts == {
        "pages": 2,
        "bytes": len(PDF),
        "picture": PICTURE,
        "text": "Peatland",
        "is_repaired": False,
    }


def test_a_repaired_pdf_is_kept_as_it_was_written_anew(found):
    found({"verdict": "repaired"}, REWRITTEN)

    stored, facts = clean_resume(ContentFile(PDF), max_bytes=len(PDF))

    assert stored is REWRITTEN
    assert facts == {
        "pages": 2,
        "bytes": REWRITTEN.size,
        "picture": None,
        "text": "",
        "is_repaired": True,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("report", "parts", "notes"),
    [
        ({"text": "Peat"}, [], []),
        ({"text": ""}, [PICTURE], [NO_TEXT]),
        ({"text": "Peat", "verdict": "repaired"}, [REWRITTEN], [REPAIRED]),
        ({"verdict": "repaired"}, [REWRITTEN], [REPAIRED, NO_TEXT]),
    ],
)
def test_its_owner_is_told_of_what_they_would_not_expect(member, found, report, parts, notes):
    found(report, *parts)

    upload = StoredUpload.receive(member, "resume", ContentFile(PDF, name="cv.pdf"))

    assert upload.shown_note == " ".join(map(str, notes))


@pytest.mark.parametrize(("before", "is_pdf"), [(0, True), (1_023, True), (1_024, False)])
def test_a_header_is_looked_for_where_viewers_look_for_it(found, before, is_pdf):
    found({})
    file = ContentFile(b" " * before + PDF)

    if is_pdf:
        assert clean_resume(file, max_bytes=9_999)[0] is file
    else:
        with pytest.raises(ValidationError, match="This is not a PDF"):
            clean_resume(file, max_bytes=9_999)


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("hydro\x02\r\nlogy", "hydrology"),
        ("hydro\ufffe logy", "hydrology"),
        ("hydro\u00adlogy", "hydrology"),
        ("  wet \x00\n\u200b peat\t", "wet peat"),
        ("Łódź", "Łódź"),
        ("", ""),
    ],
)
def test_a_text_is_read_without_hyphenation_and_control_characters(text, readable):
    assert readable_text(text) == readable


def test_a_stored_resume_is_described_whatever_may_be_uploaded_by_now(found, settings):
    settings.RESUME_MAX_BYTES = 1
    found({"text": "Peat"})

    assert described_resume(ContentFile(PDF))["bytes"] == len(PDF)


def test_a_photo_is_kept_in_the_sizes_of_the_settings(settings):
    settings.AVATAR_PIXELS, settings.AVATAR_SMALL_PIXELS = 90, 40
    photo = ContentFile(samples.jpeg((200, 100)), name="me.jpg")

    cleaned = Profile._meta.get_field("avatar").cleaned(photo)

    assert list(cleaned.others) == ["avatar_small"]
    assert Image.open(cleaned.file).size == (90, 90)
    assert Image.open(cleaned.others["avatar_small"]).size == (40, 40)
    settings.AVATAR_MAX_BYTES = 1
    with pytest.raises(ValidationError, match="large"):
        Profile._meta.get_field("avatar").cleaned(photo)
    assert Image.open(small_avatar(cleaned.file)).size == (40, 40), "whatever may be uploaded now"


def test_a_field_without_companions_keeps_the_file_alone(found):
    """For a site that lifts the fields out."""
    photo = AvatarField().clean_upload(ContentFile(samples.jpeg((200, 100)), name="me.jpg"))
    assert photo.others == {}
    assert (AvatarField().companions(), ResumeField().companions()) == ([], [])
    assert AvatarField(small="small").companions() == ["small"]
    assert ResumeField(pages="pages", size="size").companions() == ["pages", "size"]

    found({"text": "Peat"}, PICTURE)
    resume = ResumeField(size="size").clean_upload(ContentFile(PDF))

    assert (resume.others, resume.notes) == ({"size": len(PDF)}, [])
