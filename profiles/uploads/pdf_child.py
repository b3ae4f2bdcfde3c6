"""Checks that a PDF can be shown, repairs it if need be, reads its text, and draws its first page.

sandbox.py starts this program; PDFium, which Chromium shows PDFs with, is the judge.
"""

import codecs
import ctypes
import re
import struct
import sys
import time
import zlib
from contextlib import suppress

sys.path[:0] = sys.argv[2:]

import pypdfium2_raw as pdfium
from confinement import MEGABYTE, confine, report

CPU_SECONDS = 1.5  # an ordinary one takes 0.05, 10 MB in 2,600 pages 0.2
MEMORY_BYTES = 100 * MEGABYTE  # besides twice the file
# Of the text. Three quarters of a CV's length in books would do; one page takes a millisecond.
MAX_TEXT_PAGES, MAX_CHARACTERS = 40, 40_000
TEXT_CPU_SECONDS = 0.4  # after which no further page is read
PICTURE_WIDTH, MAX_PICTURE_HEIGHT = 480, 960  # pixels

# The end of every PDF, and nothing but padding behind it (ISO 32000-1, 7.5.5).
ENDING = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\Z")
PADDING = b" \t\r\n\f\0"
ENDING_BYTES = 1024
OTHER_FILTER = re.compile(rb"/St[mr]F\s*/(?!Identity\b)")
XREF = re.compile(rb"\s*(xref|\d+\s+\d+\s+obj)\b")


def main():
    content = sys.stdin.buffer.read()
    pdfium.FPDF_InitLibrary()
    confine(
        cpu_seconds=CPU_SECONDS,
        memory_bytes=MEMORY_BYTES + 2 * len(content),
        output_bytes=2 * len(content) + 4 * MEGABYTE,
    )
    document, is_encrypted = opened(content), False
    if not document and needs_password():
        readable = without_encryption(content)
        document, is_encrypted = readable and opened(readable), True
        if not document:
            report(verdict="password")
            return
    if not document:
        report(verdict="damaged")
        return
    pages = pdfium.FPDF_GetPageCount(document)
    page = pages > 0 and pdfium.FPDF_LoadPage(document, 0)
    if not page:
        report(verdict="damaged" if pages > 0 else "no_pages")
        return
    if is_sane(content):
        report(verdict="good", pages=pages)
    elif is_encrypted:  # written anew, its attachments could not be read by anybody
        report(verdict="password")
        return
    else:
        rewritten = saved(document)
        if not opens(rewritten, pages):
            report(verdict="damaged")
            return
        report({"rewritten.pdf": rewritten}, verdict="repaired", pages=pages)
    with suppress(MemoryError):  # last: if it is too much work, the file is still good
        report(text=text(document, pages))
        report({"first-page.png": picture(page)})


def opened(content: bytes):
    """The document, or None. PDFium reads on in `content`, which has to be kept."""
    return pdfium.FPDF_LoadMemDocument64(content, len(content), None)


def needs_password() -> bool:
    """Return True if it is for the want of a password that a document was not opened."""
    return pdfium.FPDF_GetLastError() == pdfium.FPDF_ERR_PASSWORD


def without_encryption(content: bytes) -> bytes:
    """A copy that does not mention its encryption, where that concerns attachments alone.

    Viewers then show the pages and ask for the password of an attachment; PDFium asks at once.
    (ISO 32000-1, 7.6.5: EFF is the filter of attachments, StmF and StrF those of everything else.)
    """
    if b"/EFF" not in content or OTHER_FILTER.search(content):
        return b""
    return content.replace(b"/Encrypt", b"/Ignored")


def is_sane(content: bytes) -> bool:
    """Return True if a file begins and ends as a PDF does, so that it is nothing else as well."""
    end = len(content.rstrip(PADDING))
    ending = ENDING.search(content, max(0, end - ENDING_BYTES), end)
    return (
        content.startswith(b"%PDF-")
        and ending is not None
        and XREF.match(content, int(ending[1])) is not None
    )


def saved(document) -> bytes:
    """The document as PDFium writes it anew, from the objects that it has understood."""
    written = bytearray()

    def write_block(_, data, size):
        written.extend(ctypes.string_at(data, size))
        return 1

    target = pdfium.FPDF_FILEWRITE(version=1)
    target.WriteBlock = type(target.WriteBlock)(write_block)
    is_saved = pdfium.FPDF_SaveAsCopy(document, ctypes.byref(target), pdfium.FPDF_NO_INCREMENTAL)
    return bytes(written) if is_saved else b""


def opens(content: bytes, pages: int) -> bool:
    document = opened(content)
    return (
        bool(document)
        and pdfium.FPDF_GetPageCount(document) == pages
        and bool(pdfium.FPDF_LoadPage(document, 0))
    )


def text(document, pages: int) -> str:
    """The text of the first pages, as far as the limits allow; none where they are pictures."""
    end, found, left = time.process_time() + TEXT_CPU_SECONDS, [], MAX_CHARACTERS
    for number in range(min(pages, MAX_TEXT_PAGES)):
        page = pdfium.FPDF_LoadPage(document, number)
        read = text_of_page(page, left) if page else ""
        pdfium.FPDF_ClosePage(page)
        found.append(read)
        left -= len(read)
        if left <= 0 or time.process_time() > end:
            break
    return "\n".join(found)


def text_of_page(page, most: int) -> str:
    characters = pdfium.FPDFText_LoadPage(page)
    count = min(max(pdfium.FPDFText_CountChars(characters), 0), most)
    units = (ctypes.c_ushort * (2 * count + 1))()  # a character has two at most
    pdfium.FPDFText_GetText(characters, 0, count, units)
    pdfium.FPDFText_ClosePage(characters)
    # Not bytes.decode(), which would import a module now that no file can be opened.
    return codecs.utf_16_le_decode(bytes(units), "replace", True)[0].rstrip("\0")


def picture(page) -> bytes:
    """A page as a PNG, on white."""
    ratio = pdfium.FPDF_GetPageHeightF(page) / max(pdfium.FPDF_GetPageWidthF(page), 1)
    width, height = PICTURE_WIDTH, max(1, min(round(PICTURE_WIDTH * ratio), MAX_PICTURE_HEIGHT))
    pixels = ctypes.create_string_buffer(b"\xff" * (3 * width * height), 3 * width * height)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGR, pixels, 3 * width)
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    rows = memoryview(pixels)
    lines = b"".join(b"\0" + rows[y : y + 3 * width] for y in range(0, len(rows), 3 * width))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(lines, 6)),
            (b"IEND", b""),
        )
    )


if __name__ == "__main__":
    main()
