"""PDFs that viewers show although they are not quite PDFs: kept, or repaired and said to be."""

import re
from io import BytesIO

import pikepdf
import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from profiles.uploads.resumes import REFUSALS, REPAIRED, clean_resume
from tests.support import samples

GOOD = samples.pdf(text="hello", pages=3)
HTTP_HEADER = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n"


def cleaned(content):
    file, facts = clean_resume(ContentFile(content), max_bytes=10_000_000)
    return file.read(), facts


def startxref_moved(content, by):
    return re.sub(
        rb"startxref\s+(\d+)", lambda found: b"startxref\n%d" % (int(found[1]) + by), content
    )


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(GOOD + b"\n" * 5000, id="line ends"),
        pytest.param(GOOD + bytes(300_000), id="zeros"),
        pytest.param(GOOD.rstrip(b"\n"), id="no line end"),
        pytest.param(GOOD.replace(b"\n%%EOF", b"\r\n%%EOF"), id="a line end of Windows"),
    ],
)
def test_padding_behind_the_end_is_kept(content):
    """P10: nothing but padding, of any length."""
    assert cleaned(content)[0] == content


@pytest.mark.whole
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\n" + GOOD, id="line end before"),
        pytest.param(b" \t\r\n" * 50 + GOOD, id="white space before"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="byte order mark before"),
        pytest.param(bytes(16) + GOOD, id="zeros before"),
        pytest.param(HTTP_HEADER + GOOD, id="HTTP header before"),
        pytest.param(samples.HTML + GOOD, id="HTML before"),
        pytest.param(GOOD + b"\x1a", id="Ctrl-Z behind"),
        pytest.param(GOOD + b"% a comment\n", id="comment behind"),
        pytest.param(GOOD + samples.HTML, id="HTML behind"),
        pytest.param(GOOD + samples.HTML * 30, id="much HTML behind"),
        pytest.param(GOOD + samples.HTML + b"\n%%EOF\n", id="HTML with an end of its own"),
        pytest.param(GOOD + bytes(range(256)) * 400, id="100 kB of junk behind"),
        pytest.param(startxref_moved(GOOD, 1), id="startxref one byte late"),
        pytest.param(startxref_moved(GOOD, -7), id="startxref seven bytes early"),
        pytest.param(startxref_moved(GOOD, 10**6), id="startxref behind the end"),
        pytest.param(startxref_moved(GOOD, -(10**3)), id="startxref before the beginning"),
        pytest.param(GOOD.replace(b"\n", b"\r\n"), id="LF turned into CRLF"),
        pytest.param(GOOD.replace(b"%%EOF", b""), id="no %%EOF"),
        pytest.param(GOOD[: GOOD.rindex(b"startxref")], id="no startxref"),
    ],
)
def test_what_viewers_show_is_repaired(content):
    """P10: rewritten, so that it is nothing else as well; the pages are all there."""
    file, facts = cleaned(content)

    assert facts["is_repaired"]
    assert facts["pages"] == 3
    assert file.startswith(b"%PDF-")
    assert b"script" not in file
    with pikepdf.open(BytesIO(file), attempt_recovery=False) as pdf:
        assert len(pdf.pages) == 3
    assert cleaned(file)[1]["is_repaired"] is False


def test_a_repaired_pdf_that_only_its_owner_may_change_opens_without_a_password():
    content = samples.locked_pdf(user="") + b"\n% a comment"

    file, facts = cleaned(content)

    assert facts["is_repaired"]
    with pikepdf.open(BytesIO(file)) as pdf:
        assert len(pdf.pages) == 1


@pytest.mark.parametrize("before", [b"", b"\n"])
def test_a_repair_does_not_help_against_a_password(before):
    """P9."""
    with pytest.raises(ValidationError) as refused:
        cleaned(before + samples.locked_pdf(user="secret", owner=""))

    assert refused.value.messages == [REFUSALS["password"]]


def with_encryption(filters):
    """A PDF for which no password is known, whose crypt filters apply to what these say."""
    encryption = (
        b"/Encrypt<</Filter/Standard/V 4/R 4/Length 128/P -4/EncryptMetadata false"
        b"/CF<</StdCF<</CFM/AESV2/AuthEvent/EFOpen/Length 16>>>>"
        + filters
        + (b"/O<" + b"00" * 32 + b">/U<" + b"11" * 32 + b">>>/ID[<00><00>]")
    )
    return samples.handmade_pdf(samples.SMALL, trailer=encryption)


def test_encrypted_attachments_are_no_reason_to_refuse():
    """ISO 32000-1, 7.6.5; the control is the same PDF with encrypted pages."""
    attachments = with_encryption(b"/StmF/Identity/StrF/Identity/EFF/StdCF")
    everything = with_encryption(b"/StmF/StdCF/StrF/StdCF/EFF/StdCF")

    assert cleaned(attachments)[0] == attachments
    with pytest.raises(ValidationError) as refused:
        cleaned(everything)
    assert refused.value.code == "password"


def test_a_pdf_is_described():
    """The pages and a picture of the first, for its owner and the staff."""
    _, facts = clean_resume(ContentFile(GOOD), max_bytes=10_000_000)

    assert facts["pages"] == 3
    assert facts["is_repaired"] is False
    assert facts["picture"].read(8) == b"\x89PNG\r\n\x1a\n"


def test_the_text_of_forty_pages_is_read_and_the_first_is_drawn_in_its_shape():
    content = samples.pdf_with_text(*(f"page {number}" for number in range(1, 42)))

    _, facts = clean_resume(ContentFile(content), max_bytes=10_000_000)

    assert facts["text"] == " ".join(f"page {number}" for number in range(1, 41))
    assert (facts["pages"], facts["bytes"]) == (41, len(content))
    with pikepdf.open(BytesIO(content)) as pdf:
        _, _, width, height = map(float, pdf.pages[0].mediabox)
    with Image.open(facts["picture"]) as picture:
        assert (picture.mode, picture.format) == ("RGB", "PNG")
        assert picture.size == (480, round(480 * height / width))
        assert picture.getpixel((0, 0)) == picture.getpixel((479, 0)) == (255, 255, 255)
        assert picture.convert("L").getextrema()[0] < 100, "something is drawn"


def test_the_picture_of_a_long_page_is_cut_at_twice_its_width():
    _, facts = clean_resume(ContentFile(with_mediabox(b"0 0 100 900")), max_bytes=10_000_000)

    with Image.open(facts["picture"]) as picture:
        assert picture.size == (480, 960)


def with_mediabox(box):
    """A PDF whose page has another shape."""
    with pikepdf.open(BytesIO(GOOD)) as pdf:
        for page in pdf.pages:
            page.mediabox = [float(edge) for edge in box.split()]
        written = BytesIO()
        pdf.save(written)
    return written.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "told"), [(b"", False), (b"\n", True)])
def test_a_member_is_told_of_a_repair(client, member, before, told):
    client.force_login(member)

    page = client.post(
        "/me/edit/",
        {"name": "Ada", "visibility": "members", "resume": ContentFile(before + GOOD, "cv.pdf")},
        follow=True,
    )

    assert (str(REPAIRED) in page.text) is told


def test_no_refusal_says_that_a_pdf_is_cut_off():
    """Nothing is known of what its owner has: a whole file was refused in these words once."""
    assert not [words for words in REFUSALS.values() if "cut off" in words]
