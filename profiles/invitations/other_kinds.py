"""Files that people take for a list and that have no rows to read, told by what is in them."""

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

HEAD_BYTES = 1_024
PDF = _(
    "This is a PDF, in which nobody can find rows. Please choose the spreadsheet that it was made "
    "from, or copy the names and addresses from it and paste them."
)
PICTURE = _("This is a picture. Please choose a spreadsheet, or paste the names and addresses.")
DOCUMENT = _(
    "This is a text document. Please copy the names and addresses from it and paste them, or save "
    "its table as a spreadsheet (XLSX, ODS) or CSV."
)
WEB_PAGE = _(
    "This is a web page, whatever its name ends in. Please open it with a spreadsheet program, "
    "save it as XLSX, ODS or CSV, and choose that file."
)
CONTACTS = _(
    "These are contacts (vCard). Please export them as CSV, or paste the names and addresses."
)
NUMBERS = _("This is a Numbers file. Please export it as Excel or CSV and choose that file.")
ARCHIVE = _("This is an archive. Please unpack it, and choose the spreadsheet that is in it.")

BEGINNINGS = (
    (re.compile(rb".{0,1019}%PDF-", re.DOTALL), PDF),
    (
        re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF.{4}WEBP|.{4}ftyp|II\*\0|MM\0\*", re.DOTALL),
        PICTURE,
    ),
    (re.compile(rb"\{\\rtf"), DOCUMENT),
    (
        re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body|table|meta)\b", re.I),
        WEB_PAGE,
    ),
    (re.compile(rb"(\xef\xbb\xbf)?\s*BEGIN:VCARD", re.I), CONTACTS),
    (re.compile(rb"Rar!|7z\xbc\xaf|\x1f\x8b"), ARCHIVE),
)
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# A ZIP file has the names of its files in plain bytes, and in a document of the OpenDocument kind
# the first of them says which; in Word's older format, the names are UTF-16.
PARTS = (
    (OLE, "WordDocument".encode("utf-16-le"), DOCUMENT),
    (ZIP, b"word/document.xml", DOCUMENT),
    (ZIP, b"application/vnd.oasis.opendocument.text", DOCUMENT),
    (ZIP, b"Index/Document.iwa", NUMBERS),
)
SPREADSHEET_PARTS = (b"xl/workbook", b"content.xml", b"[Content_Types].xml")


def refuse_by_beginning(head: bytes) -> None:
    """Raise ValidationError if a file begins as one of another kind."""
    for beginning, words in BEGINNINGS:
        if beginning.match(head):
            raise ValidationError(words, code="other_kind")


def refuse_by_parts(content: bytes) -> None:
    """Raise ValidationError if a file is packed as spreadsheets are, and is none."""
    for packed, part, words in PARTS:
        if content.startswith(packed) and part in content:
            raise ValidationError(words, code="other_kind")
    is_whole = content.startswith(ZIP) and b"PK\x05\x06" in content
    if is_whole and not any(part in content for part in SPREADSHEET_PARTS):
        raise ValidationError(ARCHIVE, code="other_kind")
