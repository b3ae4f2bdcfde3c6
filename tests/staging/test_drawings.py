"""The drawn photos and generated PDFs that take the place of members' files on staging."""

from io import BytesIO

import pytest
from pikepdf import Pdf
from PIL import Image

from portal.staging import drawings
from portal.staging.chance import Chance

TITLE = "Zoë (née Ångström) \\ Łódź"


class Fixed(Chance):
    """A chance that yields given numbers, and notes out of how many each was drawn."""

    def __init__(self, *numbers):
        self.numbers, self.limits = list(numbers), []

    def below(self, limit):
        self.limits.append(limit)
        return self.numbers.pop(0)


# Seen from far away: hair (#), skin (o), clothes (=), and what is behind them.
SHORT_HAIR = """
........................
........................
........................
..........o==o..........
.........=####=.........
........=######=........
........##=oo=##........
.......o#oooooo#o.......
.......==oooooo==.......
.......=oooooooo=.......
.......oo=oo=ooo........
.......oooooooooo.......
........oooooooo........
........oooooooo........
.........oooooo.........
..........oooo..........
..........oooo..........
..........oooo..........
........oooooooo........
.....o=====oo=====o.....
....================....
...==================...
..====================..
..====================..
"""
LONG_HAIR = """
........................
........................
..........o==o..........
.........######.........
........=######=........
........###==###........
.......=##oooo##=.......
.......##=oooo=##.......
......o##oooooo##o......
......o#=oooooo=#o......
......=#=oooooo=#=......
......=#=oooooo=#=......
......=#=oooooo=#=......
......o#=oooooo=#o......
......o##oooooo##o......
.......##=oooo=##.......
.......###oooo###.......
.......o##oooo##o.......
.......o==oooo==........
.....o=====oo=====o.....
...o================o...
..====================..
.o====================o.
.======================.
"""
SIDE, CELL = 96, 4  # pixels
BACKDROP, SKIN, HAIR, DRESS = 1, 2, 6, 1  # numbers of colours that are unlike each other
MOST_UNLIKE = 12  # of 576 cells: a release of Pillow may draw an edge another way
PALE, DARK = 130, 95  # of 255, about


