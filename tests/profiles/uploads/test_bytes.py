"""What the children look for in the bytes of a file: their rules, without a process for each."""

import importlib
import struct
import sys

import pytest
from PIL import Image

from profiles.uploads import sandbox
from tests.support import samples

SCAN = b"\xff\xda\0\x08\x01"
JPEG, PNG_START = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def photo_bytes(monkeypatch):
    return imported("photo_bytes", monkeypatch)


@pytest.fixture
def pdf_child(monkeypatch):
    return imported("pdf_child", monkeypatch)


def imported(name, monkeypatch):
    """Import a module as the children do, which have its folder on their path."""
    monkeypatch.syspath_prepend(sandbox.FOLDER)
    monkeypatch.setattr(sys, "argv", ["child"])
    return importlib.import_module(name)


@pytest.mark.parametrize(
    ("data", "is_refused"),
    [
        (SCAN * 60, False),
        (SCAN * 61, True),
        (SCAN.replace(b"\x08", b"\x09") * 61, False),  # no scan has an odd length
        (SCAN.replace(b"\x01", b"\x05") * 61, False),  # nor five components
        (b"\xff\xda\0\x0e\x04" * 61, True),
        (b"Exif\0\0" * 60, False),
        (b"Exif\0\0" * 61, True),
        (b"Exif\0" * 61, False),
        (SCAN * 60 + b"Exif\0\0" * 60, False),
    ],
)
def test_a_jpeg_of_more_parts_than_cameras_write_is_refused(photo_bytes, data, is_refused):
    if is_refused:
        with pytest.raises(photo_bytes.Refused, match="damaged"):
            photo_bytes.refuse_repeated_parts(data)
    else:
        photo_bytes.refuse_repeated_parts(data)


@pytest.mark.parametrize(
    "options",
    [{}, {"lossless": True}, {"exif": samples.exif(1).tobytes()}, {"save_all": True}],
    ids=["lossy", "lossless", "with a place for Exif", "animated"],
)
@pytest.mark.parametrize("shape", [(200, 100), (100, 200)])
def test_a_webp_is_as_large_as_its_header_says(photo_bytes, options, shape):
    """I10: in words that say what is wrong, for the decoder only says that it cannot open it."""
    webp = samples.encoded(samples.photo(shape), "WEBP", **options)

    photo_bytes.refuse_large_webp(webp, 20_000)
    with pytest.raises(photo_bytes.Refused, match="too_many_pixels"):
        photo_bytes.refuse_large_webp(webp, 19_999)
    photo_bytes.refuse_large_webp(webp[:20], 20_000)  # what follows is Pillow's to refuse


def chunk(kind, data=b"x"):
    return samples.png_chunk(kind, data)


def wrong(part):
    return part[:-1] + bytes([part[-1] ^ 1])


