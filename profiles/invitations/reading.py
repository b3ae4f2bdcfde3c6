"""Reads what the staff paste or upload: lines, CSV in any common dialect, spreadsheets."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from string import ascii_uppercase
from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.core.files import File
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from portal.files.fields import check_size
from portal.sentences.stored import Sentence, sentence
from profiles.uploads import sandbox

from .columns import Columns, columns_of
from .names import in_spoken_order
from .other_kinds import HEAD_BYTES, refuse_by_beginning, refuse_by_parts

MAX_ROWS = 5_000
MAX_BYTES = 5_000_000
MAX_CELL = 1_000  # characters; more of a cell is not read
MAX_LINES = 100  # of a record with line breaks in its cells
MAX_NAMES, MAX_NAME = 20, 100  # of columns and sheets in a note: how many, and their characters
SEPARATORS = "\t;,|"
SAMPLE_ROWS = 50  # from which the separator is told
HEADER_WITHIN = 10  # rows: some sheets begin with a title
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
SHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # ZIP (xlsx, ods) and the format of old xls

HAS_DIGIT = re.compile(r"\d")
NAMED = re.compile(r"(?P<name>[^<>]*)<\s*(?P<address>[^<>]*)>[\s,;]*")
UNCLOSED = gettext_noop(
    "A quotation mark is opened on this line and never closed. Please close or delete it."
)
NO_ADDRESS = gettext_noop("There is no e-mail address on this line.")
OTHER_SHEETS = gettext_noop("Read from the sheet “%(sheet)s”. Not read: %(others)s.")
OTHER_COLUMNS = gettext_noop("Columns that are not used: %(columns)s.")
UNTITLED = gettext_noop(
    "Columns without a heading are not read: %(columns)s. Please give each column of a name its "
    "own."
)
TURNED = gettext_noop("Names with a comma are turned: “%(name)s” becomes “%(turned)s”.")

REFUSALS = {
    "damaged": _("This spreadsheet cannot be opened. Please save it as CSV and choose that file."),
    "protected": _("This spreadsheet has a password. Please save it without one."),
    "too_complex": _(
        "This spreadsheet takes too much work to open. Please keep the columns with names and"
        " addresses alone, or save it as CSV."
    ),
}


class Row(NamedTuple):
    """One person of a list, or a line that could not be read and why, in English."""

    line: int
    address: str
    name: str = ""
    problem: str = ""


class Reading(NamedTuple):
    """The rows of a list, and sentences about it as a whole."""

    rows: list[Row]
    notes: list[Sentence]


def read_text(text: str) -> Reading:
    """Read pasted lines, or the text of a file. Raises ValidationError."""
    return people(records(text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")))


def read_file(file: File) -> Reading:
    """Read an uploaded file by what is in it, whatever its name. Raises ValidationError, Busy."""
    file.seek(0)
    refuse_by_beginning(file.read(HEAD_BYTES))
    check_size(file, MAX_BYTES)
    file.seek(0)
    content = file.read()
    refuse_by_parts(content)
    if not content.startswith(SHEETS):
        return read_text(decoded(content))
    sheet = sandbox.parse("sheet_child", file, max_rows=MAX_ROWS + HEADER_WITHIN, max_cell=MAX_CELL)
    if (verdict := sheet.report["verdict"]) != "good":
        raise ValidationError(REFUSALS[verdict], code=verdict)
    reading = people(iter([(line, cells) for line, cells in sheet.report["rows"]]))
    if sheet.report["others"]:
        used, others = listed([sheet.report["sheet"]]), listed(sheet.report["others"])
        reading.notes.append(sentence(OTHER_SHEETS, sheet=used, others=others))
    return reading


def decoded(content: bytes) -> str:
    """Return the text of a file in one of the encodings that spreadsheets write."""
    mark = next((mark for mark in MARKS if content.startswith(mark)), None)
    for encoding in [MARKS[mark]] if mark else unmarked(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValidationError(
        _("This is neither text nor a spreadsheet. Please choose a CSV, XLSX or ODS file."),
        code="unreadable",
    )


def unmarked(content: bytes) -> list[str]:
    """The encodings to try without a mark; in UTF-16, every other byte of a separator is zero."""
    zeros = content[::2].count(0), content[1::2].count(0)
    if max(zeros) > len(content) // 8 and min(zeros) == 0:
        return ["utf-16-be" if zeros[0] else "utf-16-le"]
    return ["utf-8", "cp1252"]


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a text with the numbers of their first lines.

    A quotation mark that is never closed would swallow all that follows it. The line with it is
    reported (as a record of None), and the next one read as if nothing had been.
    """
    lines = text.split("\n")
    start, separator = 0, ""
    if lines[0].strip().lower().startswith("sep=") and len(lines[0].strip()) == 5:
        start, separator = 1, lines[0].strip()[4].replace('"', "")  # which csv refuses
    separator = separator or separator_of(lines)
    while start < len(lines):
        start = yield from unbroken(lines, start, separator)


def unbroken(lines: list[str], start: int, separator: str):
    """Yield the records from a line on; return where to begin anew."""
    first = start

    def within_reach() -> Iterator[str]:
        """Yield the lines, no more than MAX_LINES to a record: each broken one is read again."""
        number = start
        while number < min(len(lines), first + MAX_LINES):
            yield f"{lines[number]}\n"
            number += 1

    reader = csv.reader(within_reach(), delimiter=separator)
    while True:
        first = start + reader.line_num
        try:
            cells = next(reader)
        except StopIteration:
            return len(lines)
        except csv.Error:  # a cell that is longer than any cell
            yield first + 1, None
            return first + 1
        last = start + reader.line_num
        spanned = lines[first:last]
        if len(spanned) > 1 and is_broken(spanned, is_last=last >= len(lines)):
            yield first + 1, None
            return first + 1
        yield first + 1, [" ".join(cell[:MAX_CELL].split()) for cell in cells]


