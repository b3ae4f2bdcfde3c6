"""What a resume is: a whole PDF that opens without a password, kept byte for byte."""

import re
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.urls import reverse

from portal.files.fields import CleanedFieldFile, CleanedFileField, check_size

# The last two lines of every PDF, and nothing behind them (ISO 32000-1, 7.5.5).
ENDING = re.compile(rb"startxref\s+\d+\s+%%EOF[\s\0]*\Z")
ENDING_BYTES = 1024

INSPECTION = Path(__file__).with_name("pdf_inspection.py")
INSPECTION_SECONDS = 10  # by the clock, for a machine that is busy; the limit on work is below

# An inspection may take up to 140 MB, and a dyno has 512: one at a time in each process.
one_inspection = threading.Lock()

REFUSALS = {
    "password": "This PDF needs a password. Please save it without one and choose that file.",
    "no_pages": "This PDF has no pages. Please choose another.",
    "damaged": "This PDF is damaged. Please save it as PDF again and choose the new file.",
    "too_complex": "This PDF is too complicated to check. Please print it to a new PDF and "
    "choose that file.",
}


class ResumeFile(CleanedFieldFile):
    """A resume on a profile; wherever its URL is shown, that is the resume view's."""

    @property
    def url(self):
        """The address that asks who is there. Only that view asks the storage for a signed link.

        Django's admin shows a file's URL to those who may look but not change.
        """
        return reverse("resume", args=[self.instance.pk])


class ResumeField(CleanedFileField):
    """A PDF, stored as it came."""

    attr_class = ResumeFile
    extension = ".pdf"
    content_type = "application/pdf"
    accept = "application/pdf"

    def clean_upload(self, file):
        return clean_resume(file, max_bytes=settings.RESUME_MAX_BYTES)


def clean_resume(file: File, *, max_bytes: int) -> File:
    """Return ``file``, rewound and otherwise untouched, if it is a whole PDF that anyone can open.

    What a PDF may carry (scripts, links, attachments) stays in it: it is only ever served as an
    attachment.

    Raises ValidationError with the code ``empty``, ``too_large``, ``not_a_pdf``, ``cut_off``,
    ``trailing`` or one of ``REFUSALS``.
    """
    check_size(file, max_bytes)
    file.seek(0)
    content = file.read()
    file.seek(0)
    if not content.startswith(b"%PDF-"):
        raise ValidationError("This is not a PDF. Please choose a PDF file.", code="not_a_pdf")
    if not ENDING.search(content, max(0, len(content) - ENDING_BYTES)):
        if b"%%EOF" in content[-ENDING_BYTES:]:
            raise ValidationError(
                "Something follows the end of this PDF. Please save it as PDF again and choose "
                "the new file.",
                code="trailing",
            )
        raise ValidationError(
            "This PDF is cut off. Please choose the original file.", code="cut_off"
        )
    verdict = inspected(content)
    if verdict != "good":
        raise ValidationError(REFUSALS[verdict], code=verdict)
    return file


def inspected(content: bytes) -> str:
    """Return what pdf_inspection.py says of a PDF: ``good``, or a key of ``REFUSALS``.

    It runs in a Python of its own, because only the limits of a process hold: 33 kB of PDF made
    qpdf take 2.3 GB, and others run for minutes, within the limits that qpdf itself can be given.
    """
    try:
        with one_inspection:
            child = subprocess.run(  # noqa: S603  our own code; the upload is data on its input
                [sys.executable, "-P", INSPECTION],
                input=content,
                stdout=subprocess.PIPE,
                timeout=INSPECTION_SECONDS,
            )
    except subprocess.TimeoutExpired:
        return "too_complex"
    if child.returncode < 0:  # stopped at a limit, or crashed: by a signal in either case
        return "too_complex"
    child.check_returncode()  # anything else that went wrong is our own mistake
    return child.stdout.decode()