@pytest.mark.parametrize(
    ("chunks", "kept"),
    [
        ([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IDAT", b"IEND"], [0, 1, 2, 3, 4, 5]),
        ([b"IHDR", b"tEXt", b"tIME", b"IDAT", b"abcd", b"IEND"], [0, 3, 5]),
        ([b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"eXIf", b"IEND"], [0, 1, 2, 3, 4, 5]),
        ([b"IHDR", b"iCCP", b"iCCP", b"gAMA", b"gAMA", b"IEND"], [0, 1, 3, 5]),
        ([b"IHDR", b"IEND", b"IDAT"], [0, 1]),
        ([b"IHDR", b"IDAT"], [0, 1]),  # its end is missing
    ],
)
def test_a_png_keeps_what_its_pixels_need_and_their_colours_once(photo_bytes, chunks, kept):
    parts = [chunk(kind) for kind in chunks]

    essential = photo_bytes.essential_png(PNG_START + b"".join(parts))

    assert essential == PNG_START + b"".join(parts[number] for number in kept)


def test_a_side_chunk_of_a_wrong_checksum_is_left_out_and_another_one_taken(photo_bytes):
    good, bad, pixels = chunk(b"gAMA", b"1"), wrong(chunk(b"gAMA", b"2")), wrong(chunk(b"IDAT"))
    end = chunk(b"IEND", b"")

    essential = photo_bytes.essential_png(PNG_START + bad + good + pixels + end + b"HTML")

    assert essential == PNG_START + good + pixels + end


@pytest.mark.parametrize(("most", "is_refused"), [(3, False), (2, True)])
def test_a_png_of_endless_chunks_is_refused(photo_bytes, monkeypatch, most, is_refused):
    monkeypatch.setattr(photo_bytes, "MAX_CHUNKS", most)
    data = PNG_START + chunk(b"IHDR") + chunk(b"tEXt") + chunk(b"IEND", b"")

    if is_refused:
        with pytest.raises(photo_bytes.Refused, match="damaged"):
            photo_bytes.essential_png(data)
    else:
        assert photo_bytes.essential_png(data).endswith(chunk(b"IEND", b""))


def webp(length, data=b"x" * 10):
    return b"RIFF" + struct.pack("<I", length) + b"WEBP" + data


@pytest.mark.parametrize(
    ("data", "is_cut_off"),
    [
        (JPEG + b"x" + b"\xff\xd9", False),
        (JPEG + b"\xff\xd9" + b"x" * 1_022, False),
        (JPEG + b"\xff\xd9" + b"x" * 1_023, True),
        (JPEG + b"x", True),
        (PNG_START + b"IEND" + b"x" * 1_020, False),
        (PNG_START + b"IEND" + b"x" * 1_021, True),
        (PNG_START, True),
        (b"GIF89a;", False),
        (b"GIF89a;\0\0", False),
        (b"GIF89a", True),
        (b"GIF89a;x", True),
        (webp(14), False),
        (webp(13), False),
        (webp(15), True),
        (b"\0\0\0\x18ftypheic", True),
    ],
)
def test_a_file_is_cut_off_that_ends_before_its_format_says(photo_bytes, data, is_cut_off):
    assert photo_bytes.is_cut_off(data) is is_cut_off


@pytest.mark.parametrize(
    ("scan", "is_detail"),
    [
        (SCAN + b"\x01\0\x01\x3f\x10", True),
        (SCAN + b"\x02\0\x01\x3f\x10", False),  # not of the brightness
        (SCAN + b"\x01\0\x01\x3e\x10", False),  # nor to the last coefficient
        (SCAN + b"\x01\0\x01\x3f\x20", False),  # nor to the last bit
        (SCAN + b"\x01\0\x01\x3f", False),
        (b"\xff\xda\0\x0a\x02\x01\0\x02\0\x01\x3f\x10", False),  # of two components
        (b"", False),
    ],
)
def test_the_last_scan_may_only_refine_the_brightness(photo_bytes, scan, is_detail):
    data = JPEG + SCAN + b"first" + scan if scan else JPEG

    found = photo_bytes.last_detail(data)

    assert found == (len(JPEG + SCAN + b"first") if is_detail else None)


@pytest.mark.parametrize(
    ("height", "decoded", "is_whole"),
    [(400, 380, True), (400, 379, False), (1_000, 970, True), (1_000, 969, False), (400, 0, False)],
)
def test_few_rows_at_the_end_may_be_missing(photo_bytes, height, decoded, is_whole):
    image = Image.new("RGB", (10, height))
    image.paste("white", (0, 0, 10, decoded))

    assert photo_bytes.is_nearly_whole(b"", image) is is_whole


def test_a_progressive_jpeg_may_lack_its_last_detail_alone(photo_bytes):
    image = Image.new("RGB", (10, 400), "white")
    image.info["progressive"] = True

    assert photo_bytes.is_nearly_whole(JPEG + SCAN + b"\x01\0\x01\x3f\x10", image)
    assert not photo_bytes.is_nearly_whole(JPEG + SCAN + b"\x02\0\x01\x3f\x10", image)


SANE = b"%PDF-1.7\nxref\nand so on\nstartxref\n9\n%%EOF"


@pytest.mark.parametrize(
    ("content", "is_sane"),
    [
        (SANE, True),
        (SANE + b" \t\r\n\f\0" * 500, True),
        (SANE + b"x", False),
        (b" " + SANE, False),
        (SANE.replace(b"\n9\n", b"\n8\n"), True),  # a blank before
        (SANE.replace(b"\n9\n", b"\n10\n"), False),
        (SANE.replace(b"\n9\n", b"\n99\n"), False),
        (SANE.replace(b"xref\nand", b"7 0 obj"), True),
        (SANE.replace(b"xref\nand", b"xrefs and"), False),
        (SANE.replace(b"startxref", b"startxre"), False),
        (SANE.replace(b"and so on", b"x" * 2_000), True),
        (SANE.replace(b"9\n%%EOF", b"9" + b" " * 1_024 + b"%%EOF"), False),
    ],
)
def test_a_pdf_is_sane_that_begins_and_ends_as_one(pdf_child, content, is_sane):
    assert pdf_child.is_sane(content) is is_sane


@pytest.mark.parametrize(
    ("content", "readable"),
    [
        (b"/Encrypt /EFF/x /StmF/Identity /StrF /Identity", b"/Ignored"),
        (b"/Encrypt /EFF/x", b"/Ignored"),
        (b"/Encrypt /StmF/Identity", b""),
        (b"/Encrypt /EFF/x /StmF/StdCF", b""),
        (b"/Encrypt /EFF/x /StrF /StdCF", b""),
        (b"/Encrypt /EFF/x /StrF/Identity2", b""),
    ],
)
def test_only_a_pdf_whose_attachments_alone_are_encrypted_is_read_without(
    pdf_child, content, readable
):
    found = pdf_child.without_encryption(content)

    assert found == (content.replace(b"/Encrypt", readable) if readable else b"")