def seen_from_far_away(image) -> str:
    colours = {
        ".": drawings.BACKDROPS[BACKDROP],
        "o": drawings.SKINS[SKIN],
        "#": drawings.HAIRS[HAIR],
        "=": drawings.CLOTHES[DRESS],
    }
    image, cells = image.reduce(CELL), range(SIDE // CELL)

    def nearest(cell):
        pixel = image.getpixel(cell)
        return min(
            colours,
            key=lambda name: sum(
                (value - int(colours[name][at : at + 2], 16)) ** 2
                for value, at in zip(pixel, (1, 3, 5), strict=True)
            ),
        )

    rows = ("".join(nearest((x, y)) for x in cells) for y in cells)
    return "\n".join(["", *rows, ""])


@pytest.mark.parametrize(
    ("numbers", "picture", "eyes"),
    [([3, 3, 0, 1, 7, 2], SHORT_HAIR, 0.07), ([0, 7, 1, 2, 14, 5], LONG_HAIR, 0.08)],
    ids=["short hair", "long hair"],
)
def test_a_photo_is_a_face(numbers, picture, eyes):
    """By its colours, widths and heights, each of which chance decides."""
    chance = Fixed(BACKDROP, SKIN, HAIR, DRESS, *numbers)

    image = Image.open(BytesIO(drawings.portrait(chance, SIDE)))

    assert (image.format, image.size) == ("WEBP", (SIDE, SIDE))
    assert chance.numbers == []
    assert chance.limits == [
        len(drawings.BACKDROPS), len(drawings.SKINS), len(drawings.HAIRS), len(drawings.CLOTHES),
        8, 8, 2, 3, 15, 6,
    ]  # fmt: skip
    cells = zip(seen_from_far_away(image.convert("RGB")), picture, strict=True)
    assert sum(cell != drawn for cell, drawn in cells) < MOST_UNLIKE
    grey = image.convert("L")
    across = [grey.getpixel((round(x * SIDE), 43)) for x in (0.5 - eyes, 0.5, 0.5 + eyes)]
    assert [level < DARK for level in across] == [True, False, True]
    down = [grey.getpixel((SIDE // 2, y)) for y in (50, 56, 61)]
    assert [level > PALE for level in down] == [True, False, True], "a mouth between nose and chin"


class Drawn:
    """In the place of Pillow: notes what is drawn, in thousandths of a side."""

    def __init__(self, image):
        self.scale, self.shapes = 1000 / image.width, []
        DRAWN.append(self)

    def ellipse(self, box, fill):
        self.shapes.append((*[round(value * self.scale, 3) for value in box], fill))

    def arc(self, box, start, end, fill, width):
        box = [round(value * self.scale, 3) for value in box]
        self.shapes.append((*box, start, end, fill, width))


DRAWN: list[Drawn] = []
COLOURS = (BACKDROP, SKIN, HAIR, DRESS)


@pytest.mark.parametrize(
    ("numbers", "shapes"),
    [
        (
            [3, 3, 0, 1, 7, 2],
            [
                (65, 760, 935, 1320, "#8a3b2a"),
                (425, 610, 575, 830, "#c78c5f"),
                (305, 145, 695, 615, "#1c1c24"),
                (335, 255, 665, 685, "#c78c5f"),
                (416, 433, 444, 467, "#2c2020"),
                (556, 433, 584, 467, "#2c2020"),
                (445, 530, 555, 590, 15, 165, "#8c3b3b", 22),
            ],
        ),
        (
            [0, 7, 1, 2, 14, 5],
            [
                (270, 95, 730, 865, "#1c1c24"),
                (30, 760, 970, 1320, "#8a3b2a"),
                (425, 610, 575, 830, "#c78c5f"),
                (320, 125, 680, 635, "#1c1c24"),
                (350, 235, 650, 705, "#c78c5f"),
                (406, 433, 434, 467, "#2c2020"),
                (566, 433, 594, 467, "#2c2020"),
                (430, 530, 570, 590, 15, 165, "#8c3b3b", 22),
            ],
        ),
    ],
    ids=["short hair", "long hair"],
)
def test_a_face_is_made_of_simple_shapes(monkeypatch, numbers, shapes):
    """The largest first; each is a share of the side, whatever the size."""
    DRAWN.clear()
    monkeypatch.setattr(drawings.ImageDraw, "Draw", Drawn)

    drawings.portrait(Fixed(*COLOURS, *numbers), 1000)
    drawings.portrait(Fixed(*COLOURS, *numbers), 40)

    assert DRAWN[0].shapes == shapes
    assert DRAWN[1].shapes == [*shapes[:-1], (*shapes[-1][:-1], 2)], "a mouth has some width"


def test_a_photo_is_small_and_the_same_each_time():
    """Thousands are stored, and a refresh that is run again compares them."""
    drawn = [drawings.portrait(Chance(who), 512) for who in ("ada", "ada", "grace")]

    assert drawn[0] == drawn[1] != drawn[2]
    assert max(map(len, drawn)) < 12_000


def test_the_text_of_a_resume_fits_on_its_pages():
    pages = drawings.pages_of_text(Chance("resume"), TITLE, 200)

    assert [page[0] for page in pages] == [
        "Zoe (nee Angstrom) \\ Lodz",
        *(f"Zoe (nee Angstrom) \\ Lodz ({number})" for number in range(2, 201)),
    ]
    assert {page[1] for page in pages} == {""}
    lengths = {len(page) for page in pages}
    assert (min(lengths), max(lengths)) == (8, drawings.LINES - 1)
    lines = [line for page in pages for line in page[2:]]
    assert max(map(len, lines)) == drawings.CHARACTERS
    assert all(line == line.strip() != "" for line in lines)


def test_a_title_of_which_nothing_can_be_written_is_another():
    assert drawings.pages_of_text(Chance("resume"), "", 1)[0][0] == "Resume"


def test_a_page_is_written_from_the_margin_downwards():
    """With the characters escaped that mean something in a PDF (ISO 32000-1, 7.3.4.2)."""
    assert drawings.page_content(["A (b) \\ é", "c"]) == (
        b"BT 60 782 Td /F1 20 Tf (A \\(b\\) \\\\ ?) Tj 0 -16 Td /F1 11 Tf (c) Tj 0 -16 Td ET"
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_resume_is_a_pdf_without_faults(count):
    pages = [[f"Page {number} (of many)", "", "text"] for number in range(count)]

    content = drawings.pdf(TITLE, pages)

    with Pdf.open(BytesIO(content)) as pdf:
        assert pdf.check_pdf_syntax() == []
        assert pdf.get_warnings() == []
        assert (str(pdf.docinfo.Title), str(pdf.docinfo.Author)) == (TITLE, TITLE)
        assert len(pdf.pages) == count
        for page, lines in zip(pdf.pages, pages, strict=True):
            assert list(page.MediaBox) == [0, 0, 595, 842]
            assert str(page.Resources.Font.F1.BaseFont) == "/Helvetica"
            assert page.Contents.read_bytes() == drawings.page_content(lines)
        start = int(content.split(b"startxref\n")[1].split()[0])
        assert content[start:].startswith(b"xref\n0 %d\n" % (5 + 2 * count))
        assert pdf.trailer.Size == 5 + 2 * count


def test_a_first_page_looks_like_the_pdf():
    """480 pixels are its 595 points: the lines are as far apart, and the first is the largest."""
    image = Image.open(BytesIO(drawings.first_page(["Title (a)", "", "abc", "Abc abc"])))

    assert (image.format, image.mode, image.size) == ("PNG", "L", (480, 679))
    ink = image.point(lambda level: 255 * (level < 128))
    left, top, _, bottom = ink.getbbox()
    assert abs(left - 60 * 480 / 595) < 3
    rows = [ink.crop((0, y, 480, y + 1)).getbbox() is not None for y in range(679)]
    starts = [y for y in range(1, 679) if rows[y] and not rows[y - 1]]
    ends = [y for y in range(1, 679) if rows[y - 1] and not rows[y]]
    assert [end - start for start, end in zip(starts, ends, strict=True)] == [14, 7, 7]
    assert abs(ends[0] - 60 * 480 / 595) < 3
    assert (top, bottom) == (starts[0], ends[2])
    assert abs(ends[2] - ends[1] - 16 * 480 / 595) < 2
