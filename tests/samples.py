"""Makers of test files (being written)."""

from io import BytesIO
import pikepdf
from PIL import Image


def jpeg(size=(640, 480)):
    out = BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(out, "JPEG")
    return out.getvalue()


def pdf(text="hello"):
    out = BytesIO()
    document = pikepdf.new()
    document.add_blank_page()
    document.docinfo["/Title"] = text
    document.save(out, static_id=True)
    return out.getvalue()