def is_broken(spanned: list[str], *, is_last: bool) -> bool:
    """Return True if a record of several lines has swallowed others than its own."""
    if len(spanned) >= MAX_LINES:
        return True
    unclosed = is_last and sum(line.count('"') for line in spanned) % 2 == 1
    return unclosed or sum("@" in line for line in spanned) > 1


def separator_of(lines: list[str]) -> str:
    """Return the separator by which most lines fall into the same number of cells."""

    beginnings = [line[:MAX_CELL] for line in lines[:SAMPLE_ROWS]]  # csv refuses cells of 131 kB

    def agreement(separator: str) -> tuple[bool, int]:
        sample = [cells for cells in csv.reader(beginnings, delimiter=separator) if cells]
        has_header = any(columns_of(cells) for cells in sample[:HEADER_WITHIN] if len(cells) > 1)
        widths = [len(cells) for cells in sample if len(cells) > 1]
        return has_header, max((widths.count(width) for width in widths), default=0)

    return max(SEPARATORS, key=agreement)


def people(found: Iterator[tuple[int, list[str] | None]]) -> Reading:
    """Make rows of records: by their headers, or else by where an address is."""
    rows, notes, columns, seen = [], [], None, 0
    titled, filled = set(), set()  # numbers of columns
    for line, cells in found:
        if cells is None:
            rows.append(Row(line, "", problem=UNCLOSED))
            refuse_many(rows)
            continue
        if not any(cells):
            continue
        seen += 1
        if columns is None and seen <= HEADER_WITHIN and (columns := columns_of(cells)):
            rows = [row for row in rows if "@" in row.address or row.problem == UNCLOSED]
            titled = filled_of(cells)
            if columns.unused:
                notes.append(sentence(OTHER_COLUMNS, columns=listed(columns.unused)))
            continue
        rows += by_columns(line, cells, columns) if columns else by_sight(line, cells)
        filled |= filled_of(cells) if columns else set()
        refuse_many(rows)
    if not any("@" in row.address for row in rows):
        raise ValidationError(
            _(
                "There is no e-mail address in this. Please give one line for each person, such as "
                "“Ada Lovelace <ada@example.org>”, or a table with a column “E-mail”."
            ),
            code="no_address",
        )
    if untitled := [letter for i, letter in enumerate(ascii_uppercase) if i in filled - titled]:
        notes.append(sentence(UNTITLED, columns=listed(untitled)))
    return turned(Reading(rows, notes))


def filled_of(cells: list[str]) -> set[int]:
    return {i for i, cell in enumerate(cells) if cell}


def turned(reading: Reading) -> Reading:
    """Turn the names of a list that has most of them with the last name first, and tell so."""
    names = {row.name: in_spoken_order(row.name) for row in reading.rows if row.name}
    changed = [name for name, spoken in names.items() if name != spoken]
    if 2 * len(changed) <= len(names):
        return reading
    rows = [row._replace(name=names.get(row.name, "")) for row in reading.rows]
    note = sentence(TURNED, name=changed[0], turned=names[changed[0]])
    return Reading(rows, [*reading.notes, note])


def refuse_many(rows: list[Row]) -> None:
    """Raise ValidationError for more rows than a list may have."""
    if len(rows) > MAX_ROWS:
        raise ValidationError(
            _("This list has more than %(most)s lines. Please split it."),
            code="too_many",
            params={"most": number_format(MAX_ROWS, force_grouping=True)},
        )


def listed(names: Sequence[str]) -> str:
    """Return the names of columns or sheets for a note, shortened where there are many."""
    shown = [name[:MAX_NAME] for name in names[:MAX_NAMES]]
    return ", ".join([*shown, "…"] if len(names) > MAX_NAMES else shown)


def by_columns(line: int, cells: list[str], columns: Columns) -> list[Row]:
    cell = cells[columns.address] if columns.address < len(cells) else ""
    if not cell:
        return [Row(line, "", columns.name(cells), NO_ADDRESS)]
    name, address = name_and_address(cell)
    return [Row(line, address, columns.name(cells) or name)]


def by_sight(line: int, cells: list[str]) -> list[Row]:
    """Take each cell with an @ as a person, named by the cell, or by the others if it is alone."""
    with_address = islice((cell for cell in cells if "@" in cell), MAX_ROWS + 1)
    found = [name_and_address(cell) for cell in with_address]
    others = [cell for cell in cells if cell and "@" not in cell]
    if not found:
        text = " ".join(others)
        return [Row(line, text[:MAX_CELL], "", NO_ADDRESS)]
    others = [cell for cell in others if not HAS_DIGIT.search(cell)]  # a telephone, a number
    if len(found) > 1:
        return [Row(line, address, name) for name, address in found]
    [(name, address)] = found
    return [Row(line, address, " ".join([name, *others[:2]]).strip())]


def name_and_address(cell: str) -> tuple[str, str]:
    """Take apart "Ada Lovelace <ada@example.org>", "Ada ada@example.org" or the address alone."""
    if match := NAMED.fullmatch(cell):
        return match["name"].strip(" \"'"), without_scheme(match["address"].strip())
    words = cell.strip(" ,;").split(" ")
    addresses = [word for word in words if "@" in word]
    if len(addresses) != 1:
        return "", without_scheme(cell)
    name = " ".join(word for word in words if word != addresses[0])
    return name.strip(" \"'(),;"), without_scheme(addresses[0].strip("(),;"))


def without_scheme(address: str) -> str:
    return address[7:] if address[:7].lower() == "mailto:" else address
