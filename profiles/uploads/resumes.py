"""The rule for a resume: a PDF that everybody can open without a password, and its text."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files import File
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from portal.files.fields import Cleaned, CleanedFieldFile, CleanedFileField, check_size

from . import sandbox

HEADER = b"%PDF-"
HEADER_BYTES = 1024  # within which every viewer looks for it

NOT_A_PDF = _(
    "This is not a PDF. Please save or export it as PDF in the program that it is from, and choose "
    "that file."
)
REFUSALS = {
    "password": _("This PDF needs a password. Please save it without one and choose that file."),
    "no_pages": _("This PDF has no pages. Please choose another."),
    "damaged": _("This PDF is damaged. Please save it as PDF again and choose the new file."),
    "too_complex": _(
        "This PDF is too complicated to check. Please print it to a new PDF and choose that file."
    ),
}


REPAIRED = _(
    "Your PDF had a fault and was repaired. Please open it, to see that nothing is missing."
)
NO_TEXT = _(
    "No text could be read in this PDF, as in a scan: nobody will find its words by a search."
)

# PDFium's mark for a hyphen at the end of a line, and Unicode's soft hyphen.
HYPHENATION = re.compile("[\x02\ufffe\u00ad]\\s*")


class ResumeFile(CleanedFieldFile):
    """A resume on a profile; wherever its URL is shown, that is the resume view's."""

    @property
    def url(self):
        """The address that asks who is there. Only that view asks the storage for a signed link.

        Django's admin shows a file's URL to those who may look but not change.
        """
        return reverse("resume", args=[self.instance.pk])


class ResumeField(CleanedFileField):
    """A PDF, stored as it came, or rewritten where it had to be repaired.

    ``picture``, ``pages`` and ``size`` name the fields that keep the picture of its first page,
    how many there are, and the size of the file; ``text`` names an attribute, which is no field,
    for the text in it.
    """

    attr_class = ResumeFile
    extension = ".pdf"
    content_type = "application/pdf"
    accept = "application/pdf"

    def __init__(self, *args, picture=None, pages=None, size=None, text=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.facts = {"picture": picture, "pages": pages, "bytes": size}
        self.text = text

    def companions(self):
        return list(filter(None, self.facts.values()))

    def clean_upload(self, file):
        pdf, facts = clean_resume(file, max_bytes=settings.RESUME_MAX_BYTES)
        found = {field: facts[fact] for fact, field in self.facts.items() if field}
        if self.text:
            found[self.text] = facts["text"]
        notes = [(REPAIRED, facts["is_repaired"]), (NO_TEXT, not facts["text"])]
        return Cleaned(pdf, found, [note for note, is_so in notes if is_so])


def described_resume(file: File) -> dict:
    """Return the facts about a resume that is stored already; see clean_resume()."""
    return clean_resume(file, max_bytes=max(file.size, 1))[1]


def clean_resume(file: File, *, max_bytes: int) -> tuple[File, dict]:
    """Return the PDF to store, and what was found out about it, if everybody can open it.

    A sane file is returned as it came, rewound. One that viewers show although it is not quite one
    (something before its beginning or behind its end, a table of contents that is elsewhere than it
    says) is returned as PDFium writes it anew, so that it is nothing else beside a PDF. What a PDF
    may carry (scripts, links, attachments) stays in it: it is only ever served as an attachment.

    The facts are "pages", "bytes", "picture" (a File, or None where drawing the first page took too
    much work), "text" (of the first pages; empty for a scan, and where reading took too much work)
    and "is_repaired".

    Raises ValidationError with the code ``empty``, ``too_large``, ``not_a_pdf`` or one of
    ``REFUSALS``.
    """
    check_size(file, max_bytes)
    file.seek(0)
    if HEADER not in file.read(HEADER_BYTES + len(HEADER) - 1):
        raise ValidationError(NOT_A_PDF, code="not_a_pdf")
    report, parts = sandbox.parse("pdf_child", file)
    file.seek(0)
    if (verdict := report["verdict"]) not in {"good", "repaired"}:
        raise ValidationError(REFUSALS[verdict], code=verdict)
    stored = parts.get("rewritten.pdf", file)
    return stored, {
        "pages": report["pages"],
        "bytes": stored.size,
        "picture": parts.get("first-page.png"),
        "text": readable_text(report.get("text", "")),
        "is_repaired": verdict == "repaired",
    }


def readable_text(text: str) -> str:
    """Return the text of a PDF without hyphenation, control characters and runs of blanks."""
    text = HYPHENATION.sub("", text)
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
