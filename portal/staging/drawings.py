"""Drawn photos and generated PDFs: the content of placeholders (placeholders.py)."""

from functools import lru_cache
from io import BytesIO

from anyascii import anyascii
from PIL import Image, ImageDraw, ImageFont

from .chance import Chance
from .invented import sentences

WEBP_QUALITY, WEBP_METHOD = 80, 2
OVERSAMPLING = 2  # drawn at twice the size and scaled down: smoother edges
BACKDROPS = ("#f1d9b5", "#cfe0d8", "#d8d3e8", "#f3cfc4", "#cddcec", "#e6e0c4", "#d3e3c3", "#ecd0de")
SKINS = ("#f2cfae", "#e3b08a", "#c78c5f", "#a0683f", "#7a4a2b", "#5a3520")
HAIRS = ("#2b1d16", "#4d3020", "#8a5a2c", "#c99a4b", "#8d8d8d", "#a33d20", "#1c1c24")
CLOTHES = ("#34496b", "#8a3b2a", "#2a5a5f", "#6b3f57", "#4a5d33", "#3d3d48")

A4 = (595, 842)  # points
MARGIN, LEADING, FONT_SIZE, TITLE_SIZE = 60, 16, 11, 20  # points
LINES, CHARACTERS = 40, 80  # on a page, in a line
MOST_PAGES = 2_000
PICTURE = (480, 679)  # pixels, as the site draws a first page


def portrait(chance: Chance, side: int) -> bytes:
    """Return a face of simple shapes as a square WebP."""
    size = side * OVERSAMPLING
    image = Image.new("RGB", (size, size), chance.pick(BACKDROPS))
    draw = ImageDraw.Draw(image)

    def ellipse(x: float, y: float, across: float, down: float, fill: str) -> None:
        box = (x - across / 2, y - down / 2, x + across / 2, y + down / 2)
        draw.ellipse([share * size for share in box], fill=fill)

    skin, hair, clothes = chance.pick(SKINS), chance.pick(HAIRS), chance.pick(CLOTHES)
    width, height = 0.30 + chance.below(8) / 100, 0.40 + chance.below(8) / 100
    long_hair, eyes = chance.below(2), 0.06 + chance.below(3) / 100
    if long_hair:
        ellipse(0.5, 0.48, width + 0.16, height + 0.30, hair)
    ellipse(0.5, 1.04, 0.80 + chance.below(15) / 100, 0.56, clothes)
    ellipse(0.5, 0.72, 0.15, 0.22, skin)
    ellipse(0.5, 0.38, width + 0.06, height + 0.04, hair)
    ellipse(0.5, 0.47, width, height, skin)
    for x in (0.5 - eyes, 0.5 + eyes):
        ellipse(x, 0.45, 0.028, 0.034, "#2c2020")
    mouth = 0.09 + chance.below(6) / 100
    box = (0.5 - mouth / 2, 0.53, 0.5 + mouth / 2, 0.59)
    draw.arc([share * size for share in box], 15, 165, fill="#8c3b3b", width=max(2, size // 90))
    return webp(image.reduce(OVERSAMPLING))


def webp(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return out.getvalue()


def pages_of_text(chance: Chance, title: str, pages: int) -> list[list[str]]:
    """Return the lines of each page; the title is the first line of the first."""
    latin = anyascii(title) or "Resume"
    made = []
    for number in range(pages):
        text = sentences(chance, "LATIN", CHARACTERS * (6 + chance.below(LINES - 8)))
        lines = [text[at : at + CHARACTERS].strip() for at in range(0, len(text), CHARACTERS)]
        made.append([latin if number == 0 else f"{latin} ({number + 1})", "", *lines])
    return made


def pdf(title: str, pages: list[list[str]]) -> bytes:
    """Return a PDF of these lines (ISO 32000-1), with the title in its metadata."""
    page_numbers = [5 + 2 * number for number in range(len(pages))]
    kids = " ".join(f"{number} 0 R" for number in page_numbers)
    hexadecimal = ("\ufeff" + title).encode("utf-16-be").hex().upper()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Title <{hexadecimal}> /Author <{hexadecimal}> >>".encode(),
    ]
    for number, lines in zip(page_numbers, pages, strict=True):
        content = page_content(lines)
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {A4[0]} {A4[1]}]"
            f" /Resources << /Font << /F1 3 0 R >> >> /Contents {number + 1} 0 R >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for position, each in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (position, each)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\n" % (len(objects) + 1)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def page_content(lines: list[str]) -> bytes:
    """Return the drawing operators of one page."""
    shown = []
    for number, line in enumerate(lines):
        size = TITLE_SIZE if number == 0 else FONT_SIZE
        escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        shown.append(f"/F1 {size} Tf ({escaped}) Tj 0 -{LEADING} Td")
    text = f"BT {MARGIN} {A4[1] - MARGIN} Td {' '.join(shown)} ET"
    return text.encode("ascii", "replace")


@lru_cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return Pillow's own font, which is read from its file once for each size."""
    return ImageFont.load_default(size)


def first_page(lines: list[str]) -> bytes:
    """Return a picture of a page as a PNG."""
    image = Image.new("L", PICTURE, 255)
    draw, scale = ImageDraw.Draw(image), PICTURE[0] / A4[0]
    for number, line in enumerate(lines):
        size = (TITLE_SIZE if number == 0 else FONT_SIZE) * scale
        place = (MARGIN * scale, (MARGIN + number * LEADING) * scale - size)
        draw.text(place, line, fill=40, font=font(size))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
